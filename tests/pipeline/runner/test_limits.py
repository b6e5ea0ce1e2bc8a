"""A run ends by its own limits, in time and with a reason."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.errors import ExitCode
from pipeline.ledger import queries
from pipeline.records import Outcome
from pipeline.runner import batch
from pipeline.runner.contract import Order
from pipeline.runner.limits import Limiter, Limits
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

EVENING = datetime(2026, 11, 22, 22, tzinfo=UTC)


class Clocks:
    """A clock on the wall and one that only goes forward."""

    def __init__(self) -> None:
        self.passed_s = 0.0
        self.moved = timedelta()

    def monotonic(self) -> float:
        return 5000.0 + self.passed_s

    def wall(self) -> datetime:
        return EVENING + timedelta(seconds=self.passed_s) + self.moved


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


def limiter(clocks: Clocks, limits: Limits) -> Limiter:
    return Limiter(limits, clock=clocks.monotonic, now=clocks.wall)


def test_without_limits_nothing_ends_a_run(clocks: Clocks) -> None:
    free = limiter(clocks, Limits())
    clocks.passed_s = 1e9

    assert free.reached(10**9) == ""


def test_the_budget_runs_from_the_beginning(clocks: Clocks) -> None:
    eight_hours = limiter(clocks, Limits(budget_s=8 * 3600))

    clocks.passed_s = 8 * 3600 - 1
    before = eight_hours.reached(5)
    clocks.passed_s += 1

    assert before == ""
    assert eight_hours.reached(5) == "the budget of 8:00:00 is used up"


def test_the_budget_does_not_care_when_the_clock_is_set(clocks: Clocks) -> None:
    one_hour = limiter(clocks, Limits(budget_s=3600))
    clocks.moved = timedelta(days=400)

    assert one_hour.reached(0) == ""


def test_the_time_to_stop_at_is_that_of_the_wall_even_when_it_is_set(
    clocks: Clocks,
) -> None:
    morning = limiter(clocks, Limits(stop_at=EVENING + timedelta(hours=9)))

    before = morning.reached(0)
    clocks.moved = timedelta(hours=9)

    assert before == ""
    assert "the time to stop at" in morning.reached(0)


@pytest.mark.parametrize(
    "limits", [Limits(budget_s=100), Limits(stop_at=EVENING + timedelta(seconds=100))]
)
def test_a_picture_that_will_rather_not_fit_is_not_begun(
    clocks: Clocks, limits: Limits
) -> None:
    asked = limiter(clocks, limits)
    for took_s in (1, 30, 31):
        asked.note(took_s)

    clocks.passed_s = 69
    fits = asked.reached(3)
    clocks.passed_s = 71

    assert fits == ""
    assert "less than most pictures of this run took (30 s)" in asked.reached(3)


def test_two_pictures_foretell_nothing(clocks: Clocks) -> None:
    asked = limiter(clocks, Limits(budget_s=100))
    asked.note(1000)
    asked.note(1000)

    assert asked.reached(2) == ""


def test_pictures_are_counted(clocks: Clocks) -> None:
    two = limiter(clocks, Limits(max_pictures=2))

    assert [bool(two.reached(taken)) for taken in range(4)] == [
        False,
        False,
        True,
        True,
    ]


def test_a_run_that_ends_by_the_clock_is_whole_and_goes_on_later(
    tmp_path: Path, clocks: Clocks
) -> None:
    source = fill(tmp_path / "in", {f"{n}.png": picture(n) for n in range(4)})

    class AnHourEach(Silent):
        def finished(self, outcome: Outcome) -> None:
            super().finished(outcome)
            clocks.passed_s += 3600

    plain = order(source, tmp_path / "out")
    stop_at = EVENING + timedelta(hours=2)
    asked = Order(plain.task, plain.sources, limits=Limits(stop_at=stop_at))

    result = batch.run(asked, AnHourEach(), build_tools=FakeTools(), clock=clocks.wall)

    assert result.code is ExitCode.LIMIT
    assert result.worked == 2
    state = tmp_path / "out" / ".nightmend"
    ended_by = queries.runs(state)[-1].ended_by
    assert ended_by.startswith("limit: it is ")
    assert ended_by.endswith("the time to stop at")
    assert len(outcomes(tmp_path / "out")) == 2
    repair(source, tmp_path / "out")
    repair(source, tmp_path / "whole")
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def test_a_limit_that_is_met_when_all_is_done_is_no_early_end(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", {"a.png": picture(1), "b.png": picture(2)})

    result = repair(source, tmp_path / "out", max_pictures=2)

    assert result.code is ExitCode.OK
