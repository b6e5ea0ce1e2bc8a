"""What a worker tells arrives as it was told, whatever the names are."""

from pathlib import Path

import pytest

from pipeline.records import Outcome, Status
from pipeline.runner.contract import Job, Result
from pipeline.runner.messages import (
    Began,
    Finished,
    Message,
    Ready,
    Refused,
    Said,
    from_line,
    to_line,
)

ODD = "a\udcff\n\u202e.png"
RESULT = Result(Job(Path("/in") / ODD, ODD), Outcome(ODD, "d", Status.KEPT), lost="x")


@pytest.mark.parametrize(
    "message",
    [
        Ready("classical", ("pipeline.flow", "detectors.hands")),
        Began("paint"),
        Finished(RESULT, 12.5),
        Refused(5, "no device"),
        Said("pipeline", 30, "text\n", "trace"),
    ],
)
def test_a_message_survives_the_way(message: Message) -> None:
    line = to_line(message)

    assert from_line(line) == message
    assert b"\n" not in line


@pytest.mark.parametrize("line", [b"", b"[]", b'["Ready"]', b'["Popen", {}]', b"3"])
def test_anything_else_is_no_message(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_line(line)
