"""One picture's outcome -> its problems."""

from collections.abc import Iterator

from detectors.findings import Severity
from detectors.geometry import Box, Size
from pipeline.gate.problem import Problem
from pipeline.gate.rules import Rule, rule_for
from pipeline.records import FindingRow, Outcome, Status
from pipeline.settings import Settings

_TROUBLE = {
    Status.UNREADABLE: "file/unreadable",
    Status.SKIPPED: "file/not-supported",
    Status.FAILED: "file/not-judged",
    Status.QUARANTINED: "file/not-judged",
}
"""The rule for a picture that nobody looked at, where its outcome names no better."""

_UNJUDGED = frozenset({Status.UNREADABLE, Status.FAILED, Status.QUARANTINED})
_NO_VERDICT = "/cannot-tell"


def problems_of(outcome: Outcome, settings: Settings) -> Iterator[Problem]:
    """Yield what is wrong with one picture, without fingerprints yet."""
    if outcome.status in _TROUBLE:
        rule = rule_for(outcome.trouble or _TROUBLE[outcome.status])
        unjudged = outcome.status in _UNJUDGED
        yield about(outcome, rule, outcome.problem, unjudged=unjudged)
        return
    for row in outcome.remaining:
        if _is_problem(row, settings.detect.min_confidence):
            yield _seen(outcome, row)
    for detector, reason in outcome.detector_failures:
        message = f"the detector {detector} could not look: {reason}"
        yield about(outcome, rule_for("file/not-judged"), message, unjudged=True)


def about(
    outcome: Outcome, rule: Rule, message: str, *, unjudged: bool = False
) -> Problem:
    """Return a problem of the picture as a whole, or of its file."""
    return Problem(
        rule,
        rule.severity,
        outcome.key,
        outcome.digest,
        outcome.size,
        None,
        message,
        None,
        fingerprint="",
        unjudged=unjudged,
    )


def _is_problem(row: FindingRow, min_confidence: float) -> bool:
    if row.severity is Severity.FINE:
        return False
    # The confidence of a place that nobody can judge is the doubt that is left about
    # it, and not how sure it is that it cannot be judged.
    return row.confidence >= min_confidence or row.kind.endswith(_NO_VERDICT)


def _seen(outcome: Outcome, row: FindingRow) -> Problem:
    rule = rule_for(row.kind)
    box = None if _is_whole(row.box, outcome.size) else row.box
    return Problem(
        rule,
        row.severity,
        outcome.key,
        outcome.digest,
        outcome.size,
        box,
        row.message or rule.sentence,
        row.confidence,
        fingerprint="",
    )


def _is_whole(box: Box, size: Size) -> bool:
    return box == Box.whole(size)
