"""Turn a run into what the report's first screen says: a summary in five seconds."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from detectors.findings import Severity
from pipeline.records import Choice, FindingRow, Outcome, RunSummary, Status

ATTENTION = (Status.FAILED, Status.QUARANTINED, Status.UNREADABLE, Status.KEPT)
"""Statuses that a person should look at first, worst first."""

ORDER = (
    *ATTENTION,
    Status.FLAWED,
    Status.REPAIRED,
    Status.SKIPPED,
    Status.CLEAN,
)

SENTENCES = {
    Status.REPAIRED: "something better was found for at least one region",
    Status.KEPT: "flawed, and nothing tried was better: the original stays",
    Status.CLEAN: "every detector looked and none found a flaw",
    Status.FLAWED: "flaws were found; this command does not repair",
    Status.SKIPPED: "a repair would have lost something, so none was made",
    Status.UNREADABLE: "the file is damaged, or not what it claims to be",
    Status.FAILED: "something broke while this picture was worked on",
    Status.QUARANTINED: "given up after repeated crashes",
}

MAX_REASONS = 5
"""Different reasons that the first screen tells; the rest is one filter away."""

MAX_FIRST = 6
"""Pictures that the first screen shows to be looked at first."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why pictures need a person, told once for all that share it."""

    status: Status
    pictures: int
    example: str
    """The key of the first of them."""

    text: str


@dataclass(frozen=True, slots=True)
class PageView:
    """What the first screen says."""

    summary: RunSummary
    counts: tuple[tuple[Status, int, str], ...]
    """(status, pictures, sentence) in the page's order, empty ones left out."""

    kinds: tuple[tuple[str, int], ...]
    """Flaws found by kind, most frequent first."""

    ranked: tuple[Outcome, ...]
    """Every picture, the worst first."""

    reasons: tuple[Reason, ...]
    took_s: float

    @property
    def attention(self) -> int:
        """Pictures that a person should look at."""
        return sum(outcome.status in ATTENTION for outcome in self.ranked)

    @property
    def first(self) -> tuple[Outcome, ...]:
        """The pictures to look at first: the few worst that need a person."""
        wanted = (*ATTENTION, Status.FLAWED)
        return tuple(o for o in self.ranked[:MAX_FIRST] if o.status in wanted)


def view_page(summary: RunSummary) -> PageView:
    """Arrange a run for the page."""
    ranked = sorted(summary.outcomes, key=badness)
    counts = Counter(outcome.status for outcome in ranked)
    kinds = Counter(row.kind for o in ranked for row in flaws_of(o))
    return PageView(
        summary=summary,
        counts=tuple(
            (status, counts[status], SENTENCES[status])
            for status in ORDER
            if counts[status]
        ),
        kinds=tuple(sorted(kinds.items(), key=lambda item: (-item[1], item[0]))),
        ranked=tuple(ranked),
        reasons=_reasons(ranked),
        took_s=sum(outcome.took_s for outcome in ranked),
    )


def badness(outcome: Outcome) -> tuple[int, int, float, str]:
    """Return the key that sorts pictures worst first: by status, then what is left."""
    left = [row for row in outcome.remaining if row.severity > Severity.NOTE]
    worst = max((int(row.severity) for row in left), default=0)
    surest = max((row.confidence for row in left), default=0.0)
    return ORDER.index(outcome.status), -worst, -surest, outcome.key


def flaws_of(outcome: Outcome) -> Sequence[FindingRow]:
    """Return the findings that were acted on or that gate, surest first."""
    found = [row for row in outcome.findings if row.severity > Severity.NOTE]
    return sorted(found, key=lambda row: -row.confidence)


def gain_of(outcome: Outcome) -> float:
    """Return how far the total cost fell over all regions."""
    return sum(fall_of(choice) for choice in outcome.choices)


def fall_of(choice: Choice) -> float:
    """Return how far one region's cost fell; 0 when the original stays."""
    return choice.cost_before.total - choice.cost_after.total


def _reasons(ranked: Sequence[Outcome]) -> tuple[Reason, ...]:
    """Tell why pictures need a person; what differs by the name only counts as one."""
    grouped: dict[tuple[Status, str], list[Outcome]] = {}
    for outcome in ranked:
        if outcome.status in ATTENTION:
            text = outcome.problem.replace(outcome.key, "the picture")
            grouped.setdefault((outcome.status, text), []).append(outcome)
    reasons = [
        Reason(status, len(same), same[0].key, text or SENTENCES[status])
        for (status, text), same in grouped.items()
    ]
    reasons.sort(key=lambda r: (ORDER.index(r.status), -r.pictures))
    return tuple(reasons[:MAX_REASONS])
