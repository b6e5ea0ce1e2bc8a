"""What Ray says in a page is told in a clause."""

import pytest

pytest.importorskip("ray")

from pipeline.runner.cluster import how_it_ended

PAGE = """The actor died unexpectedly before finishing this task.
\tclass_name: _Stationed
\tpid: 22483
\tip: 192.0.2.2
The actor is dead because its worker process has died. Worker exit type: SYSTEM_ERROR \
Worker exit detail: Worker unexpectedly exits with a connection error code 2."""


@pytest.mark.parametrize(
    ("page", "clause"),
    [
        (PAGE, "ended abruptly on 192.0.2.2 (SYSTEM_ERROR)"),
        (PAGE.replace("ip: ", ""), "ended abruptly (SYSTEM_ERROR)"),
        ("\x1b[36mIt is gone.\x1b[0m\nAdvice.", "ended abruptly (It is gone)"),
    ],
)
def test_the_end_of_an_actor_is_told_in_a_clause(page: str, clause: str) -> None:
    assert how_it_ended(RuntimeError(page)) == clause
