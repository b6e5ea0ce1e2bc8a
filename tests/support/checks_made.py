"""Outcomes and summaries of checks, made without any picture."""

from dataclasses import replace

from detectors.findings import Severity
from detectors.geometry import Box, Size
from pipeline.records import (
    FindingRow,
    Likeness,
    Outcome,
    RunInfo,
    RunSummary,
    Status,
)

SIZE = Size(640, 480)
HAND = Box(100, 100, 200, 200)


def row(
    kind: str = "hand/extra-digit",
    box: Box = HAND,
    severity: Severity = Severity.ERROR,
    confidence: float = 0.9,
) -> FindingRow:
    """Return one finding."""
    return FindingRow("someone", kind, box, confidence, "seen", severity=severity)


def seen(key: str, *rows: FindingRow, content: str = "", size: Size = SIZE) -> Outcome:
    """Return the outcome of a picture that was looked at.

    Args:
        key: Its key.
        rows: What was found.
        content: Stands for the file's content; the key when empty.
        size: Its size.
    """
    digest = f"{hash_of(content or key):064x}"
    status = Status.FLAWED if rows else Status.CLEAN
    return Outcome(key, digest, status, size, rows, rows)


def liked(outcome: Outcome, pixels: str, look: str = "") -> Outcome:
    """Return the outcome with what the picture looks like."""
    return replace(outcome, likeness=Likeness(pixels, look))


def unread(key: str, trouble: str = "file/damaged", digest: str = "") -> Outcome:
    """Return the outcome of a picture that nobody could look at."""
    return Outcome(key, digest, Status.UNREADABLE, problem="broken", trouble=trouble)


def skipped(key: str) -> Outcome:
    """Return the outcome of a picture that is not looked at."""
    return Outcome(
        key, "", Status.SKIPPED, problem="animated", trouble="file/not-supported"
    )


def summary(*outcomes: Outcome) -> RunSummary:
    """Return the summary of a check."""
    info = RunInfo(
        "r1",
        "check",
        (),
        ("in",),
        "",
        "2026-11-22T01:00:00+00:00",
        "2026-11-22T01:01:00+00:00",
        "done",
        "",
        "{}",
        "0.1.0",
        len(outcomes),
    )
    return RunSummary(info, tuple(sorted(outcomes, key=lambda one: one.key)))


def hash_of(text: str) -> int:
    """Return a number for a text, the same in every process."""
    return int.from_bytes(text.encode(errors="surrogateescape").ljust(8, b"\1")[:31])
