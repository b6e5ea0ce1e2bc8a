"""Read the map of fingertips, and count those that are beyond doubt."""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from detectors.hand_framing import FRAME_PX

FloatArray = npt.NDArray[np.float32]

CLEAR = 0.5
"""How far a tip must stand out to count.

`make eval-hands` says on how many open hands more than five do: sound ones, and those
with surplus digits. At 0.4, some held-out sound ones did.
"""

_RING = (2.9, 4.3)
"""Radii in cells; the smear that curled fingers leave on the map fills this ring."""


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


def _ring() -> FloatArray:
    ys, xs = np.mgrid[-5:6, -5:6]
    distance = np.hypot(ys, xs)
    ring = ((distance > _RING[0]) & (distance < _RING[1])).astype(np.float32)
    normed: FloatArray = ring / ring.sum()
    return normed
