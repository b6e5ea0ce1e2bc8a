"""Progress is honest: a bar on a terminal, a line a minute elsewhere."""

import io

import pytest

from pipeline.cli.progress import Progress
from pipeline.records import Outcome, Status

Captured = pytest.CaptureFixture[str]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def ended(status: Status) -> Outcome:
    return Outcome("a.png", "", status)


def test_without_a_terminal_there_is_a_line_a_minute(capsys: Captured) -> None:
    clock = Clock()
    progress = Progress("repair", clock=clock)

    progress.started(planned=10, finished_before=4)
    for _ in range(5):
        clock.now += 24
        progress.finished(ended(Status.REPAIRED))
    told = capsys.readouterr().err.splitlines()
    progress.finished(ended(Status.FAILED))
    progress.ended()

    assert told == ["repair: 7 of 10 pictures; repaired 3; about 01:12 left"]
    last = capsys.readouterr().err
    assert last == "repair: 10 of 10 pictures; repaired 5, failed 1\n"


def test_what_was_finished_before_does_not_make_the_time_left_shorter(
    capsys: Captured,
) -> None:
    clock = Clock()
    progress = Progress("repair", clock=clock)

    progress.started(planned=1000, finished_before=900)
    clock.now += 60
    progress.finished(ended(Status.CLEAN))

    assert "about 1:39:00 left" in capsys.readouterr().err


def test_a_run_with_nothing_to_do_says_nothing(capsys: Captured) -> None:
    progress = Progress("repair")

    progress.started(planned=10, finished_before=10)
    progress.ended()

    assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_bar_with_the_tally(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    progress = Progress("check")

    progress.started(planned=3, finished_before=1)
    progress.finished(ended(Status.FLAWED))
    progress.finished(ended(Status.UNREADABLE))
    progress.ended()

    shown = terminal.getvalue()
    assert "check: 100%" in shown
    assert "flawed 1, failed 1" in shown
    assert "3/3" in shown
