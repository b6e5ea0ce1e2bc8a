"""Turn a run's outcomes into what the report page shows, in the order it shows it."""

from collections import Counter
from dataclasses import dataclass

from detectors.findings import Severity
from detectors.geometry import Box, Size
from pipeline.records import Attempt, Choice, FindingRow, Outcome, RunSummary, Status

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


@dataclass(frozen=True, slots=True)
class VariationView:
    """One candidate of one region."""

    attempt: Attempt
    won: bool


@dataclass(frozen=True, slots=True)
class RegionView:
    """One region in one pass: what was there, what was tried, what was chosen."""

    choice: Choice
    variations: tuple[VariationView, ...]

    @property
    def gain(self) -> float:
        """How far the total cost fell; 0 when the original stays."""
        return self.choice.cost_before.total - self.choice.cost_after.total


@dataclass(frozen=True, slots=True)
class CardView:
    """One picture."""

    outcome: Outcome
    sentence: str
    flaws: tuple[FindingRow, ...]
    """What was acted on or gates, surest first."""

    seen: tuple[FindingRow, ...]
    """What was looked at and is in order, or could not be told."""

    regions: tuple[RegionView, ...]

    @property
    def kinds(self) -> str:
        """The kinds of flaws with their numbers, such as "2 x hand/malformed"."""
        counts = Counter(row.kind for row in self.flaws)
        return ", ".join(
            f"{n} x {kind}" if n > 1 else kind for kind, n in counts.items()
        )

    @property
    def gain(self) -> float:
        return sum(region.gain for region in self.regions)


@dataclass(frozen=True, slots=True)
class PageView:
    """The whole page."""

    summary: RunSummary
    counts: tuple[tuple[str, int, str], ...]
    """(status, pictures, sentence) in the page's order, empty ones left out."""

    kinds: tuple[tuple[str, int], ...]
    """Flaws found by kind, most frequent first."""

    cards: tuple[CardView, ...]
    took_s: float

    @property
    def attention(self) -> int:
        """Pictures that a person should look at."""
        return sum(card.outcome.status in ATTENTION for card in self.cards)


def view_page(summary: RunSummary) -> PageView:
    """Arrange a run for the page."""
    cards = [_view_card(outcome) for outcome in summary.outcomes]
    cards.sort(key=lambda card: (ORDER.index(card.outcome.status), card.outcome.key))
    counts = Counter(card.outcome.status for card in cards)
    kinds = Counter(row.kind for card in cards for row in card.flaws)
    return PageView(
        summary=summary,
        counts=tuple(
            (str(status), counts[status], SENTENCES[status])
            for status in ORDER
            if counts[status]
        ),
        kinds=tuple(sorted(kinds.items(), key=lambda item: (-item[1], item[0]))),
        cards=tuple(cards),
        took_s=sum(card.outcome.took_s for card in cards),
    )


def _view_card(outcome: Outcome) -> CardView:
    ranked = sorted(outcome.findings, key=lambda row: -row.confidence)
    regions = tuple(_view_region(choice, outcome) for choice in outcome.choices)
    return CardView(
        outcome=outcome,
        sentence=outcome.problem or SENTENCES[outcome.status],
        flaws=tuple(row for row in ranked if row.severity > Severity.NOTE),
        seen=tuple(row for row in ranked if row.severity <= Severity.NOTE),
        regions=regions,
    )


def _view_region(choice: Choice, outcome: Outcome) -> RegionView:
    tried = [
        VariationView(attempt, attempt.number == choice.winner)
        for attempt in outcome.attempts
        if (attempt.pass_number, attempt.patch) == (choice.pass_number, choice.patch)
    ]
    tried.sort(key=lambda view: _rank(view.attempt))
    return RegionView(choice, tuple(tried))


def _rank(attempt: Attempt) -> tuple[bool, float, int]:
    total = attempt.cost.total if attempt.cost else 0.0
    return attempt.cost is None, total, attempt.number


def percent(box: Box, size: Size) -> tuple[float, float, float, float]:
    """Return (x, y, width, height) of a box in percent of the picture, 0..100."""
    if not size.width or not size.height:
        return 0.0, 0.0, 0.0, 0.0
    return (
        100 * box.x0 / size.width,
        100 * box.y0 / size.height,
        100 * box.width / size.width,
        100 * box.height / size.height,
    )
