"""What people decided in reviews, as an excuse: a flaw that is none does not count."""

from collections.abc import Iterable

from detectors.geometry import Box
from pipeline.gate.problem import Problem
from pipeline.records import Decision


class Decided:
    """The decisions of a ledger, by content."""

    def __init__(self, decisions: Iterable[Decision]) -> None:
        self._by_digest = {one.digest: one for one in decisions if one.digest}

    def reason_for(self, problem: Problem) -> str:
        """Return why a problem does not count; "" when it does."""
        decision = self._by_digest.get(problem.digest)
        if decision is None or problem.unjudged:
            return ""
        box = problem.box or Box.whole(problem.size)
        if not decision.excuses(problem.rule.kind, box):
            return ""
        return f"review: {decision.note}" if decision.note else "review"
