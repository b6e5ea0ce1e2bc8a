"""The figures against cases that were computed by hand."""

import math

import numpy as np
import numpy.typing as npt
import pytest

from detectors.evaluation import (
    auc_of,
    bootstrap_interval,
    expected_calibration_error,
    figures_of,
    recall_at_fpr,
)


def labels(text: str) -> npt.NDArray[np.bool_]:
    return np.array([letter == "b" for letter in text])


def scores(*values: float) -> npt.NDArray[np.float64]:
    return np.array(values, dtype=np.float64)


def test_the_auc_is_the_share_of_pairs_in_the_right_order() -> None:
    # Bad: .9 and .4; ok: .5, .3, .1. Of six pairs only (.4, .5) is wrong.
    found = auc_of(labels("bbooo"), scores(0.9, 0.4, 0.5, 0.3, 0.1))

    assert found == pytest.approx(5 / 6)


def test_a_tie_counts_as_half_a_pair() -> None:
    # Pairs: (.5, .5) half, (.5, .2) whole, (.2, .5) none, (.2, .2) half.
    found = auc_of(labels("bboo"), scores(0.5, 0.2, 0.5, 0.2))

    assert found == pytest.approx(2 / 4)


def test_the_auc_of_one_class_is_not_a_number() -> None:
    assert math.isnan(auc_of(labels("bb"), scores(0.1, 0.2)))


def test_recall_leaves_no_more_false_alarms_than_allowed() -> None:
    flawed = labels("bbbb" + "o" * 20)
    sound = np.linspace(0.0, 0.95, 20)  # highest .95, then .90
    values = np.concatenate([scores(0.99, 0.93, 0.91, 0.5), sound])

    # One of twenty may alarm, so the threshold is .90: three of four are above.
    assert recall_at_fpr(flawed, values, 0.05) == pytest.approx(3 / 4)
    # None may alarm, so the threshold is .95.
    assert recall_at_fpr(flawed, values, 0.049) == pytest.approx(1 / 4)


def test_a_constant_score_finds_nothing() -> None:
    assert recall_at_fpr(labels("bboo"), scores(0.5, 0.5, 0.5, 0.5), 0.1) == 0.0


def test_everything_is_found_when_every_false_alarm_is_allowed() -> None:
    assert recall_at_fpr(labels("bo"), scores(0.1, 0.9), 1.0) == 1.0


def test_the_calibration_error_is_the_weighted_gap_of_the_bins() -> None:
    # Bin .2: promised .25, came 1/4: gap 0. Bin .9: promised .95, came 1/2: gap .45.
    flawed = labels("booo" + "bo")
    values = scores(0.25, 0.25, 0.25, 0.25, 0.95, 0.95)

    found = expected_calibration_error(flawed, values)

    assert found == pytest.approx((4 * 0 + 2 * 0.45) / 6)


def test_certainty_that_comes_true_has_no_calibration_error() -> None:
    assert expected_calibration_error(labels("bo"), scores(1.0, 0.0)) == 0.0


def test_the_interval_draws_whole_groups() -> None:
    # All bad hands are one group and all ok hands another, so every drawn set with
    # both classes is the same set: the interval has no width.
    flawed = labels("bboo")
    values = scores(0.9, 0.4, 0.5, 0.1)

    found = bootstrap_interval(auc_of, flawed, values, ["x", "x", "y", "y"], rounds=200)

    assert found is not None
    assert found.low == found.high == auc_of(flawed, values)


def test_the_interval_holds_the_figure_and_repeats_itself() -> None:
    rng = np.random.default_rng(5)
    flawed = rng.random(80) < 0.4
    values = rng.normal(flawed * 1.0, 1.0)
    groups = [str(number) for number in range(80)]

    first = bootstrap_interval(auc_of, flawed, values, groups, rounds=200)
    again = bootstrap_interval(auc_of, flawed, values, groups, rounds=200)

    assert first == again
    assert first is not None
    assert first.low < auc_of(flawed, values) < first.high


def test_a_set_without_flaws_has_counts_and_no_figures() -> None:
    found = figures_of(labels("oo"), scores(0.1, 0.2), ["a", "b"])

    assert (found.n_bad, found.n_ok, found.auc) == (0, 2, None)


def test_a_score_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        auc_of(labels("bo"), scores(float("nan"), 0.1))
