"""Outline the surplus digit of an otherwise good hand, or say that none can be."""

from itertools import permutations
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from detectors.arrays import MaskArray, RgbArray
from detectors.hand_digit import Spine, Tube, digit_at
from detectors.hand_framing import PointArray
from detectors.hand_outline import CHAINS
from detectors.hand_pose import TIPS
from detectors.hand_tips import CLEAR, Tip

FloatArray = npt.NDArray[np.float32]

_MOST_TIPS = 8
_CLAIM = 0.45
"""A tip farther from the landmarks' tip than this, in palm lengths, is not the same."""

_TRUSTED_LENGTH = 0.35
"""Of shorter ones too much may be hidden; half a digit gone is worse than one more."""

_LEAST_RIM = 0.8
"""Share of a digit's sides that must lie on an edge."""

_LEAST_INSIDE = 0.6
"""What the map of the hand says on average of a digit's area."""

_BARE = 0.4
"""Below this the judge's map of the hand says that there is none."""

_LEAST_BARE = 0.3
_BESIDE = 0.1
"""Share of a digit's surroundings, so wide in palm lengths, that must not be hand.

Where a digit is taken from a tight row, there is nothing to be seen behind it that
could be filled in; such a hand is drawn anew.
"""

_AREA = (0.012, 0.18)
"""A digit's area in areas of the whole hand."""


class Claims(NamedTuple):
    """Which tips belong to the digits that the landmarks know, and which do not."""

    known: PointArray
    """(5, 2): the tips of thumb, index, middle, ring and little finger, as seen."""

    surplus: list[Tip]


def claims_of(points: PointArray, tips: list[Tip]) -> Claims | None:
    """Give each of the five digits that the landmarks know its tip.

    Args:
        points: (21, 2) landmarks, in pixels of the crop.
        tips: Clear tips, likewise.

    Returns:
        None when there is none too many, or when the landmarks' tips and the seen ones
        do not fit each other.
    """
    if not len(TIPS) < len(tips) <= _MOST_TIPS:
        return None
    palm = float(np.linalg.norm(points[9] - points[0])) + 1e-6
    places = np.array([[tip.x, tip.y] for tip in tips], np.float32)
    apart = np.linalg.norm(points[list(TIPS)][:, None] - places[None], axis=2) / palm
    chosen = min(
        permutations(range(len(tips)), len(TIPS)),
        key=lambda order: sum(float(apart[n, tip]) for n, tip in enumerate(order)),
    )
    if max(float(apart[n, tip]) for n, tip in enumerate(chosen)) > _CLAIM:
        return None
    left = [tip for number, tip in enumerate(tips) if number not in chosen]
    return Claims(places[list(chosen)], left)


def outline_surplus(
    crop: RgbArray, points: PointArray, drawn: FloatArray, claims: Claims
) -> MaskArray | None:
    """Return the digits too many, or None when an outline is not to be trusted.

    Args:
        crop: (N, N, 3) uint8 RGB, the hand upright inside.
        points: (21, 2) landmarks of the other digits, in pixels of the crop.
        drawn: (S, S) float32 in 0..1, the judge's map of the hand.
        claims: Whose tips are whose.

    Returns:
        (N, N) bool.
    """
    side = crop.shape[0]
    hand = cv2.resize(drawn, (side, side), interpolation=cv2.INTER_LINEAR)
    bent = _bent_to(points, claims.known)
    area = max(float((hand > 0.5).sum()), 1.0)
    whole = np.zeros((side, side), np.bool_)
    for tip in claims.surplus:
        found = digit_at(crop, bent, hand, tip)
        if found is not None and _is_trusted(*found, hand, area):
            whole |= found[1].mask
        elif tip.clearness > CLEAR and found is not None:
            return None
    return whole if whole.any() else None


def _is_trusted(spine: Spine, tube: Tube, hand: FloatArray, area: float) -> bool:
    """Tell whether all of a digit, and nothing but the digit, was outlined."""
    inside = float(hand[tube.mask].mean()) if tube.mask.any() else 0.0
    across = 2 * round(_BESIDE * spine.palm) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (across, across))
    beside = (cv2.dilate(tube.mask.astype(np.uint8), disc) > 0) & ~tube.mask
    return (
        spine.length >= _TRUSTED_LENGTH * spine.palm
        and tube.rim >= _LEAST_RIM
        and inside >= _LEAST_INSIDE
        and float((hand[beside] < _BARE).mean()) >= _LEAST_BARE
        and _AREA[0] <= float(tube.mask.sum()) / area <= _AREA[1]
    )


def _bent_to(points: PointArray, tips: PointArray) -> PointArray:
    """Return the landmarks with each digit bent so that it ends at its seen tip."""
    bent = points.copy()
    for chain, tip in zip(CHAINS, tips, strict=True):
        moved = tip - points[chain[-1]]
        for share, joint in zip((0.0, 1 / 3, 2 / 3, 1.0), chain[1:], strict=True):
            bent[joint] = points[joint] + moved * share
    return bent
