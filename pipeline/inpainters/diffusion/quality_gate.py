"""Refuse variations that no detector should have to judge: not finite, black, blank."""

import numpy as np

from detectors.arrays import MaskArray, RgbArray

BLANK_SPREAD = 0.5
"""Standard deviation, of 255, under which a picture counts as one flat colour."""

BLACK_LEVEL = 2.0
"""Mean level, of 255, under which a repainted region counts as black."""


def problem_of(painted: RgbArray | None, before: RgbArray, mask: MaskArray) -> str:
    """Say what is wrong with a variation; "" when nothing is.

    A picture that was flat or black already is not blamed for being so.

    Args:
        painted: (H, W, 3) uint8 RGB as the engine decoded it, at working size, or None
            when it was not finite.
        before: (H, W, 3) uint8 RGB: what it was painted from, at the same size.
        mask: (H, W) bool, True = repainted.
    """
    if painted is None:
        return "the network returned NaN or infinity"
    if painted.std() < BLANK_SPREAD and before.std() >= 4 * BLANK_SPREAD:
        return "the variation came out as one flat colour"
    if _level(painted, mask) < BLACK_LEVEL and _level(before, ~mask) > 4 * BLACK_LEVEL:
        return "the repainted region came out black"
    return ""


def _level(pixels: RgbArray, mask: MaskArray) -> float:
    return float(np.mean(pixels[mask])) if mask.any() else 0.0
