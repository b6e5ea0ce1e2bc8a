"""Measure how well flaw probabilities tell flawed things from sound ones."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.bool_]
"""(N,) bool, True = flawed."""

Scores = npt.NDArray[np.float64]
"""(N,) float64, higher = more likely flawed."""

CI_LEVEL = 0.95
BOOTSTRAPS = 1000
_LEAST_BOOTSTRAPS = 20


class Interval(NamedTuple):
    """A confidence interval."""

    low: float
    high: float


class Figures(NamedTuple):
    """What is measured on one set; None where the set does not allow it."""

    n_bad: int
    n_ok: int
    auc: float | None
    auc_ci: Interval | None
    recall_at_5fpr: float | None
    recall_at_5fpr_ci: Interval | None
    recall_at_10fpr: float | None
    recall_at_10fpr_ci: Interval | None


def auc_of(flawed: Labels, scores: Scores) -> float:
    """Return the area under the ROC curve; NaN when a class is empty.

    It is the chance that a flawed thing scores above a sound one; a tie counts half
    (the Mann-Whitney statistic over the number of pairs).

    Raises:
        ValueError: the arrays differ in length, or a score is not finite.
    """
    _check(flawed, scores)
    bad, ok = np.sort(scores[flawed]), np.sort(scores[~flawed])
    if not len(bad) or not len(ok):
        return float("nan")
    below = np.searchsorted(ok, bad, side="left")
    through = np.searchsorted(ok, bad, side="right")
    return float((below + through).mean() / 2 / len(ok))


def recall_at_fpr(flawed: Labels, scores: Scores, most: float) -> float:
    """Return the share of flawed things found at a false alarm rate of at most `most`.

    The threshold is a score of the sound things: whatever scores above it counts as
    found, and of the sound at most the share `most` does. Ties with the threshold do
    not count, on either side, so a constant score has recall 0.

    Raises:
        ValueError: the arrays differ in length, a score is not finite, or `most` is
            not 0..1.
    """
    _check(flawed, scores)
    if not 0 <= most <= 1:
        raise ValueError(f"a false alarm rate must be 0..1, got {most}")
    bad, ok = scores[flawed], np.sort(scores[~flawed])[::-1]
    if not len(bad) or not len(ok):
        return float("nan")
    allowed = int(np.floor(most * len(ok) + 1e-9))
    if allowed >= len(ok):
        return 1.0
    return float((bad > ok[allowed]).mean())


def expected_calibration_error(
    flawed: Labels, probabilities: Scores, n_bins: int = 10
) -> float:
    """Return the mean gap between what was promised and what came, 0..1.

    Probabilities are sorted into `n_bins` bins of equal width; each bin's gap between
    mean probability and share of flawed counts by its number of members (Guo et al.,
    "On Calibration of Modern Neural Networks", 2017).

    Raises:
        ValueError: the arrays differ in length, or a probability is not 0..1.
    """
    _check(flawed, probabilities)
    if len(probabilities) == 0:
        return float("nan")
    if probabilities.min() < 0 or probabilities.max() > 1:
        raise ValueError("probabilities must be 0..1")
    bins = np.minimum((probabilities * n_bins).astype(int), n_bins - 1)
    members = np.bincount(bins, minlength=n_bins)
    promised = np.bincount(bins, weights=probabilities, minlength=n_bins)
    came = np.bincount(bins, weights=flawed.astype(float), minlength=n_bins)
    return float(np.abs(promised - came)[members > 0].sum() / len(probabilities))


def bootstrap_interval(
    measure: Callable[[Labels, Scores], float],
    flawed: Labels,
    scores: Scores,
    groups: Sequence[str],
    *,
    seed: int = 0,
    rounds: int = BOOTSTRAPS,
) -> Interval | None:
    """Return the percentile interval of a measure, drawing whole groups.

    Pictures of one group are near-duplicates or of one person, so they are drawn
    together, with replacement. Rounds in which a class is missing are drawn, but do
    not count; None when hardly any round counts.
    """
    _check(flawed, scores)
    names, members = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    order = np.argsort(members, kind="stable")
    starts = np.searchsorted(members[order], np.arange(len(names) + 1))
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(rounds):
        drawn = rng.integers(len(names), size=len(names))
        rows = np.concatenate([order[starts[n] : starts[n + 1]] for n in drawn])
        value = measure(flawed[rows], scores[rows])
        if np.isfinite(value):
            values.append(value)
    if len(values) < min(_LEAST_BOOTSTRAPS, rounds):
        return None
    tail = (1 - CI_LEVEL) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return Interval(float(low), float(high))


def figures_of(
    flawed: Labels, scores: Scores, groups: Sequence[str], *, seed: int = 0
) -> Figures:
    """Return every figure of one set; intervals by groups."""
    n_bad, n_ok = int(flawed.sum()), int((~flawed).sum())
    if not n_bad or not n_ok:
        return Figures(n_bad, n_ok, None, None, None, None, None, None)

    def at_5(labels: Labels, values: Scores) -> float:
        return recall_at_fpr(labels, values, 0.05)

    def at_10(labels: Labels, values: Scores) -> float:
        return recall_at_fpr(labels, values, 0.10)

    return Figures(
        n_bad,
        n_ok,
        auc_of(flawed, scores),
        bootstrap_interval(auc_of, flawed, scores, groups, seed=seed),
        at_5(flawed, scores),
        bootstrap_interval(at_5, flawed, scores, groups, seed=seed),
        at_10(flawed, scores),
        bootstrap_interval(at_10, flawed, scores, groups, seed=seed),
    )


def _check(flawed: Labels, scores: Scores) -> None:
    if flawed.dtype != np.bool_ or flawed.shape != scores.shape or flawed.ndim != 1:
        raise ValueError(
            f"labels must be (N,) bool and scores (N,), got {flawed.shape} "
            f"{flawed.dtype} and {scores.shape}"
        )
    if len(scores) and not np.isfinite(scores).all():
        raise ValueError("every score must be finite")
