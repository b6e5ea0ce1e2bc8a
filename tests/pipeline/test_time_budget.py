"""A picture that takes too long is concluded with what there is, and says so."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.records import PaintRequest, Status
from pipeline.settings import Settings
from tests.pipeline.test_flow import HAND, Run
from tests.support.fakes import GREEN, RED, Result

BUDGET_S = 2.0
"""Long enough to look and to paint once on a busy machine."""

ALL = 24
"""Eight variations at each of three strengths."""


def slowly(result: Result) -> Callable[[PaintRequest, int], Result]:
    """Paint the first variation at once; the second uses the budget up."""

    def paint(_request: PaintRequest, number: int) -> Result:
        if number:
            time.sleep(BUDGET_S)
        return result

    return paint


def settings(budget_s: float) -> Settings:
    return Settings.model_validate(
        {
            "plan": {"variations": 8},
            "score": {"context_px": 40},
            "night": {"picture_budget_s": budget_s},
        }
    )


def test_the_best_so_far_is_kept_and_nothing_more_is_painted(tmp_path: Path) -> None:
    run = Run({HAND: RED}, slowly(GREEN), settings(BUDGET_S))

    outcome = run(tmp_path)

    assert outcome.status is Status.REPAIRED
    assert len(outcome.attempts) == 2
    assert "time budget of 2 s" in outcome.problem
    assert run.data


def test_when_nothing_was_better_by_then_the_original_stays(tmp_path: Path) -> None:
    run = Run({HAND: RED}, slowly(RED), settings(BUDGET_S))

    outcome = run(tmp_path)

    assert outcome.status is Status.KEPT
    assert len(outcome.attempts) == 2
    assert "time budget" in outcome.problem
    assert run.data == run.picture.encoded


def test_a_budget_that_looking_uses_up_leaves_nothing_for_painting(
    tmp_path: Path,
) -> None:
    run = Run({HAND: RED}, settings=settings(1e-9))

    outcome = run(tmp_path)

    assert outcome.status is Status.KEPT
    assert run.inpainter.painted == []
    assert "time budget" in outcome.problem


@pytest.mark.parametrize("budget_s", [0.0, 3600.0])
def test_a_budget_that_is_not_used_up_changes_nothing(
    budget_s: float, tmp_path: Path
) -> None:
    run = Run({HAND: RED}, lambda _request, _number: RED, settings(budget_s))

    outcome = run(tmp_path)

    assert len(outcome.attempts) == ALL
    assert outcome.problem == ""


def test_a_clean_picture_is_clean_however_long_it_took(tmp_path: Path) -> None:
    outcome = Run({HAND: GREEN}, settings=settings(1e-9))(tmp_path)

    assert (outcome.status, outcome.problem) == (Status.CLEAN, "")
