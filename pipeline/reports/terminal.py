"""What a person reads at the end: a line a picture or problem, a closing table."""

from collections import Counter
from collections.abc import Sequence

from detectors.findings import Severity
from pipeline.gate.problems import Checked, Problem
from pipeline.names import shown
from pipeline.records import FindingRow, Outcome, RunSummary, Status
from pipeline.reports.places import Places
from pipeline.reports.telling import level, sentence, tally, title, told, verdict

ORDER = (
    (Status.REPAIRED, "something better was found for at least one region"),
    (Status.CLEAN, "no flaw was found"),
    (Status.FLAWED, "flaws were found"),
    (Status.KEPT, "flawed, and nothing tried was better"),
    (Status.SKIPPED, "not repaired, because it would lose something"),
    (Status.UNREADABLE, "not the picture it claims to be, or damaged"),
    (Status.FAILED, "could not be processed"),
    (Status.QUARANTINED, "given up after repeated crashes"),
)
WITH_REASON = (Status.SKIPPED, Status.UNREADABLE, Status.FAILED, Status.QUARANTINED)
MAX_REASONS = 20
"""Pictures whose trouble is told one by one; the reports hold all."""


def render(summary: RunSummary) -> str:
    """Return the closing table, and one line for each picture in trouble."""
    counts = Counter(outcome.status for outcome in summary.outcomes)
    lines = [
        f"{counts[status]:7}  {status.value:11}  {sentence}"
        for status, sentence in ORDER
        if counts[status]
    ]
    lines.append(f"{len(summary.outcomes):7}  pictures")
    troubled = [o for o in summary.outcomes if o.status in WITH_REASON]
    if troubled:
        lines.append("")
        lines += [line_for(outcome) for outcome in troubled[:MAX_REASONS]]
        rest = len(troubled) - MAX_REASONS
        if rest > 0:
            lines.append(f"... and {rest} more; see the report")
    return "\n".join(lines) + "\n"


def render_lines(summary: RunSummary) -> str:
    """Return one line for every picture."""
    return "".join(f"{line_for(outcome)}\n" for outcome in summary.outcomes)


def render_checked(checked: Checked, places: Places) -> str:
    """Return a line for every picture of a repair, or for every problem of a check."""
    if checked.summary.info.command == "repair":
        return render_lines(checked.summary)
    lines = [_problem_line(problem, places) for problem in told(checked)]
    lines.append(f"{tally(checked)}. {verdict(checked)}")
    return "".join(f"{line}\n" for line in lines)


def _problem_line(problem: Problem, places: Places) -> str:
    path = shown(places.path(problem.key))
    if path.lstrip().startswith("::"):
        path = f"./{path}"  # Else GitHub takes the line for a command to itself.
    return f"{path}: {level(problem)} {title(problem)}: {sentence(problem)}"


def line_for(outcome: Outcome) -> str:
    """Say on one line how it ended for a picture."""
    parts = [f"{shown(outcome.key)}: {outcome.status.value}"]
    if outcome.status == Status.REPAIRED:
        left = _findings(outcome.remaining)
        parts += [_repairs(outcome), f"still there: {left}" if left else ""]
    elif outcome.status != Status.CLEAN:
        parts.append(_findings(outcome.findings))
    parts.append(shown(outcome.problem))
    return "; ".join(part for part in parts if part)


def _repairs(outcome: Outcome) -> str:
    replaced = [choice for choice in outcome.choices if choice.winner is not None]
    kinds = sorted({kind for choice in replaced for kind in choice.kinds})
    return ", ".join(shown(kind) for kind in kinds)


def _findings(rows: Sequence[FindingRow]) -> str:
    """Return "2 x hand/extra-digit (0.97), face/too-small (0.80)", the worst first."""
    flawed = [row for row in rows if row.severity > Severity.FINE]
    best: dict[str, FindingRow] = {}
    for row in flawed:
        if row.kind not in best or row.confidence > best[row.kind].confidence:
            best[row.kind] = row
    counts = Counter(row.kind for row in flawed)
    ranked = sorted(best.values(), key=lambda r: (-r.severity, -r.confidence, r.kind))
    return ", ".join(
        (f"{counts[row.kind]} x " if counts[row.kind] > 1 else "")
        + f"{shown(row.kind)} ({row.confidence:.2f})"
        for row in ranked
    )
