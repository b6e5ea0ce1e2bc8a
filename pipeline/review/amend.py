"""What the record of a picture says after a person decided about it."""

from dataclasses import replace

from detectors.findings import Severity
from detectors.geometry import Box
from pipeline.records import Choice, Decision, FindingRow, Outcome, Status
from pipeline.review.publish import Made


def amended(machine: Outcome, decision: Decision, made: Made | None) -> Outcome:
    """Return the outcome as the person wants it.

    Args:
        machine: What the run itself made of the picture.
        decision: What the person decided.
        made: The file that goes out; None where nothing is published, as in a check.
    """
    choices = made.choices if made else machine.choices
    findings = tuple(_excused(row, decision) for row in machine.findings)
    left = _remaining(machine, choices, decision)
    return replace(
        machine,
        status=_status(machine, choices, left, decision),
        findings=findings,
        remaining=left,
        choices=choices,
        preview_after=_preview(machine, choices, made),
        output_digest=made.digest if made else machine.output_digest,
        staged="",
        problem=_remark(machine, decision),
    )


def severity_of(outcome: Outcome, min_confidence: float) -> int:
    """Return the severity of the worst finding that is still there."""
    return max(
        (int(r.severity) for r in outcome.remaining if r.confidence >= min_confidence),
        default=int(Severity.FINE),
    )


def _excused(row: FindingRow, decision: Decision) -> FindingRow:
    if row.severity > Severity.FINE and decision.excuses(row.kind, row.box):
        return replace(row, severity=Severity.FINE)
    return row


def _remaining(
    machine: Outcome, choices: tuple[Choice, ...], decision: Decision
) -> tuple[FindingRow, ...]:
    """Return what is still there; nobody but the person looked at it again.

    Where a repair was taken back, what was found there before is there again. Where
    another variation was picked, the person has judged it.
    """
    before = {(c.pass_number, c.patch): c.winner for c in machine.choices}
    changed = [c for c in choices if c.winner != before[c.pass_number, c.patch]]
    if all(choice.winner is None for choice in choices):
        left = machine.findings if machine.choices else machine.remaining
    else:
        back = [c.box for c in changed if c.winner is None]
        boxes = [c.box for c in changed]
        left = (
            *(r for r in machine.remaining if not _meets(r, boxes)),
            *(r for r in machine.findings if _meets(r, back)),
        )
    return tuple(_excused(row, decision) for row in left)


def _meets(row: FindingRow, boxes: list[Box]) -> bool:
    return any(row.box.intersection(box).area for box in boxes)


def _status(
    machine: Outcome,
    choices: tuple[Choice, ...],
    left: tuple[FindingRow, ...],
    decision: Decision,
) -> Status:
    """Say how it stands; what a person calls fine counts as clean."""
    if any(choice.winner is not None for choice in choices):
        return Status.REPAIRED
    if decision.verdict == "accept" and machine.status is not Status.REPAIRED:
        return Status.CLEAN
    flawed = any(row.severity > Severity.NOTE for row in left)
    if not flawed and (decision.not_flaws or machine.status is Status.CLEAN):
        return Status.CLEAN
    return Status.FLAWED if machine.status is Status.FLAWED else Status.KEPT


def _preview(machine: Outcome, choices: tuple[Choice, ...], made: Made | None) -> str:
    if made is None or choices == machine.choices:
        return machine.preview_after
    return made.preview_after


def _remark(machine: Outcome, decision: Decision) -> str:
    said = []
    if decision.verdict == "accept":
        said.append("accepted in review")
    if decision.verdict == "reject":
        said.append("rejected in review: the original is kept")
    if decision.picks and decision.verdict != "reject":
        said.append("another variation was picked in review")
    if decision.not_flaws:
        said.append(f"{len(decision.not_flaws)} called no flaw in review")
    if decision.note:
        said.append(f"note: {decision.note}")
    return "; ".join((*said, machine.problem) if machine.problem else said)
