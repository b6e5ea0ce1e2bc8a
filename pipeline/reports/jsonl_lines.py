"""The lines of the JSON Lines format, as types; its schema is drawn from them."""

from dataclasses import dataclass
from typing import Literal

from detectors.findings import Severity
from detectors.geometry import Box

SCHEMA: Literal["nightmend-results-1"] = "nightmend-results-1"


@dataclass(frozen=True, slots=True)
class HeaderLine:
    """The first line: who looked, and how."""

    type: Literal["header"]
    schema: Literal["nightmend-results-1"]
    tool: Literal["nightmend"]
    version: str
    command: Literal["check", "repair"]
    run: str
    """The run's name."""

    started: str
    """ISO 8601 with its offset from UTC."""

    engine: str
    """What repaints; "" for a check."""

    settings: str
    """SHA-256 of the run's settings, in hex: the same for two runs with the same."""


@dataclass(frozen=True, slots=True)
class ProblemEntry:
    """One thing that the gate objects to, or would but for an excuse."""

    code: str
    """The rule's code, such as "NM101"."""

    kind: str
    severity: Severity
    box: Box | None
    """Where; null means the whole picture, or its file."""

    message: str
    confidence: float | None
    fingerprint: str
    """Stable name of the problem: of its rule, the picture's content and the place."""

    unjudged: bool
    """Nobody could look at the picture, or not everybody who should."""

    fails: bool
    """The check fails because of it."""

    excused: str
    """Why it does not count; "" when it does."""


@dataclass(frozen=True, slots=True)
class PictureExtras:
    """What a picture's line holds besides the fields of its outcome."""

    type: Literal["picture"]
    path: str
    """Below the repository's root, or below the folder the check ran in."""

    problems: tuple[ProblemEntry, ...]


@dataclass(frozen=True, slots=True)
class SummaryLine:
    """The last line; a file without it was cut off."""

    type: Literal["summary"]
    planned: int
    """Pictures found."""

    pictures: int
    """Pictures in this file."""

    statuses: dict[str, int]
    """How many pictures ended how."""

    kinds: dict[str, int]
    """How many findings there are of each kind, before any rule is applied."""

    codes: dict[str, int]
    """How many problems count, by their rule's code."""

    failing: int
    """Problems because of which the check fails."""

    excused: int
    code: int
    """The exit code that the pictures call for, apart from what ended the run."""

    reason: str
    """Why the check is not green although no problem says so; "" when one does."""

    finished: str
    """ISO 8601 with its offset from UTC; "" when the run was killed."""

    ended_by: str
    """"done", "signal", or "limit: " or "trouble: " and a sentence."""
