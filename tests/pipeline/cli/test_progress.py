"""Progress is honest: a bar on a terminal, a line a minute elsewhere."""

import io
import time

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

    progress.started(planned=20, finished_before=4)
    for _ in range(10):
        clock.now += 12
        progress.finished(ended(Status.REPAIRED))
    told = capsys.readouterr().err.splitlines()
    progress.finished(ended(Status.FAILED))
    progress.ended()

    assert told == [
        "repair: 9 of 20 pictures; repaired 5; about 2 min left",
        "repair: 14 of 20 pictures; repaired 10; about 72 s left",
    ]
    last = capsys.readouterr().err
    assert last == "repair: 15 of 20 pictures; repaired 10, failed 1\n"


def test_a_picture_that_takes_long_is_no_reason_to_fall_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log, clock = io.StringIO(), Clock()
    monkeypatch.setattr("sys.stderr", log)
    progress = Progress("repair", clock=clock, look_s=0.01)

    progress.started(planned=20, finished_before=4)
    for minutes in (1, 2):
        clock.now += 60
        while log.getvalue().count("\n") < minutes:  # pytest's time limit ends it
            time.sleep(0.01)
    progress.ended()
    clock.now += 60
    time.sleep(0.1)

    assert log.getvalue().splitlines() == [
        f"repair: 4 of 20 pictures; none for {spoken}; too early to tell the time left"
        for spoken in ("60 s", "2 min")
    ]


def test_what_was_finished_before_does_not_make_the_time_left_shorter(
    capsys: Captured,
) -> None:
    clock = Clock()
    progress = Progress("repair", clock=clock)

    progress.started(planned=1000, finished_before=900)
    for _ in range(10):
        clock.now += 60
        progress.finished(ended(Status.CLEAN))

    last = capsys.readouterr().err.splitlines()[-1]
    assert last.endswith("910 of 1000 pictures; about 1 h 30 min left")


def test_a_time_left_is_not_made_up_from_one_picture(capsys: Captured) -> None:
    clock = Clock()
    progress = Progress("repair", clock=clock)

    progress.started(planned=1000, finished_before=0)
    clock.now += 60
    progress.finished(ended(Status.CLEAN))

    assert "too early to tell the time left" in capsys.readouterr().err


def test_worst_first_makes_the_time_left_an_upper_bound(capsys: Captured) -> None:
    clock = Clock()
    progress = Progress("repair", worst_first=True, clock=clock)

    progress.started(planned=20, finished_before=0)
    for _ in range(10):
        clock.now += 12
        progress.finished(ended(Status.REPAIRED))

    assert "at most 2 min left" in capsys.readouterr().err


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
