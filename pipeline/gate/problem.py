"""One thing that the gate objects to, or would but for an excuse."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from detectors.findings import Severity
from detectors.geometry import Box, Size
from pipeline.gate.rule import Rule

CELLS = 16
"""A place is the cell of its centre in a grid of 16 x 16 over the picture."""

OPEN_FAMILIES = frozenset({"NM190", "NM199", "NM299"})
"""Rules that stand for many kinds, so that the kind tells their problems apart."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that the gate objects to, or would but for an excuse."""

    rule: Rule
    severity: Severity
    """The rule's or the finding's, or what the settings make of it."""

    key: str
    digest: str
    """SHA-256 of the file in hex; "" when it could not be read."""

    size: Size
    """Of the picture in pixels; 0 x 0 when it could not be decoded."""

    box: Box | None
    """Where, in picture pixels; None means the whole picture, or the file."""

    message: str
    """What was seen, in one clause; may hold names from the file system."""

    confidence: float | None
    """0..1, or None where there is nothing to doubt."""

    fingerprint: str
    """Stable hex of rule, content and place; no two problems of a check share one."""

    unjudged: bool = False
    """Nobody could look at the picture, or not everybody who should: exit code 3."""

    excused: str = ""
    """Why it does not count, such as a baseline's reason; "" means that it counts."""


class Excuses(Protocol):
    """Knows problems that do not count: a baseline, or what a person decided."""

    def reason_for(self, problem: Problem) -> str:
        """Return why the problem does not count; "" when it does."""
        ...


def fingerprint(rule: Rule, identity: str, place: str, copy: int) -> str:
    """Return what names a problem for good: it outlives renames and other pictures.

    Args:
        rule: Which rule.
        identity: The picture's digest, or its key where it has none.
        place: From `place_of`.
        copy: 0 for the first problem of this rule, content and place, then 1, 2 ...
    """
    kind = rule.kind if rule.code in OPEN_FAMILIES else ""
    text = "\0".join((rule.code, kind, identity, place, str(copy)))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def place_of(box: Box | None, size: Size) -> str:
    """Return the cell of a box's centre as "column,row"; "" for the whole picture."""
    if box is None or not size.width or not size.height:
        return ""
    x, y = box.centre
    column = min(int(x * CELLS / size.width), CELLS - 1)
    row = min(int(y * CELLS / size.height), CELLS - 1)
    return f"{column},{row}"
