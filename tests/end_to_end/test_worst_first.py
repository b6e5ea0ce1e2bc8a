"""The worst pictures are repaired first, so that a short night helps most."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from detectors.findings import Severity
from detectors.geometry import Box
from pipeline.cli.main import main
from pipeline.errors import ExitCode
from pipeline.records import FindingRow, Outcome, Status
from pipeline.runner import batch
from pipeline.runner.kept_tools import KeptTools
from pipeline.runner.limits import Limits
from pipeline.runner.worst_first import badness, look_first
from pipeline.settings import Settings
from pipeline.toolbox import Toolbox
from tests.support.fakes import GREEN, ORANGE, RED
from tests.support.runs import (
    FakeTools,
    Silent,
    fill,
    order,
    outcomes,
    picture,
    repair,
    tree,
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    colours = {"a": GREEN, "b": ORANGE, "c": GREEN, "d": RED, "e": RED}
    return fill(
        tmp_path / "in",
        {f"{n}.png": picture(i, colours[n]) for i, n in enumerate(colours)},
    )


class SlowTools(FakeTools):
    """Takes its time to be built."""

    def __init__(self, took_s: float) -> None:
        super().__init__()
        self._took_s = took_s

    def __call__(self, settings: Settings, *, with_inpainter: bool) -> Toolbox:
        time.sleep(self._took_s)
        return super().__call__(settings, with_inpainter=with_inpainter)


def row(severity: Severity, confidence: float) -> FindingRow:
    return FindingRow("x", "x/y", Box(0, 0, 9, 9), confidence, severity=severity)


def test_the_worst_come_first_and_equals_by_name(source: Path, tmp_path: Path) -> None:
    asked, tools, watch = order(source, tmp_path / "out"), FakeTools(), Silent()
    kept = KeptTools(tools)

    look, ranks = look_first(asked, Silent(), kept)
    batch.run(replace(asked, ranks=ranks), watch, build_tools=kept)

    keys = [outcome.key for outcome in watch.outcomes]
    assert look.ended is ExitCode.OK
    assert keys == ["d.png", "e.png", "b.png", "a.png", "c.png"]
    assert tools.built == 1
    repair(source, tmp_path / "plain")
    assert tree(tmp_path / "out") == tree(tmp_path / "plain")


def test_looking_changes_nothing_and_is_done_once_only(
    source: Path, tmp_path: Path
) -> None:
    asked = order(source, tmp_path / "out")
    first, _ = look_first(asked, Silent(), FakeTools())
    again = replace(
        asked,
        task=replace(
            asked.task, workplace=order(source, tmp_path / "out").task.workplace
        ),
    )

    second, ranks = look_first(again, Silent(), FakeTools())

    assert (first.worked, second.worked) == (5, 0)
    assert len(ranks) == 5
    assert tree(tmp_path / "out") == {}


def test_looking_obeys_the_limits_of_the_night(source: Path, tmp_path: Path) -> None:
    asked = order(source, tmp_path / "out")

    ended, _ = look_first(
        replace(asked, limits=Limits(budget_s=0.0)), Silent(), FakeTools()
    )
    whole, _ = look_first(
        replace(asked, limits=Limits(max_pictures=1)), Silent(), FakeTools()
    )

    assert (ended.ended, ended.worked) == (ExitCode.LIMIT, 0)
    assert (whole.ended, whole.worked) == (ExitCode.OK, 5)


def test_the_look_leaves_most_of_the_night_to_the_repairs(
    source: Path, tmp_path: Path
) -> None:
    begun = datetime.now(UTC)
    asked = order(source, tmp_path / "out")
    end = begun + timedelta(seconds=0.4)
    # A quarter of the time is over before the first picture can be begun.
    slow = SlowTools(0.2)

    look, ranks = look_first(replace(asked, limits=Limits(stop_at=end)), Silent(), slow)

    assert (look.ended, ranks) == (ExitCode.LIMIT, {})
    whole = replace(asked, ranks=ranks)
    assert batch.run(whole, Silent(), build_tools=FakeTools()).worked == 5


def test_an_error_weighs_more_than_a_few_warnings() -> None:
    def found(*rows: FindingRow) -> Outcome:
        return Outcome("a.png", "", Status.FLAWED, findings=rows)

    error = badness(found(row(Severity.ERROR, 0.6)), 0.5)
    warnings = badness(found(*[row(Severity.WARNING, 0.9)] * 3), 0.5)
    unsure = badness(found(row(Severity.ERROR, 0.4)), 0.5)
    fine = badness(found(row(Severity.FINE, 0.9)), 0.5)

    assert error > warnings > unsure == fine == 0


def test_the_command_line_takes_the_order(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", {"a.png": picture(1), "b.png": picture(2)})
    words = ["repair", str(source), "--out", str(tmp_path / "out"), "--min-free", "1MB"]
    words += ["--engine", "classical", "--detect", "quality", "--order"]

    assert main([*words, "worst-first"]) == ExitCode.OK
    assert sorted(outcomes(tmp_path / "out")) == ["a.png", "b.png"]
    assert main([*words, "worst-first"]) == ExitCode.OK
