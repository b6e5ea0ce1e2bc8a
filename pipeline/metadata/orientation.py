"""Turn stored pixels upright as EXIF says, and back again."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Pixels: TypeAlias = npt.NDArray[np.uint8]
_Turn: TypeAlias = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]


def _transposed(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return array.swapaxes(0, 1)


_UPRIGHT: Mapping[int, _Turn] = {
    1: lambda array: array,
    2: lambda array: array[:, ::-1],
    3: lambda array: array[::-1, ::-1],
    4: lambda array: array[::-1],
    5: _transposed,
    6: lambda array: _transposed(array)[:, ::-1],
    7: lambda array: _transposed(array[::-1, ::-1]),
    8: lambda array: _transposed(array)[::-1],
}
"""EXIF orientation to what makes the stored pixels upright (Exif 2.32, 4.6.4 A)."""

_BACK = {6: 8, 8: 6}
"""A quarter turn is undone by the other; all the rest undo themselves."""


def upright(stored: Pixels, orientation: int) -> Pixels:
    """Return stored pixels, (H, W) or (H, W, C), as they are meant to be seen."""
    return np.ascontiguousarray(_UPRIGHT[orientation](stored))


def as_stored(seen: Pixels, orientation: int) -> Pixels:
    """Return upright pixels as a file with this orientation stores them."""
    back = _BACK.get(orientation, orientation)
    return np.ascontiguousarray(_UPRIGHT[back](seen))
