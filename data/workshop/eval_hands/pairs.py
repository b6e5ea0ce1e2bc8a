"""Pose-matched comparison: two pictures that differ in nothing but the flaw."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from detectors.arrays import RgbArray
from detectors.evaluation import Interval, auc_of
from detectors.hand_trials import HandLabel, Look, Trial, summarise, try_hand

ROUNDS = 1000


class Pair(NamedTuple):
    """A flawed picture and its sound twin."""

    flawed: RgbArray
    sound: RgbArray
    kind: str
    style: str
    fingers: int | None
    """Digits of the flawed hand, when known."""

    group: str


class PairTrial(NamedTuple):
    """Both members, judged."""

    flawed: Trial
    sound: Trial
    kind: str
    style: str


def try_pair(pair: Pair, look: Look) -> PairTrial:
    """Judge both members of a pair."""
    bad = HandLabel(f"{pair.group}/bad", True, pair.fingers, pair.group, pair.style)
    ok = HandLabel(f"{pair.group}/ok", False, 5, pair.group, pair.style)
    return PairTrial(
        try_hand(pair.flawed, bad, look),
        try_hand(pair.sound, ok, look),
        pair.kind,
        pair.style,
    )


def right_order(trials: Sequence[PairTrial]) -> tuple[float, Interval]:
    """Return the share of pairs whose flawed member scores higher; a tie is half.

    The interval draws pairs with replacement; each pair is a group of its own.
    """
    gaps = np.array([one.flawed.p_flawed - one.sound.p_flawed for one in trials])
    right = (gaps > 0) + 0.5 * (gaps == 0)
    rng = np.random.default_rng(0)
    drawn: npt.NDArray[np.float64] = right[
        rng.integers(len(right), size=(ROUNDS, len(right)))
    ].mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(right.mean()), Interval(float(low), float(high))


def summarise_pairs(trials: Iterable[PairTrial]) -> dict[str, Any]:
    """Return pair accuracy, by kind and by style too, and the unpaired figures."""
    every = list(trials)
    share, interval = right_order(every)
    summary = summarise([one for pair in every for one in (pair.flawed, pair.sound)])
    del summary["rows"]
    return {
        "n_pairs": len(every),
        "pairs_right": share,
        "pairs_right_ci": list(interval),
        "pairs_right_by_kind": _by([one.kind for one in every], every),
        "pairs_right_by_style": _by([one.style for one in every], every),
        "auc_by_kind": auc_by_kind(every),
        "six_or_more_on_surplus": counted_over_five(
            one.flawed for one in every if (one.flawed.label.fingers or 0) > 5
        ),
        "six_or_more_on_sound": counted_over_five(one.sound for one in every),
        **summary,
    }


def counted_over_five(trials: Iterable[Trial]) -> dict[str, int]:
    """Return on how many open hands more than five digits were counted."""
    opened = [trial for trial in trials if trial.is_open]
    over = [trial for trial in opened if (trial.digits or 0) > 5]
    return {"open": len(opened), "over_five": len(over)}


def auc_by_kind(trials: Sequence[PairTrial]) -> dict[str, float]:
    """Return how well flaws of one kind are told from all sound twins, by kind."""
    sound = [one.sound.p_flawed for one in trials]
    found = {}
    for kind in sorted({one.kind for one in trials}):
        flawed = [one.flawed.p_flawed for one in trials if one.kind == kind]
        labels = np.array([True] * len(flawed) + [False] * len(sound))
        found[kind] = auc_of(labels, np.array(flawed + sound))
    return found


def _by(values: Sequence[str], trials: Sequence[PairTrial]) -> dict[str, Any]:
    parts: dict[str, list[PairTrial]] = defaultdict(list)
    for value, trial in zip(values, trials, strict=True):
        parts[value].append(trial)
    return {
        value: {"n": len(part), "right": right_order(part)[0]}
        for value, part in sorted(parts.items())
    }
