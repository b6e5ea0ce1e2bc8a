"""The array shapes that cross a boundary, and their checks."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from detectors.geometry import Size

RgbArray: TypeAlias = npt.NDArray[np.uint8]
"""(H, W, 3) uint8 RGB, 0..255."""

MaskArray: TypeAlias = npt.NDArray[np.bool_]
"""(H, W) bool, True = repaint."""

CoverArray: TypeAlias = npt.NDArray[np.float32]
"""(H, W) float32 in 0..1; 0 keeps the original, 1 takes the new pixel."""


def size_of(array: npt.NDArray[Any]) -> Size:
    """Return the size of an (H, W, ...) array."""
    return Size(int(array.shape[1]), int(array.shape[0]))


def check_rgb(pixels: npt.NDArray[Any], name: str = "pixels") -> None:
    """Refuse anything but a non-empty (H, W, 3) uint8 array.

    Raises:
        ValueError: the array has another shape or type; the text names both.
    """
    right = pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.dtype == np.uint8
    if not right or 0 in pixels.shape:
        raise ValueError(
            f"{name} must be (H, W, 3) uint8 RGB, got {pixels.shape} {pixels.dtype}"
        )


def check_mask(mask: npt.NDArray[Any], size: Size, name: str = "mask") -> None:
    """Refuse anything but an (H, W) bool array of the given size.

    Raises:
        ValueError: the array has another shape or type; the text names both.
    """
    if mask.shape != (size.height, size.width) or mask.dtype != np.bool_:
        raise ValueError(
            f"{name} must be ({size.height}, {size.width}) bool, "
            f"got {mask.shape} {mask.dtype}"
        )
