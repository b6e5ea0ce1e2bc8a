"""Judge labelled pictures of hands, and sum up how the judge did."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors.arrays import RgbArray
from detectors.evaluation import (
    Figures,
    Interval,
    expected_calibration_error,
    figures_of,
)
from detectors.hand_judging import HandView, Verdict
from detectors.hand_pose import is_open

NO_HAND_P = 0.5
"""The score of a picture in which no hand was found: neither sound nor flawed.

Such a picture counts as "cannot tell"; it stays in every figure.
"""

_PRESENCE_ABOVE = 0.3

Look = Callable[[RgbArray], Sequence[tuple[HandView, Verdict]]]
"""Find the hands of a picture and judge them."""


@dataclass(frozen=True, slots=True)
class HandLabel:
    """What a person said about one picture of a hand."""

    file: str
    flawed: bool
    fingers: int | None
    """Digits of the hand, the thumb included; None when nobody counted."""

    group: str
    style: str = ""
    set: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """What was said about one labelled picture, by a person and by the judge."""

    label: HandLabel
    p_flawed: float
    """The flaw probability of the picture's main hand, also where it cannot be told."""

    cannot_tell: str
    """Why it cannot be told; "" when the judge stands by it."""

    n_hands: int
    is_open: bool
    """The main hand's fingers are all stretched out, by the landmarks."""

    digits: int | None
    """Digits that the judge sees."""

    flaw: str
    """The likeliest flaw, or ""."""

    took_s: float
    """Finding and judging, without reading the file; seconds of one core.

    Processor time, so that whatever else runs on the machine does not count.
    """


def try_hand(pixels: RgbArray, label: HandLabel, look: Look) -> Trial:
    """Judge one labelled picture by its main hand.

    That is the largest one with a skeleton that fits, else the largest; one at the
    picture's edge counts as half as large, for who labels a hand frames it.
    """
    start = time.process_time()
    found = look(pixels)
    took_s = time.process_time() - start
    if not found:
        return Trial(label, NO_HAND_P, "no hand found", 0, False, None, "", took_s)
    view, verdict = max(found, key=_prominence)
    flaws = sorted(verdict.flaws.items(), key=lambda item: -item[1])
    return Trial(
        label=label,
        p_flawed=verdict.p_flawed,
        cannot_tell=verdict.doubt,
        n_hands=len(found),
        is_open=is_open(view.points),
        digits=verdict.digits,
        flaw=flaws[0][0] if flaws else "",
        took_s=took_s,
    )


def _prominence(pair: tuple[HandView, Verdict]) -> tuple[bool, float]:
    """Order hands: those with a skeleton that fits first, then by size and place."""
    view = pair[0]
    height, width = view.pixels.shape[:2]
    away = np.hypot(view.frame.x - width / 2, view.frame.y - height / 2)
    central = 1 - 0.5 * min(1.0, 2 * float(away) / float(np.hypot(width, height)))
    return view.presence >= _PRESENCE_ABOVE, view.frame.side_px * central


def summarise(trials: Sequence[Trial], *, seed: int = 0) -> dict[str, Any]:
    """Return every figure as plain JSON data, with a row per picture.

    `all` compares all malformed with all well-formed hands; `open_wrong_count` compares
    open hands whose known number of digits is not five with open well-formed hands;
    `n_wrong_not_open` says how many others are left out, since no open hand was found.
    `by_style` and `by_set` hold the same for each value that the labels name.
    """
    summary = _figures(trials, seed)
    for column in ("style", "set"):
        values = sorted({getattr(trial.label, column) for trial in trials} - {""})
        if values:
            summary[f"by_{column}"] = {
                value: _figures(
                    [t for t in trials if getattr(t.label, column) == value], seed
                )
                for value in values
            }
    summary["rows"] = [_row(trial) for trial in trials]
    return summary


def _figures(trials: Sequence[Trial], seed: int) -> dict[str, Any]:
    everything = _part(trials, seed)
    counted = [trial for trial in trials if trial.is_open and _countable(trial)]
    wrong = [t for t in trials if t.label.flawed and _countable(t)]
    shared = ("cannot_tell_share", "ece", "seconds_per_hand")
    return {
        "all": everything,
        "open_wrong_count": {
            **_part(counted, seed),
            "n_wrong_not_open": sum(not trial.is_open for trial in wrong),
        },
        **{name: everything[name] for name in shared},
    }


def _countable(trial: Trial) -> bool:
    """Tell whether a picture belongs to the comparison of digit counts."""
    label = trial.label
    return not label.flawed or (label.fingers is not None and label.fingers != 5)


def _part(trials: Sequence[Trial], seed: int) -> dict[str, Any]:
    flawed = np.array([trial.label.flawed for trial in trials], dtype=bool)
    scores = np.array([trial.p_flawed for trial in trials], dtype=np.float64)
    groups = [trial.label.group for trial in trials]
    told = np.array([not trial.cannot_tell for trial in trials], dtype=bool)
    figures = figures_of(flawed, scores, groups, seed=seed)
    hands = sum(max(1, trial.n_hands) for trial in trials)
    return {
        **_plain(figures),
        "cannot_tell_share": _share(trial.cannot_tell != "" for trial in trials),
        "ece": _finite(expected_calibration_error(flawed[told], scores[told])),
        "seconds_per_hand": sum(trial.took_s for trial in trials) / hands
        if hands
        else None,
    }


def _plain(figures: Figures) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, Interval) else value
        for name, value in figures._asdict().items()
    }


def _share(flags: Iterable[bool]) -> float | None:
    values = list(flags)
    return sum(values) / len(values) if values else None


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _row(trial: Trial) -> dict[str, Any]:
    label = trial.label
    row: dict[str, Any] = {
        "file": label.file,
        "label": "malformed" if label.flawed else "wellformed",
        "fingers": label.fingers,
        "group": label.group,
        "score": trial.p_flawed,
        "cannot_tell": trial.cannot_tell,
        "n_hands": trial.n_hands,
        "open": trial.is_open,
        "digits_seen": trial.digits,
        "flaw": trial.flaw,
        "seconds": trial.took_s,
    }
    named = {"style": label.style, "set": label.set}
    row.update({column: value for column, value in named.items() if value})
    return row
