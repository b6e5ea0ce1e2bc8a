"""Where each digit lies in a cut-out, from landmarks and the hand's outline."""

import cv2
import numpy as np
import numpy.typing as npt

from detectors.arrays import RgbArray
from detectors.hand_framing import PointArray
from detectors.hand_outline import CHAINS, hand_region

FloatArray = npt.NDArray[np.float32]

FINGERS = (1, 2, 3, 4)
"""Numbers in CHAINS without the thumb."""

_WIDTH = 0.115
"""Half width of a finger's root, in palm lengths."""

_TAPER = 0.72
"""A tip is this share as wide as the root."""

_BEYOND_TIP = 0.35
"""The flesh reaches this share of the last bone beyond the last landmark."""


def palm_length(points: PointArray) -> float:
    """Return wrist to the middle finger's knuckle, in pixels of the cut-out."""
    return max(float(np.linalg.norm(points[9] - points[0])), 1.0)


def stretched(points: PointArray) -> list[int]:
    """Return the digits that are straight and turned to the viewer."""
    palm = palm_length(points)
    found = []
    for number, chain in enumerate(CHAINS):
        joints = points[list(chain[1:])]
        along = float(np.linalg.norm(np.diff(joints, axis=0), axis=1).sum())
        reach = float(np.linalg.norm(joints[-1] - joints[0]))
        if reach > 0.8 * along and reach > 0.45 * palm:
            found.append(number)
    return found


def digit_cover(
    side: int,
    points: PointArray,
    number: int,
    *,
    wider: float = 1.0,
    from_: float = 0.0,
) -> FloatArray:
    """Return how much of each pixel a digit covers by its bones, (side, side) 0..1.

    Args:
        side: Side of the cut-out in pixels.
        points: (21, 2) landmarks.
        number: Which digit, 0 is the thumb.
        wider: Factor on the usual width.
        from_: Where it starts between its knuckle (0) and its next joint (1).
    """
    joints = points[list(CHAINS[number][1:])].astype(np.float64)
    joints[0] = joints[0] * (1 - from_) + joints[1] * from_
    tip = joints[-1] + (joints[-1] - joints[-2]) * _BEYOND_TIP
    line = np.vstack([joints, tip])
    ahead = np.gradient(line, axis=0)
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True) + 1e-6
    normal = np.stack([-ahead[:, 1], ahead[:, 0]], 1)
    half = _WIDTH * palm_length(points) * wider
    widths = half * np.linspace(1.0, _TAPER, len(line))[:, None]
    ring = np.vstack([line + normal * widths, (line - normal * widths)[::-1]])
    drawn = np.zeros((side, side), np.float32)
    cv2.fillPoly(drawn, [np.round(ring).astype(np.int32)], 1.0)
    end = np.round(joints[-1]).astype(int)
    radius = max(1, round(float(widths[-1, 0])))
    cv2.circle(drawn, (int(end[0]), int(end[1])), radius, 1.0, -1)
    return drawn


def flesh_cover(crop: RgbArray, points: PointArray, cover: FloatArray) -> FloatArray:
    """Return the part of a cover that is hand, its edge softened, (side, side) 0..1.

    Without this cut, a copied finger would bring a rim of its background along.
    """
    hand = hand_region(crop, points).astype(np.uint8)
    inner = cv2.erode(hand, np.ones((3, 3), np.uint8)).astype(np.float32)
    soft: FloatArray = cv2.GaussianBlur(cover * inner, (0, 0), crop.shape[0] / 224)
    return soft
