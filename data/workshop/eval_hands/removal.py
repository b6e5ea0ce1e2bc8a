"""Measure how well a surplus digit is outlined, by the renderer's exact masks."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from detectors.arrays import MaskArray
from detectors.hands import HandsDetector
from workshop.hands import RenderedHand, render_hand

FIRST_SEED = 970_000_000
"""Training draws its seeds from 1,000,000 up, and never comes this far."""

KINDS = ("growth", "extra", "two_thumbs")
POSES = ("open", "spread", "natural", "relaxed")
STYLES = ("photo", "anime", "photo", "painted", "sketch")
SIDE_PX = 320


class Removal(NamedTuple):
    """What was offered for removal, against the digit that it fits best."""

    iou: float
    covered: float
    """Share of that digit."""

    elsewhere: float
    """Share of what was offered that lies on other digits or on the palm."""

    is_surplus: bool
    """That digit is the one too many by the renderer's book."""


def six_fingered(count: int, first: int = FIRST_SEED) -> Iterator[RenderedHand]:
    """Yield drawn hands with a digit too many; kinds, poses and styles in turn."""
    for number in range(count):
        yield render_hand(
            first + number,
            kind=KINDS[number % len(KINDS)],
            pose=POSES[number // len(KINDS) % len(POSES)],
            style=STYLES[number % len(STYLES)],
            size=SIDE_PX,
        )


def removal_of(hand: RenderedHand, offered: MaskArray) -> Removal:
    """Compare a mask of the picture with the digits of a drawn hand.

    Args:
        hand: The drawn hand.
        offered: (H, W) bool, what is to be removed.
    """
    overlaps = [
        (float((offered & digit).sum()) / max(float((offered | digit).sum()), 1.0), n)
        for n, digit in enumerate(hand.digit_masks)
    ]
    iou, best = max(overlaps)
    digit = hand.digit_masks[best]
    return Removal(
        iou,
        float((offered & digit).sum()) / max(float(digit.sum()), 1.0),
        float((offered & hand.hand & ~digit).sum()) / max(float(offered.sum()), 1.0),
        hand.names[best] == "extra" or float(hand.flaw[digit].mean()) > 0.3,
    )


def measure_removal(detector: HandsDetector, count: int) -> dict[str, Any]:
    """Return how often a removal is offered, and how well it fits."""
    found: list[Removal] = []
    for hand in six_fingered(count):
        offers = [
            one for one in detector.inspect(hand.pixels) if one.remedy == "remove"
        ]
        for one in offers[:1]:
            mask = np.zeros(hand.hand.shape, np.bool_)
            mask[one.box.rows, one.box.columns] = one.outline
            found.append(removal_of(hand, mask))
    rows = np.array([[one.iou, one.covered, one.elsewhere] for one in found])
    return {
        "hands": count,
        "offered": len(found),
        "iou_median": _rounded(np.median(rows[:, 0])) if found else None,
        "iou_least": _rounded(rows[:, 0].min()) if found else None,
        "covered_median": _rounded(np.median(rows[:, 1])) if found else None,
        "elsewhere_median": _rounded(np.median(rows[:, 2])) if found else None,
        "iou_above_half": _rounded((rows[:, 0] > 0.5).mean()) if found else None,
        "surplus_by_the_book": _rounded(np.mean([one.is_surplus for one in found]))
        if found
        else None,
    }


def _rounded(value: np.floating[Any]) -> float:
    return round(float(value), 3)
