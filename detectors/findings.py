"""What a detector says about one place in one picture."""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Literal, NamedTuple

from detectors.arrays import MaskArray
from detectors.geometry import Box

Remedy = Literal["redraw", "remove"]
"""What a repair should aim at: a better one in its place, or nothing in its place."""

Joints = tuple[tuple[float, float], ...]
"""A hand's landmarks, x and y in picture pixels."""


class Severity(IntEnum):
    """How much a kind of finding weighs; higher is worse."""

    FINE = 0
    """Looked at and found in order; never gates, never masked."""

    NOTE = 1
    """Worth knowing, such as "cannot tell"."""

    WARNING = 2
    ERROR = 3


class Kind(NamedTuple):
    """One kind of finding that a detector can report."""

    sentence: str
    """What it means, in one plain sentence."""

    severity: Severity
    mend: bool
    """True when repainting the place can cure it."""


class Mark(NamedTuple):
    """A labelled point that lets a person check a finding in a second."""

    label: str
    x: float
    """In picture pixels, from the left."""

    y: float
    """In picture pixels, from the top."""


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """One place in one picture that a detector looked at.

    Detectors also report places that are in order (a kind of severity FINE): the flaw
    confidence of such a place is what lets a repair be compared with what it replaced.
    """

    detector: str
    kind: str
    """Slug such as "hand/extra-digit"; also the rule id in reports."""

    box: Box
    confidence: float
    """0..1, the calibrated probability that this place is flawed."""

    outline: MaskArray | None = None
    """(box.height, box.width) bool, or None when the whole box is meant."""

    message: str = ""
    """One short clause of evidence, such as "6 digits seen"."""

    marks: tuple[Mark, ...] = ()
    remedy: Remedy = "redraw"
    joints: Joints = ()
    """Of a hand its 21 landmarks, x and y in picture pixels: the wrist, then thumb to
    little finger, each from root to tip; () for other things and where unknown."""

    def shifted(self, dx: int, dy: int) -> "Finding":
        """Return the same finding moved by that many pixels."""
        return replace(
            self,
            box=self.box.shifted(dx, dy),
            marks=tuple(Mark(m.label, m.x + dx, m.y + dy) for m in self.marks),
            joints=tuple((x + dx, y + dy) for x, y in self.joints),
        )
