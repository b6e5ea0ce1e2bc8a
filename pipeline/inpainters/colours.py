"""Give what was painted the colours of what it was painted into.

A model's VAE does not return the very colours it was given: large ones shift them by a
little, small ones by a lot. Where nothing was masked, the picture before and after is
known, and so is the shift of each colour there; the painted pixels are moved back by
the shift that their own colour had. AUTOMATIC1111's "apply colour correction" matches
the histograms of two whole pictures instead, which also pulls new content towards the
colours of what it replaced.
"""

import cv2
import numpy as np
import numpy.typing as npt

from detectors.arrays import RgbArray
from pipeline.inpainters.cutouts import GreyArray

BINS = 16
"""Steps per channel in which shifts are collected."""

SPREAD_BINS = 1.2
"""Standard deviation by which a shift is shared with colours nearby."""

NEAR_PX = 40.0
"""Known pixels count by exp(-distance to the mask / this): what is beside the painted
place stands in the same light."""

DOUBT = 0.02
"""Weight of the mean shift, as a share of all known pixels: what a colour that is seen
nowhere else is moved by."""

MIN_KNOWN_PX = 64
"""With fewer known pixels, colours stay as they were painted."""

Grid = npt.NDArray[np.float32]


def matched(painted: RgbArray, original: RgbArray, soft: GreyArray) -> RgbArray:
    """Return the painted picture with the colours of its surroundings.

    Args:
        painted: (H, W, 3) uint8, decoded; unmasked parts show what the decoder makes of
            the original.
        original: (H, W, 3) uint8, what was encoded.
        soft: (H, W) uint8, 0 where nothing was repainted.

    Returns:
        (H, W, 3) uint8, a new array.
    """
    known = soft == 0
    if int(known.sum()) < MIN_KNOWN_PX:
        return painted.copy()
    away = cv2.distanceTransform(known.astype(np.uint8), cv2.DIST_L2, 3)
    weight = np.exp(-away[known] / NEAR_PX).astype(np.float32)
    shift = original[known].astype(np.float32) - painted[known].astype(np.float32)
    grid = _shifts(painted[known], shift, weight)
    corrected = painted.astype(np.float32) + _looked_up(grid, painted)
    result: RgbArray = np.rint(corrected.clip(0, 255)).astype(np.uint8)
    return result


def _shifts(colours: npt.NDArray[np.uint8], shift: Grid, weight: Grid) -> Grid:
    """Return the (BINS, BINS, BINS, 3) mean shift of every colour.

    Args:
        colours: (N, 3) as decoded.
        shift: (N, 3) from there to the original.
        weight: (N,) how much each pixel counts.
    """
    step = 256 // BINS
    cells = (colours // step).astype(np.int64)
    places = (cells[:, 0] * BINS + cells[:, 1]) * BINS + cells[:, 2]
    sums = [
        np.bincount(places, values, minlength=BINS**3)
        for values in (weight, *(weight * channel for channel in shift.T))
    ]
    collected = np.stack(sums, axis=-1).reshape(BINS, BINS, BINS, 4)
    cube = _spread(collected.astype(np.float32))
    total = float(weight.sum())
    mean = (weight @ shift) / total
    doubt = DOUBT * total
    result: Grid = (cube[..., 1:] + doubt * mean) / (cube[..., :1] + doubt)
    return result.astype(np.float32)


def _spread(cube: Grid) -> Grid:
    """Blur along the three colour axes."""
    reach = np.arange(-3, 4)
    taps = np.exp(-0.5 * (reach / SPREAD_BINS) ** 2)
    for axis in range(3):
        padded = np.moveaxis(cube, axis, 0)
        edge = np.zeros((3, *padded.shape[1:]), np.float32)
        padded = np.concatenate([edge, padded, edge])
        blurred = sum(t * padded[i : i + BINS] for i, t in enumerate(taps))
        cube = np.moveaxis(np.asarray(blurred, np.float32), 0, axis)
    return cube


def _looked_up(grid: Grid, picture: RgbArray) -> Grid:
    """Return (H, W, 3): the shift of each pixel's colour, trilinearly interpolated."""
    step = 256 / BINS
    at = (picture.astype(np.float32) / step - 0.5).clip(0, BINS - 1)
    low = np.floor(at).astype(np.int64)
    high = np.minimum(low + 1, BINS - 1)
    share = at - low
    result = np.zeros(picture.shape, np.float32)
    for corner in range(8):
        ups = [(corner >> axis) & 1 for axis in range(3)]
        index = [(high if up else low)[..., axis] for axis, up in enumerate(ups)]
        parts = [
            share[..., axis] if up else 1 - share[..., axis]
            for axis, up in enumerate(ups)
        ]
        weight = parts[0] * parts[1] * parts[2]
        result += weight[..., None] * grid[index[0], index[1], index[2]]
    return result
