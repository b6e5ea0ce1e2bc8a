"""How a worker ended is told in a clause that a person understands."""

import signal

import pytest

from pipeline.runner.deaths import how_it_ended, where_it_was

TRACE = """Fatal Python error: Segmentation fault

Thread 0x00007f4f983ff6c0 (most recent call first):
  File "/usr/lib/python3/connection.py", line 395 in _recv

Current thread 0x00007f4fb99fbe40 (most recent call first):
  File "/home/me/detectors/hand nets.py", line 88 in _run
  File "/home/me/detectors/hands.py", line 12 in inspect
"""


@pytest.mark.parametrize(
    ("code", "clause"),
    [
        (-signal.SIGSEGV, "died of SIGSEGV (Segmentation fault)"),
        (-signal.SIGKILL, "was killed from outside (SIGKILL)"),
        (7, "ended by itself with exit code 7"),
        (None, "stopped answering"),
    ],
)
def test_an_exit_code_becomes_a_clause(code: int | None, clause: str) -> None:
    assert how_it_ended(code).startswith(clause)


@pytest.mark.parametrize(
    ("trace", "where"),
    [
        (TRACE, ", in _run (hand nets.py:88)"),
        (TRACE.replace("Current thread", "Thread"), ", in _recv (connection.py:395)"),
        ("Fatal Python error: Aborted\n", ""),
        ("", ""),
    ],
)
def test_the_place_is_the_innermost_one_of_the_thread_that_failed(
    trace: str, where: str
) -> None:
    assert where_it_was(trace) == where
