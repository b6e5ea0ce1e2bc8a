"""The seam between what points at places for hands and what searches there."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from detectors.arrays import RgbArray
from detectors.geometry import Box


class Hint(NamedTuple):
    """A place worth a closer look, in picture pixels."""

    score: float
    """0..1; only the order, and thresholds measured for it, mean something."""

    x: float
    y: float
    size_px: float
    """How long the hand may be."""


class Scout(Protocol):
    """Points at places where a small hand may be."""

    def hints(self, pixels: RgbArray, *, above: float) -> Sequence[Hint]:
        """Return the places where it sees most reason to look, best first.

        Args:
            pixels: (H, W, 3) uint8 RGB.
            above: Places with a lower score are left out, 0..1.

        Raises:
            DetectorFailed: it could not look.
        """
        ...


class Guides(NamedTuple):
    """What is known about where hands may be before they are looked for."""

    scout: Scout | None = None
    """Without one, small hands are searched everywhere."""

    people: Sequence[Box] = ()
    """Boxes of people, around which to search more closely still."""


NOTHING_KNOWN = Guides()
