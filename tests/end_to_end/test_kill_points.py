"""A run killed before any step that changes the disk ends, resumed, like any other.

The run happens in a forked child. Hooks of the interpreter itself (audit events, and
the profiler's calls) count every step that makes, names or removes a file, and every
statement given to SQLite, and kill the child before the n-th. NIGHTMEND_TORTURE=1
tries every n instead of a sample.
"""

import os
import shutil
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest

from pipeline.errors import ExitCode
from pipeline.ledger import queries
from tests.support.fakes import GREEN, ORANGE, RED
from tests.support.runs import fill, outcomes, picture, repair, tree

CHANGES = frozenset({"os.link", "os.rename", "os.remove", "os.mkdir", "os.truncate"})
WRITING = os.O_WRONLY | os.O_RDWR
SAMPLE = 12


class Countdown:
    """Calls `end` before the n-th step that changes the disk."""

    def __init__(self, n: int, end: Callable[[], None]) -> None:
        self.steps = 0
        self._n = n
        self._end = end

    def step(self) -> None:
        self.steps += 1
        if self.steps == self._n:
            self._end()

    def on_audit(self, event: str, details: tuple[Any, ...]) -> None:
        """Meet `sys.addaudithook`."""
        if event in CHANGES or (event == "open" and details[2] & WRITING):
            self.step()

    def on_profile(self, _: object, event: str, called: Any) -> None:
        """Meet `sys.setprofile`."""
        if event == "c_call" and called.__name__.startswith("execute"):
            self.step()


def run_in_child(source: Path, output: Path, n: int) -> tuple[bool, int]:
    """Run a repair in a forked child that dies before step n.

    Returns:
        Whether it was killed, and how many steps a child that was not killed took.
    """
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        countdown = Countdown(n, lambda: os.kill(os.getpid(), signal.SIGKILL))
        sys.addaudithook(countdown.on_audit)
        sys.setprofile(countdown.on_profile)
        try:
            repair(source, output)
            os.write(writing, str(countdown.steps).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        steps = told.read()
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status), int(steps or 0)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Threads of OpenCV do not survive a fork."""
    cv2.setNumThreads(0)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return fill(
        tmp_path / "in",
        {
            "clean.png": picture(1, GREEN),
            "deep/repaired.png": picture(2, RED),
            "kept.png": picture(3, ORANGE),
        },
    )


def test_a_run_killed_before_any_step_loses_nothing(
    source: Path, tmp_path: Path
) -> None:
    before = tree(source)
    killed, steps = run_in_child(source, tmp_path / "whole", 10**9)
    assert not killed
    assert steps > 60, "the hook must see the steps of publishing and of the ledger"
    expected = tree(tmp_path / "whole")
    stride = 1 if os.environ.get("NIGHTMEND_TORTURE") else max(1, steps // SAMPLE)

    for n in range(1, steps + 1, stride):
        output = tmp_path / "out"
        shutil.rmtree(output, ignore_errors=True)
        killed, _ = run_in_child(source, output, n)
        assert killed, f"the child outlived step {n}"

        result = repair(source, output)

        at = f"killed before step {n} of {steps}"
        assert result.code is ExitCode.FLAWS, at
        assert tree(output) == expected, at
        assert len(outcomes(output)) == 3, at
        assert queries.states(output / ".nightmend") == {"done": 3}, at
        assert not list(output.rglob("*.part")), at
        assert times_finished(output) == 3, f"{at}: something was done twice"
        assert tree(source) == before, at


def times_finished(output: Path) -> int:
    """Return how many pictures all runs together have finished."""
    state = output / ".nightmend"
    return sum(
        len(queries.summary(state, info.run_id).outcomes)
        for info in queries.runs(state)
    )
