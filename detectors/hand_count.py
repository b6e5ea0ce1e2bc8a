"""Count the digits of one hand, and say when they cannot be counted."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from detectors.arrays import MaskArray
from detectors.hand_framing import FRAME_PX, PointArray
from detectors.hand_judge_net import COUNT_CLASSES
from detectors.hand_judging import Flaw, HandView
from detectors.hand_tips import Tip

FloatArray = npt.NDArray[np.float32]

SURE_COUNT = 0.55
"""Probability of a class of counts from which it is believed."""

_FEWEST, _MOST = 3, 7
"""The outer classes stand for these and everything beyond."""

_FULL_HAND = 5
_HAND_ABOVE = 0.4


def own_region(
    drawn: FloatArray, points: PointArray, others: Sequence[PointArray]
) -> MaskArray:
    """Return the cells of one hand and beside it, where its fingertips may be.

    Other hands, and lights behind it, have what look like tips too.

    Args:
        drawn: (S, S) float32 in 0..1, the map of hands in the crop.
        points: (21, 2) landmarks of this hand, in pixels of the crop.
        others: Those of the other hands of the picture, likewise.

    Returns:
        (S, S) bool.
    """
    near = near_hand(drawn)
    side = drawn.shape[0]
    cells = np.clip(points * (side / FRAME_PX), 0, side - 1).astype(int)
    _, pieces = cv2.connectedComponents(near.astype(np.uint8))
    touched = np.unique(pieces[cells[:, 1], cells[:, 0]])
    touched = touched[touched > 0]
    own: MaskArray = np.isin(pieces, touched) if touched.size else near
    if others:
        mine, theirs = _distances(side, points), _distances(side, np.vstack(others))
        own = own & (mine <= theirs)
    return own


def near_hand(drawn: FloatArray) -> MaskArray:
    """Return the cells on a hand or beside one.

    Args:
        drawn: (S, S) float32 in 0..1, the map of hands.
    """
    inside = (drawn > _HAND_ABOVE).astype(np.uint8)
    near: MaskArray = cv2.dilate(inside, np.ones((5, 5), np.uint8)) > 0
    return near


def _distances(side: int, points: PointArray) -> FloatArray:
    """Return (side, side): how far each cell is from the nearest point, in cells."""
    ys, xs = np.mgrid[:side, :side].astype(np.float32) + 0.5
    found = np.full((side, side), np.inf, np.float32)
    for x, y in points * (side / FRAME_PX):
        np.minimum(found, np.hypot(xs - x, ys - y), out=found)
    return found


def others_in(view: HandView, views: Sequence[HandView]) -> list[PointArray]:
    """Return the landmarks of the picture's other hands, in pixels of the crop."""
    return [
        view.frame.from_picture(other.picture_points(), FRAME_PX)
        for other in views
        if other is not view and other.pixels is view.pixels
    ]


def agreed(
    counts: FloatArray, ways: Sequence[list[Tip]]
) -> tuple[int | None, list[Tip]]:
    """Return the number of digits with their tips, or None where counts disagree.

    On hands whose digits are hidden, the network says five out of habit; then hardly
    five tips stand out.

    Args:
        counts: (6,) probabilities over COUNT_CLASSES.
        ways: Fingertips on the map of tips, the strictest reading first.

    Returns:
        The number, and the tips of the reading that agrees; else those of the first.
    """
    best = int(counts.argmax())
    sure = best < len(COUNT_CLASSES) - 1 and counts[best] >= SURE_COUNT
    for tips in ways if sure else ():
        if tips and min(max(len(tips), _FEWEST), _MOST) == best + _FEWEST:
            return len(tips), tips
    return None, ways[0]


def without_miscounts(
    flaws: dict[Flaw, float], digits: int | None
) -> dict[Flaw, float]:
    """Return the flaws that the number of digits allows; they sum to 1, or are none.

    A hand on which five digits were counted has none too many and none too few.
    """
    if digits is None:
        return flaws
    wrong = {
        "extra-digit": digits <= _FULL_HAND,
        "missing-digit": digits >= _FULL_HAND,
    }
    kept = {flaw: share for flaw, share in flaws.items() if not wrong.get(flaw, False)}
    total = sum(kept.values())
    return {flaw: share / total for flaw, share in kept.items()} if total > 0 else {}
