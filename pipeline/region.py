"""Cut one patch out of its picture, with its soft edge."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from detectors.arrays import CoverArray, MaskArray, RgbArray, size_of
from detectors.geometry import Box
from pipeline.records import Mode, Patch
from pipeline.settings import PlanSettings
from pipeline.stages import blend, plan

T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """One patch as an engine will see it; all arrays are of the window's size."""

    patch: Patch
    frame: plan.Frame
    touched: Box
    """The pixels that may change, in picture pixels."""

    pixels: RgbArray
    """(H, W, 3) uint8 RGB, a copy."""

    mask: MaskArray
    cover: CoverArray


def cut_out(
    patch: Patch, pixels: RgbArray, settings: PlanSettings, engine: plan.Engine
) -> Region:
    """Soften a patch's mask, choose its window, and cut everything to it.

    The mask is softened on enough surroundings for the result to be the same as on the
    whole picture, its borders included.
    """
    size, blur_px = size_of(pixels), settings.mask_blur_px
    near = patch.box.grown(2 * blend.reach_px(blur_px) + 1).clipped(size)
    soft = blend.soften(moved(patch.mask, patch.box, near), blur_px)
    rows = np.flatnonzero(soft.any(axis=1))
    columns = np.flatnonzero(soft.any(axis=0))
    touched = Box(
        int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    ).shifted(near.x0, near.y0)
    share = float(patch.mask.sum()) / (size.width * size.height)
    frame = plan.frame(touched, share, size, settings, engine)
    window = frame.window
    # An engine that fills holes at their own size leaves all else untouched, so nothing
    # has to be smoothed over; half of the old pixels at the edge would be a ghost of
    # what was to go. AUTOMATIC1111 has no such engine whose rule could be followed.
    rule: Mode = frame.mode if engine.native_px else "whole-picture"
    return Region(
        patch=patch,
        frame=frame,
        touched=touched,
        pixels=pixels[window.rows, window.columns].copy(),
        mask=moved(patch.mask, patch.box, window),
        cover=moved(blend.overlay(soft, rule), near, window),
    )


def moved(array: npt.NDArray[T], at: Box, to: Box) -> npt.NDArray[T]:
    """Cut an array that lies at one box to another; what was not there is 0.

    Args:
        array: (at H, at W) or (at H, at W, C).
        at: Where it lies.
        to: Where the result is to lie.

    Returns:
        (to H, to W) or (to H, to W, C), of the same type; a copy.
    """
    result = np.zeros((to.height, to.width, *array.shape[2:]), dtype=array.dtype)
    return pasted(result, to, array, at)


def pasted(
    onto: npt.NDArray[T], at: Box, array: npt.NDArray[T], of: Box
) -> npt.NDArray[T]:
    """Return `onto`, which lies at `at`, with the common part of `array` over it."""
    common = at.intersection(of)
    target, source = common.shifted(-at.x0, -at.y0), common.shifted(-of.x0, -of.y0)
    result = onto.copy()
    result[target.rows, target.columns] = array[source.rows, source.columns]
    return result
