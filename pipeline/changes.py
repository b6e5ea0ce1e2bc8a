"""Measure how much a repair shows beside the flaw: its seam, its drift, its blur."""

import cv2
import numpy as np
import numpy.typing as npt

from detectors.arrays import CoverArray, RgbArray
from pipeline.grain import Grain

SEAM_UNIT = 20.0
"""CIE76 difference that makes a seam of 1. About 2.3 is just noticeable (Mahy et al.
1994); 20 along a whole edge is a patch that everyone sees."""

SEAM_STRIP_PX = 4
SEAM_TILE_PX = 16
DRIFT_RING_PX = 8

DETAIL_PX = (1.0, 2.0, 4.0)
"""Standard deviations of the Gaussians between which detail is measured."""

ROUNDING = 0.1
"""L* that eight bits cannot tell: about a third of one of 255 values (1 / sqrt(12))."""

HIDDEN = 0.5
"""Shapes fainter than this, in depths of the grain, are hidden by it: that much detail
counts as there on either side."""

GREYS = np.arange(256.0)
"""All levels of eight bits."""


def lab(pixels: RgbArray) -> npt.NDArray[np.float32]:
    """Return CIE L*a*b* of sRGB pixels, (H, W, 3) float32, L* in 0..100."""
    scaled = pixels.astype(np.float32) / np.float32(255)
    result: npt.NDArray[np.float32] = cv2.cvtColor(scaled, cv2.COLOR_RGB2LAB)
    return result


