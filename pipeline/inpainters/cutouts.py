"""Bring a cut-out to the size at which an engine paints, and its work back.

Only-masked windows are fitted, centred, and their edges stretched to fill the rest, and
a whole picture is simply resized; both by LANCZOS, as AUTOMATIC1111 does (its
`images.resize_image`, modes 2 and 0). On the way back AUTOMATIC1111 covers and crops by
whole pixels, which can shift the content by up to half a pixel; here the very rectangle
that was filled is sampled, so that what comes back lies where it was taken from.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from detectors.arrays import MaskArray, RgbArray
from detectors.geometry import Box, Size
from pipeline.records import Mode

GreyArray: TypeAlias = npt.NDArray[np.uint8]
"""(H, W) uint8, 0..255."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Where a window's content lies at working size."""

    window: Size
    working: Size
    content: Box
    """In working pixels; the rest is stretched edge."""


def fit(window: Size, working: Size, mode: Mode) -> Fit:
    """Place a window at working size.

    Args:
        window: Size of the cut-out.
        working: Size at which the engine paints.
        mode: "only-masked" keeps the proportions, "whole-picture" need not, since its
            working size differs from the picture's proportions by rounding only.
    """
    if mode == "whole-picture":
        return Fit(window, working, Box.whole(working))
    if working.width * window.height < window.width * working.height:
        inner = Size(working.width, working.width * window.height // window.width)
    else:
        inner = Size(working.height * window.width // window.height, working.height)
    inner = Size(max(1, inner.width), max(1, inner.height))
    left = working.width // 2 - inner.width // 2
    top = working.height // 2 - inner.height // 2
    return Fit(window, working, Box(left, top, left + inner.width, top + inner.height))


def to_working(array: npt.NDArray[np.uint8], place: Fit) -> npt.NDArray[np.uint8]:
    """Resize a cut-out, or the grey mask of one, to working size.

    Args:
        array: (window H, window W, 3) or (window H, window W) uint8.
        place: From `fit`.

    Returns:
        (working H, working W, ...) uint8, content in `place.content`, its outermost
        rows or columns repeated to the edges.
    """
    inner = _resized(array, place.content.size, None)
    box, size = place.content, place.working
    margins = [(box.y0, size.height - box.y1), (box.x0, size.width - box.x1)]
    return np.pad(inner, margins + [(0, 0)] * (array.ndim - 2), mode="edge")


def to_window(painted: RgbArray, place: Fit) -> RgbArray:
    """Bring an engine's (working H, working W, 3) picture back to the window's size."""
    return _resized(painted, place.window, place.content)


def soft_mask(mask: MaskArray, blur_px: int) -> GreyArray:
    """Blur a mask as AUTOMATIC1111 does before it resizes it.

    Args:
        mask: (H, W) bool, True = repaint.
        blur_px: Standard deviation in pixels; 0 leaves the edge hard. The kernel has
            2 * int(2.5 * blur + 0.5) + 1 taps, as in AUTOMATIC1111's `processing.py`.

    Returns:
        (H, W) uint8, 255 where everything is repainted.
    """
    grey = mask.astype(np.uint8) * 255
    if not blur_px:
        return grey
    taps = 2 * int(2.5 * blur_px + 0.5) + 1
    # Along x, then along y, rounding each time, as there and where regions are blended.
    across = cv2.GaussianBlur(grey, (taps, 1), float(blur_px))
    blurred: GreyArray = cv2.GaussianBlur(across, (1, taps), float(blur_px))
    return blurred


def _resized(array: Any, size: Size, box: Box | None) -> npt.NDArray[np.uint8]:
    height, width = array.shape[:2]
    source = box or Box(0, 0, width, height)
    if source == Box(0, 0, width, height) and source.size == size:
        return np.array(array)
    picture = Image.fromarray(np.ascontiguousarray(array)).resize(
        (size.width, size.height),
        Image.Resampling.LANCZOS,
        box=(source.x0, source.y0, source.x1, source.y1),
    )
    return np.asarray(picture)
