"""The original stays unless something is clearly better."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records import Cost
from pipeline.settings import ChooseSettings
from pipeline.stages.choose import choose, is_enough

RULES = ChooseSettings(min_gain=0.1, min_flaw_drop=0.3, pass_below=0.25)


def _cost(flaw: float, rest: float = 0.0) -> Cost:
    return Cost(flaw, rest, 0.0, flaw + rest)


def test_the_cheapest_variation_wins_and_the_reason_has_the_numbers() -> None:
    verdict = choose(_cost(0.9), [(0, _cost(0.5)), (1, _cost(0.2)), (2, None)], RULES)

    assert verdict.winner == 1
    assert verdict.cost == _cost(0.2)
    assert "0.20" in verdict.reason
    assert "0.90" in verdict.reason


def test_the_original_stays_when_nothing_is_clearly_better() -> None:
    verdict = choose(_cost(0.5), [(0, _cost(0.45))], RULES)

    assert verdict.winner is None
    assert verdict.cost == _cost(0.5)
    assert "not 0.10 less" in verdict.reason


def test_a_gain_of_just_the_margin_is_enough() -> None:
    assert choose(_cost(0.25), [(0, _cost(0.125))], RULES).winner == 0


def test_a_place_that_is_nearly_as_flawed_as_before_is_no_repair() -> None:
    """Seven fingers redrawn as six cost less, and are still no hand."""
    verdict = choose(_cost(0.9), [(0, _cost(0.67)), (1, _cost(0.64))], RULES)

    assert verdict.winner is None
    assert "from 0.90 to 0.64, above 0.63" in verdict.reason
    assert choose(_cost(0.9), [(0, _cost(0.62))], RULES).winner == 0
    loose = RULES.model_copy(update={"min_flaw_drop": 0.0})
    assert choose(_cost(0.9), [(0, _cost(0.67))], loose).winner == 0


def _blurred(flaw: float, octaves: float) -> Cost:
    return Cost(flaw, 0.0, 0.0, flaw, octaves)


def test_a_sound_hand_of_fog_is_no_repair() -> None:
    fog, sharper = _blurred(0.0, 1.3), _blurred(0.4, 0.8)

    alone = choose(_cost(0.9), [(0, fog), (1, _blurred(0.2, 1.1))], RULES)
    beside = choose(_cost(0.9), [(0, fog), (1, sharper)], RULES)
    in_vain = choose(_cost(0.9), [(0, fog), (1, _blurred(0.8, 0.8))], RULES)

    assert alone.winner is None
    assert "all of 2 variations are blurred, by 1.10 at least" in alone.reason
    assert beside.winner == 1
    assert in_vain.winner is None
    assert "variation 0 costs 0.00 against 0.90, but is blurred" in in_vain.reason
    assert not is_enough(_cost(0.9), fog, RULES.model_copy(update={"stop": "margin"}))
    loose = RULES.model_copy(update={"max_blur": 1.5})
    assert choose(_cost(0.9), [(0, fog)], loose).winner == 0


def test_of_two_that_cost_the_same_the_lower_number_wins() -> None:
    assert choose(_cost(0.9), [(3, _cost(0.2)), (1, _cost(0.2))], RULES).winner == 1


def test_a_worse_flaw_is_not_made_up_for() -> None:
    before = Cost(0.5, 1.0, 0.0, 1.5)

    verdict = choose(before, [(0, Cost(0.6, 0.0, 0.0, 0.6))], RULES)

    assert verdict.winner is None
    assert "from 0.50 to 0.60, above 0.35" in verdict.reason


def test_the_original_stays_when_every_variation_failed() -> None:
    verdict = choose(_cost(0.9), [(0, None), (1, None)], RULES)

    assert verdict.winner is None
    assert "none of 2 variations came out" in verdict.reason


costs = st.builds(_cost, st.floats(0, 3), st.floats(0, 1))


@given(before=costs, after=st.lists(st.one_of(st.none(), costs), max_size=8))
def test_the_kept_version_never_costs_more_than_the_original(
    before: Cost, after: list[Cost | None]
) -> None:
    verdict = choose(before, list(enumerate(after)), RULES)

    assert verdict.cost.total <= before.total
    assert verdict.cost.flaw <= before.flaw
    assert verdict.winner is None or after[verdict.winner] == verdict.cost


@pytest.mark.parametrize(
    ("stop", "flaw", "enough"),
    [
        ("never", 0.0, False),
        ("first-pass", 0.24, True),
        ("first-pass", 0.26, False),
        ("margin", 0.2, False),
        ("margin", 0.14, True),
    ],
)
def test_painting_stops_by_its_policy(stop: str, flaw: float, enough: bool) -> None:
    rules = RULES.model_copy(update={"stop": stop})

    assert is_enough(_cost(0.9), _cost(flaw), rules) is enough


def test_a_variation_that_passes_but_is_no_gain_is_not_enough() -> None:
    rules = RULES.model_copy(update={"stop": "first-pass"})

    assert not is_enough(_cost(0.2), _cost(0.15), rules)
