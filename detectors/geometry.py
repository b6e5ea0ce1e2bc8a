"""Sizes and boxes in whole pixels: cut, grow, shift, overlap."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


class Size(NamedTuple):
    """A picture size in pixels, in Pillow's order."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Box:
    """A half-open rectangle: x0 <= x < x1 and y0 <= y < y1, in pixels."""

    x0: int
    y0: int
    x1: int
    y1: int

    def __post_init__(self) -> None:
        if self.x1 < self.x0 or self.y1 < self.y0:
            raise ValueError(f"a box must not be inside out, got {self}")

    @classmethod
    def around(cls, x0: float, y0: float, x1: float, y1: float) -> "Box":
        """Return the smallest whole-pixel box that covers the given rectangle."""
        left, top = int(x0 // 1), int(y0 // 1)
        return cls(left, top, max(left, int(-(-x1 // 1))), max(top, int(-(-y1 // 1))))

    @classmethod
    def whole(cls, size: Size) -> "Box":
        """Return the box that covers a whole picture."""
        return cls(0, 0, size.width, size.height)

    @property
    def width(self) -> int:
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        return self.y1 - self.y0

    @property
    def size(self) -> Size:
        return Size(self.width, self.height)

    @property
    def area(self) -> int:
        """The area in square pixels."""
        return self.width * self.height

    @property
    def centre(self) -> tuple[float, float]:
        """The middle as (x, y), in pixels."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    @property
    def rows(self) -> slice:
        return slice(self.y0, self.y1)

    @property
    def columns(self) -> slice:
        return slice(self.x0, self.x1)

    def grown(self, margin_px: int) -> "Box":
        """Return the box with `margin_px` more on each side, clipped by nothing."""
        return Box(
            self.x0 - margin_px,
            self.y0 - margin_px,
            self.x1 + margin_px,
            self.y1 + margin_px,
        )

    def clipped(self, size: Size) -> "Box":
        """Return the part inside a picture of that size; empty when there is none."""
        x0, y0 = min(max(self.x0, 0), size.width), min(max(self.y0, 0), size.height)
        x1, y1 = min(max(self.x1, x0), size.width), min(max(self.y1, y0), size.height)
        return Box(x0, y0, x1, y1)

    def shifted(self, dx: int, dy: int) -> "Box":
        """Return the box moved by that many pixels."""
        return Box(self.x0 + dx, self.y0 + dy, self.x1 + dx, self.y1 + dy)

    def intersection(self, other: "Box") -> "Box":
        """Return the common part; a box of area 0 when there is none."""
        x0, y0 = max(self.x0, other.x0), max(self.y0, other.y0)
        return Box(
            x0, y0, max(x0, min(self.x1, other.x1)), max(y0, min(self.y1, other.y1))
        )

    def union(self, other: "Box") -> "Box":
        """Return the smallest box that covers both."""
        return Box(
            min(self.x0, other.x0),
            min(self.y0, other.y0),
            max(self.x1, other.x1),
            max(self.y1, other.y1),
        )

    def overlap(self, other: "Box") -> float:
        """Return intersection over union, 0..1."""
        common = self.intersection(other).area
        joined = self.area + other.area - common
        return common / joined if joined else 0.0

    def holds(self, x: float, y: float) -> bool:
        """Tell whether the point (x, y) lies inside."""
        return self.x0 <= x < self.x1 and self.y0 <= y < self.y1


def bounding(boxes: Iterable[Box]) -> Box:
    """Return the smallest box that covers all of them.

    Raises:
        ValueError: there is no box.
    """
    found = list(boxes)
    if not found:
        raise ValueError("there is no box to cover")
    joined = found[0]
    for box in found[1:]:
        joined = joined.union(box)
    return joined
