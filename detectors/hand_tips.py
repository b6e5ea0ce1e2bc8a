"""Read the map of fingertips: count them, and find the one that is too many."""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from detectors.arrays import MaskArray
from detectors.hand_framing import FRAME_PX, PointArray
from detectors.hand_pose import TIPS

FloatArray = npt.NDArray[np.float32]

CLEAR = 0.4
"""How far a tip must stand out to count.

Measured with the first shipped weights on open hands (`hand_pose.is_open`): a sixth tip
stood out this far on none of 74 real well-formed hands and on 1 of 25 drawn ones, and
on 38 of 75 drawn hands with surplus digits.
"""

_RING = (2.9, 4.3)
"""Radii in cells; the smear that curled fingers leave on the map fills this ring."""

_MATCH = 0.45
"""A tip farther than this from a landmark's tip, in palms, is not that digit's."""

_PALM_SHARE = 0.21
"""Radius of the disc that fits into a palm but into no digit, in palms.

Half the breadth of a finger at its root is about 0.12 palms (wrist to middle knuckle).
"""

_LARGEST_DIGIT = 0.3
"""Share of the hand's area that a single digit does not exceed."""


class Tip(NamedTuple):
    """One fingertip on the map."""

    clearness: float
    """0..1, how far it stands out from what is around it."""

    x: float
    """In pixels of the crop."""

    y: float


def read_tips(drawn: FloatArray) -> list[Tip]:
    """Return the local maxima of a map of tips, the clearest first.

    Args:
        drawn: (S, S) float32 in 0..1, a blob at each tip.
    """
    smooth = cv2.GaussianBlur(drawn, (0, 0), 0.7)
    top = (smooth == cv2.dilate(smooth, np.ones((5, 5), np.uint8))) & (smooth > 0.02)
    around = cv2.filter2D(drawn, -1, _ring(), borderType=cv2.BORDER_CONSTANT)
    cell = FRAME_PX / drawn.shape[0]
    count, plateaus = cv2.connectedComponents(top.astype(np.uint8))
    first = [np.argwhere(plateaus == number)[0] for number in range(1, count)]
    tips = [
        Tip(float(drawn[y, x] - around[y, x]), (x + 0.5) * cell, (y + 0.5) * cell)
        for y, x in first
    ]
    return sorted(tips, reverse=True)


def clear_tips(tips: list[Tip]) -> list[Tip]:
    """Return the tips that stand out enough to be counted."""
    return [tip for tip in tips if tip.clearness > CLEAR]


def surplus_digit(
    hand: FloatArray, tips: list[Tip], points: PointArray
) -> MaskArray | None:
    """Return the one digit too many, alone; None unless it can be told from the others.

    The surplus tip is the one that no landmark's tip claims. Its digit is what is left
    of the hand around it once the palm is taken away, if no other tip is on that piece.

    Args:
        hand: (S, S) float32 in 0..1, the hand's pixels.
        tips: Exactly six clear tips.
        points: (21, 2) landmarks in pixels of the crop.

    Returns:
        (FRAME_PX, FRAME_PX) bool.
    """
    palm = float(np.linalg.norm(points[9] - points[0])) + 1e-6
    unclaimed = _unclaimed(tips, points, _MATCH * palm)
    if len(unclaimed) != 1:
        return None
    large = cv2.resize(hand, (FRAME_PX, FRAME_PX), interpolation=cv2.INTER_LINEAR)
    whole = (large > 0.5).astype(np.uint8)
    digits = whole & ~cv2.dilate(_opened(whole, _PALM_SHARE * palm), _disc(3))
    _, pieces = cv2.connectedComponents(digits)
    own = _piece_at(pieces, unclaimed[0])
    others = {_piece_at(pieces, tip) for tip in tips if tip is not unclaimed[0]}
    if own == 0 or own in others:
        return None
    piece: MaskArray = pieces == own
    return None if piece.sum() > _LARGEST_DIGIT * whole.sum() else piece


def _unclaimed(tips: list[Tip], points: PointArray, reach: float) -> list[Tip]:
    """Give each landmark's tip the nearest free tip of the map; return the rest."""
    free = list(tips)
    pairs = sorted(
        (float(np.hypot(tip.x - points[t][0], tip.y - points[t][1])), t, n)
        for t in TIPS
        for n, tip in enumerate(tips)
    )
    served: set[int] = set()
    for distance, landmark, number in pairs:
        if distance > reach or landmark in served or tips[number] not in free:
            continue
        served.add(landmark)
        free.remove(tips[number])
    return free


def _piece_at(pieces: npt.NDArray[np.int32], tip: Tip) -> int:
    """Return the piece under a tip, or the nearest one within a few pixels."""
    x, y = int(tip.x), int(tip.y)
    near = pieces[max(y - 4, 0) : y + 5, max(x - 4, 0) : x + 5]
    found = near[near > 0]
    return int(np.bincount(found).argmax()) if found.size else 0


def _opened(mask: npt.NDArray[np.uint8], radius_px: float) -> npt.NDArray[np.uint8]:
    disc = _disc(max(round(radius_px), 1))
    opened: npt.NDArray[np.uint8] = cv2.morphologyEx(mask, cv2.MORPH_OPEN, disc)
    return opened


def _disc(radius_px: int) -> npt.NDArray[np.uint8]:
    side = 2 * radius_px + 1
    disc: npt.NDArray[np.uint8] = cv2.getStructuringElement(
        cv2.MORPH_ELLIPSE, (side, side)
    )
    return disc


def _ring() -> FloatArray:
    ys, xs = np.mgrid[-5:6, -5:6]
    distance = np.hypot(ys, xs)
    ring = ((distance > _RING[0]) & (distance < _RING[1])).astype(np.float32)
    normed: FloatArray = ring / ring.sum()
    return normed
