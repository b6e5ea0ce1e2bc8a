"""Drop candidates whose preview promises little, once previews have proved to tell.

What a preview costs says something of what the finished candidate will cost: how much
depends on model, motif and step, so the run finds out for itself. Simulated (200 000
draws): below a correlation of about 0.4 dropping by rank gains nothing against painting
fewer candidates from the start; from 0.7 it saves much.
"""

import logging
import statistics

log = logging.getLogger(__name__)

LEAST_CORRELATION = 0.4
"""Below this, previews are given up for the rest of the run."""


class EarlyGate:
    """Learns from the candidates of one run, and then decides on previews."""

    def __init__(self, at_share: float, keep_share: float, learn_from: int) -> None:
        """Start without any experience; until there is, nothing is dropped.

        Args:
            at_share: The share of its steps after which a candidate is previewed, 0..1.
            keep_share: The share of previews that go on, the cheaper ones, 0..1.
            learn_from: Finished candidates that the correlation is taken from.
        """
        self._at_share = at_share
        self._keep_share = keep_share
        self._learn_from = max(3, learn_from)
        self._open: dict[tuple[int, int], float] = {}
        self._pairs: list[tuple[float, float]] = []
        self.correlation: float | None = None
        """Of the costs of previews and finished candidates; None while unknown."""

        self.dropped = 0

    @property
    def preview_at(self) -> float:
        """The share of steps for previews; 0 once they have proved to tell nothing."""
        useless = self.correlation is not None and not self.acts
        return 0.0 if useless else self._at_share

    @property
    def acts(self) -> bool:
        """Tell whether previews have proved to tell something."""
        return self.correlation is not None and self.correlation >= LEAST_CORRELATION

    def lets_on(self, ticket: int, number: int, cost: float) -> bool:
        """Tell whether a candidate may go on.

        Args:
            ticket: Of the region.
            number: Of the candidate.
            cost: By how much its preview costs more than the original.
        """
        if not self.acts:
            self._open[ticket, number] = cost
            return True
        # The previews of candidates that were finished: those of dropped ones are not
        # among them, or the bar would rise with every one that is dropped.
        known = sorted(preview for preview, _ in self._pairs)
        worst = known[min(len(known) - 1, int(self._keep_share * len(known)))]
        if cost <= worst:
            return True
        self.dropped += 1
        return False

    def finished(self, ticket: int, number: int, cost: float | None) -> None:
        """Learn what a candidate costs in the end, over the original."""
        preview = self._open.pop((ticket, number), None)
        if preview is None or cost is None or self.correlation is not None:
            return
        self._pairs.append((preview, cost))
        if len(self._pairs) >= self._learn_from:
            self.correlation = _correlation(self._pairs)
            log.info(
                "previews at %.0f %% of the steps correlate by %.2f with the end: %s",
                100 * self._at_share,
                self.correlation,
                "the worst are dropped from now on" if self.acts else "given up",
            )


def _correlation(pairs: list[tuple[float, float]]) -> float:
    """Return Pearson's correlation; 0 where one side never varies."""
    previews, ends = zip(*pairs, strict=True)
    try:
        return statistics.correlation(previews, ends)
    except statistics.StatisticsError:
        return 0.0
