"""Look at squares all over a picture, for what is finest in them.

The flattest of them show grain alone; `pipeline.grain` says how grainy a picture is.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from detectors.arrays import RgbArray

SIDE_PX = 16
"""Side of the squares that are measured."""

FINER_PX = 2.5
"""Standard deviation in pixels of the Gaussian that parts grain from shapes."""

MARGIN_PX = 8
"""Around a square that is copied out to be filtered: over three standard deviations."""

_INNER = slice(MARGIN_PX, MARGIN_PX + SIDE_PX)

NORMAL = 1.4826
"""Standard deviation of a normal distribution, in medians of its absolute values."""

ROUNDING = 1 / 12
"""Mean square of what rounding to whole levels changes."""

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Rec. 601, as in JPEG."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Squares:
    """Squares of a picture, laid out evenly."""

    fine: Floats
    """(N, SIDE_PX, SIDE_PX, 3): what is finer than FINER_PX."""

    spread: npt.NDArray[np.float64]
    """(N,) its standard deviation as its median tells, which a line does not widen."""

    lined: npt.NDArray[np.float64]
    """(N,) how much lines and edges stand out, in brightness or colour: of pure grain,
    mean squares and medians tell the same."""

    bright: npt.NDArray[np.float64]
    """(N,) mean brightness, 0..255."""


def squares_of(
    pixels: RgbArray, most: int, known: npt.NDArray[np.bool_] | None = None
) -> Squares:
    """Measure squares all over a picture, or those that are known as a whole."""
    rows, columns = (_starts(length, most) for length in pixels.shape[:2])
    margin = ((MARGIN_PX, MARGIN_PX), (MARGIN_PX, MARGIN_PX), (0, 0))
    reach = SIDE_PX + 2 * MARGIN_PX
    padded = np.pad(pixels, margin, mode="symmetric")
    chosen = np.ix_(rows, columns)
    # Side by side with their margins, so that all are filtered at once.
    squares = sliding_window_view(padded, (reach, reach), axis=(0, 1))[chosen]
    sheet = squares.transpose(0, 3, 1, 4, 2).astype(np.float32)
    sheet = sheet.reshape(rows.size * reach, columns.size * reach, 3)
    softer = cv2.GaussianBlur(sheet, (0, 0), FINER_PX)
    fine, soft = (
        plane.reshape(rows.size, reach, columns.size, reach, 3)
        .transpose(0, 2, 1, 3, 4)[:, :, _INNER, _INNER]
        .reshape(-1, SIDE_PX, SIDE_PX, 3)
        for plane in (sheet - softer, softer)
    )
    if known is not None:
        whole = sliding_window_view(known, (SIDE_PX, SIDE_PX))[chosen].all(axis=(2, 3))
        fine, soft = fine[whole.ravel()], soft[whole.ravel()]
    light = fine @ LUMA
    spread, lined = _told_by_medians(light)
    for colour in (0, 2):
        lined = np.maximum(lined, _told_by_medians(fine[..., colour] - light)[1])
    bright = (soft @ LUMA).mean(axis=(1, 2), dtype=np.float64)
    return Squares(fine, spread, lined, bright)


def _told_by_medians(
    plane: Floats,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the spread of (N, side, side) squares, and how lined they are."""
    flat = plane.reshape(-1, SIDE_PX**2).astype(np.float64)
    spread = NORMAL * np.median(np.abs(flat), axis=1)
    ratio = ((flat**2).mean(axis=1) + ROUNDING) / (spread**2 + ROUNDING)
    return spread, np.abs(np.log(ratio))


def _starts(length: int, most: int) -> npt.NDArray[np.int64]:
    """Return where squares begin along a side, half overlapping where there is room."""
    last = length - SIDE_PX
    count = min(most, last // (SIDE_PX // 2) + 1)
    return np.linspace(0, last, count).round().astype(np.int64)