def seam(before: RgbArray, after: RgbArray, cover: CoverArray) -> float:
    """Return the excess colour step across the soft edge; 0 is none.

    Each pixel of a strip just outside the cover is compared with the nearest fully
    covered one. These differences are averaged as colours over tiles of 16 px along the
    edge, so that texture cancels out and a step does not. What counts is by how much a
    tile's step exceeds the original's own step there; the result is the root of the
    mean square over the edge, in units of 20 CIE76.

    Args:
        before: (H, W, 3) uint8 RGB.
        after: (H, W, 3) uint8 RGB.
        cover: (H, W) float32.
    """
    core = cover >= 0.95 * cover.max(initial=0.0)
    if not core.any() or cover.max() <= 0:
        return 0.0
    outside = (cover <= 0).astype(np.uint8)
    away = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    rows, columns = np.nonzero((away > 0) & (away <= SEAM_STRIP_PX))
    if rows.size == 0:
        return 0.0
    nearest = _nearest(core)[rows, columns]
    was, now = lab(before).reshape(-1, 3), lab(after).reshape(-1, 3)
    here = np.ravel_multi_index((rows, columns), cover.shape)
    tiles = (rows // SEAM_TILE_PX) * cover.shape[1] + columns // SEAM_TILE_PX
    steps_before, counts = _tile_steps(was[here] - was[nearest], tiles)
    steps_after, _ = _tile_steps(now[here] - now[nearest], tiles)
    excess = np.maximum(0.0, steps_after - steps_before)
    mean_square = np.average(excess**2, weights=counts)
    return float(np.sqrt(mean_square)) / SEAM_UNIT


def _nearest(core: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return, for each pixel, the flat index of the nearest pixel of the core."""
    _, labels = cv2.distanceTransformWithLabels(
        (~core).astype(np.uint8),
        cv2.DIST_L2,
        cv2.DIST_MASK_5,
        labelType=cv2.DIST_LABEL_PIXEL,
    )
    at = np.zeros(int(labels.max()) + 1, dtype=np.int64)
    at[labels[core]] = np.flatnonzero(core)
    result: npt.NDArray[np.int64] = at[labels]
    return result


def _tile_steps(
    steps: npt.NDArray[np.float32], tiles: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Average colour steps over tiles; return each mean's length, and the counts."""
    _, at, counts = np.unique(tiles, return_inverse=True, return_counts=True)
    means = [np.bincount(at, weights=steps[:, axis]) / counts for axis in range(3)]
    return np.linalg.norm(np.stack(means, axis=1), axis=1), counts


def drift(before: RgbArray, after: RgbArray, cover: CoverArray) -> float:
    """Return the change of colour at large, in and just around the cover; 0 is none.

    Both cut-outs are averaged in L*a*b* over blocks of about a sixth of the region. The
    result is the mean difference of blocks in units of 100 CIE76, each weighted by how
    much of it lies in the cover or up to 8 px from it. Shape and texture may change
    freely; a shift of light or hue may not.
    """
    touched = (cover > 0).astype(np.uint8)
    area = int(touched.sum())
    if area == 0:
        return 0.0
    side = 2 * DRIFT_RING_PX + 1
    ringed = cv2.dilate(touched, np.ones((side, side), dtype=np.uint8))
    block = int(np.clip(round(area**0.5 / 6), 8, 128))
    height, width = cover.shape
    coarse = (max(1, round(width / block)), max(1, round(height / block)))
    was, now, weight = (
        cv2.resize(array, coarse, interpolation=cv2.INTER_AREA)
        for array in (lab(before), lab(after), ringed.astype(np.float32))
    )
    change = np.linalg.norm(now - was, axis=2)
    return float(np.average(change, weights=weight)) / 100.0


def blur(
    before: RgbArray, after: RgbArray, cover: CoverArray, grain: Grain | None = None
) -> float:
    """Return how much detail is lost under the cover, in octaves; 0 is none.

    Detail is the root mean square of L* in each of three bands: finer than a Gaussian
    of 1 px, from there to 2 px, and on to 4 px. The result is the mean over the bands
    of the halvings of it; a band that gained counts 0. Sample hands lose 0.4 to 0.7 by
    a Gaussian of 1 px, 0.8 to 1.3 by one of 2 px, 1.1 to 1.8 by one of 3 px (a test).

    Grain that was drawn anew is no detail: with it, soft shapes would pass for sharp
    ones. What it brings to each band is taken off both sides, and shapes alone count.

    Args:
        before: (H, W, 3) uint8 RGB.
        after: (H, W, 3) uint8 RGB.
        cover: (H, W) float32.
        grain: Of both, where it was given to what is new; None takes nothing off.
    """
    if cover.max(initial=0.0) <= 0:
        return 0.0
    was, now = (_detail(pixels, cover, grain) for pixels in (before, after))
    return float(np.maximum(np.log2(was / now), 0.0).mean())


def _detail(
    pixels: RgbArray, cover: CoverArray, grain: Grain | None
) -> npt.NDArray[np.float64]:
    """Return the (3,) detail under the cover, never less than rounding leaves."""
    lightness = lab(pixels)[..., 0]
    softer = [cv2.GaussianBlur(lightness, (0, 0), sigma) for sigma in DETAIL_PX]
    bands = np.diff(np.stack([lightness, *softer]), axis=0)
    squares = np.array([np.average(band**2, weights=cover) for band in bands])
    if grain is None:
        return np.sqrt(squares + ROUNDING**2)
    of_grain = grain.bands(DETAIL_PX) * _grain_power(grain, softer[-1], cover)
    shapes = np.maximum(squares - of_grain, 0.0)
    return np.sqrt(shapes + HIDDEN**2 * of_grain + ROUNDING**2)


def _grain_power(
    grain: Grain, lightness: npt.NDArray[np.float32], cover: CoverArray
) -> float:
    """Return the mean square of L* that grain brings to what has this lightness."""
    of_greys = lab(np.repeat(GREYS[:, None, None], 3, axis=2).astype(np.uint8))[:, 0, 0]
    in_lightness = grain.level_at(GREYS) * np.gradient(of_greys)
    here = np.interp(lightness, of_greys, in_lightness)
    return float(np.average(here**2, weights=cover))
