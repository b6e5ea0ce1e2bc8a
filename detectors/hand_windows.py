"""Which parts of a picture are shown to the palm network, enlarged."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from detectors.arrays import RgbArray, size_of
from detectors.geometry import Box, Size
from detectors.hand_hints import Hint

SMALLEST_PX = 110
"""Windows of a regular search are not made smaller."""

_PADDING_SHARE = 0.25
_MIDDLE_SHARE = 3.0
"""The picture's longer side is so many times a window of the middle level."""

_SOFT = 1.33
"""The palm network knows photographs; a blur takes the lines out of drawings.

Measured on upright renders, palms above 0.2: sketches 0.21 sharp, 0.92 softened; anime
0.54 and 1.0; painted 0.83 and 0.92; photographic 0.92 and 0.96.
"""

_SLIGHTLY_SOFT = 0.7
"""Costs nothing on hands over 44 px of the 192, and helps drawings; see above."""

_OVERLAP = 0.25
_AROUND_HINT = (2.6, 1.8, 3.6)
"""Windows around a hint are so many times as long as the hand may be, the likeliest
first.

The palm network is surest of hands that fill a third to two thirds of what it reads,
and the scout is often wrong by a half about how long they are.
"""

_CLOSEST_PX = 56
"""Windows around hints are not made smaller."""

_PERSON_SHARE = 0.4
"""A window around a person is this share of the person's height; a hand is 0.11."""

_PERSON_BUDGET = 16
_FINE_SHARE = 7.0
_FLAT = 3.0
"""Windows with less contrast (standard deviation of grey, of 255) are not searched."""

_CELL_PX = 8


@dataclass(frozen=True, slots=True)
class Window:
    """A part of the picture that is shown to the palm network."""

    box: Box
    """It may reach out of the picture; the edge is repeated there."""

    soften: float = 0.0
    """Blur, as a standard deviation in pixels of what the network reads."""


def first_look(size: Size) -> tuple[Window, ...]:
    """Return the whole picture, and the same from further away; sharp and softened.

    From further away, the palm network also sees hands that fill the picture.
    """
    whole = Box.whole(size)
    far = whole.grown(round(_PADDING_SHARE * max(size)))
    return tuple(Window(box, soften) for soften in (0.0, _SOFT) for box in (whole, far))


def around(hint: Hint) -> Iterator[Window]:
    """Yield close windows of a place that may hold a hand, the likeliest first."""
    for share in _AROUND_HINT:
        half = max(share * hint.size_px, _CLOSEST_PX) / 2
        box = Box.around(hint.x - half, hint.y - half, hint.x + half, hint.y + half)
        yield Window(box)


def second_look(pixels: RgbArray, people: Sequence[Box]) -> Iterator[Window]:
    """Yield enlarged cut-outs: everywhere, and more closely around people.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        people: Boxes of people, in picture pixels; may be empty.
    """
    size = size_of(pixels)
    contrast = _Contrast(pixels)
    for box in _tiles(Box.whole(size), max(size) / _MIDDLE_SHARE):
        if contrast.of(box) >= _FLAT:
            yield Window(box, _SLIGHTLY_SOFT)
    around = [box for person in people for box in _around(person, size)]
    around.sort(key=lambda box: (-contrast.of(box), box.y0, box.x0))
    for box in around[:_PERSON_BUDGET]:
        yield Window(box)


def show(pixels: RgbArray, box: Box) -> RgbArray:
    """Return the part of a picture, its edge repeated where the box reaches out."""
    inside = box.clipped(size_of(pixels))
    shown = pixels[inside.rows, inside.columns]
    if inside == box:
        return shown
    padded: RgbArray = cv2.copyMakeBorder(
        shown,
        inside.y0 - box.y0,
        box.y1 - inside.y1,
        inside.x0 - box.x0,
        box.x1 - inside.x1,
        cv2.BORDER_REPLICATE,
    )
    return padded


class _Contrast:
    """How much there is to see in parts of a picture."""

    def __init__(self, pixels: RgbArray) -> None:
        height, width = pixels.shape[:2]
        cells = (max(1, width // _CELL_PX), max(1, height // _CELL_PX))
        self._x, self._y = cells[0] / width, cells[1] / height
        grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
        self._grey = cv2.resize(grey, cells, interpolation=cv2.INTER_AREA)
        self._square = cv2.resize(grey * grey, cells, interpolation=cv2.INTER_AREA)

    def of(self, box: Box) -> float:
        """Return the standard deviation of grey inside, of 255."""
        mean = float(self._part(self._grey, box).mean())
        square = float(self._part(self._square, box).mean())
        return float(np.sqrt(max(0.0, square - mean * mean)))

    def _part(
        self, cells: npt.NDArray[np.float32], box: Box
    ) -> npt.NDArray[np.float32]:
        rows, columns = cells.shape
        x0 = min(int(box.x0 * self._x), columns - 1)
        y0 = min(int(box.y0 * self._y), rows - 1)
        x1 = max(x0 + 1, int(np.ceil(box.x1 * self._x)))
        y1 = max(y0 + 1, int(np.ceil(box.y1 * self._y)))
        return cells[y0:y1, x0:x1]


def _around(person: Box, size: Size) -> Iterator[Box]:
    side = _PERSON_SHARE * person.height
    if side < max(size) / _FINE_SHARE:
        yield from _tiles(person.grown(round(0.25 * side)).clipped(size), side)


def _tiles(area: Box, side_px: float) -> Iterator[Box]:
    side = round(side_px)
    if side < SMALLEST_PX or side >= 0.75 * max(area.size):
        return
    for y0 in _starts(area.y0, area.height, side):
        for x0 in _starts(area.x0, area.width, side):
            yield Box(x0, y0, min(x0 + side, area.x1), min(y0 + side, area.y1))


def _starts(first: int, length: int, side: int) -> list[int]:
    """Return where overlapping pieces start so that they cover the length evenly."""
    if length <= side:
        return [first]
    pieces = int(np.ceil((length - side) / (side * (1 - _OVERLAP)))) + 1
    return [first + round(start) for start in np.linspace(0, length - side, pieces)]
