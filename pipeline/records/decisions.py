"""What a person decided about a picture after looking at its report."""

from dataclasses import dataclass
from typing import Literal

from detectors.geometry import Box
from pipeline.records.outcomes import Outcome

Verdict = Literal["", "accept", "reject"]
"""As it is now is fine; or the original is to be kept; "" says neither."""

SAME_PLACE = 0.5
"""Overlap (IoU) from which a finding is the one that a decision speaks of."""


@dataclass(frozen=True, slots=True)
class Pick:
    """Which variation of one region is to be taken."""

    pass_number: int
    patch: int
    number: int | None
    """The variation's number; None keeps what was there before."""


@dataclass(frozen=True, slots=True)
class NotAFlaw:
    """One finding that is none."""

    kind: str
    box: Box
    """In pixels of the upright picture."""


@dataclass(frozen=True, slots=True)
class Decision:
    """All that a person decided about one picture; a later one replaces it."""

    key: str
    digest: str
    """Of the original file: what is remembered holds for its content, wherever."""

    verdict: Verdict = ""
    picks: tuple[Pick, ...] = ()
    not_flaws: tuple[NotAFlaw, ...] = ()
    note: str = ""
    decided: str = ""
    """ISO 8601 with offset."""

    @property
    def empty(self) -> bool:
        """Tell whether everything is left to the machine again."""
        return not (self.verdict or self.picks or self.not_flaws)

    @property
    def settled(self) -> bool:
        """Tell whether the published picture is to stay as the person left it."""
        return bool(self.verdict or self.picks)

    def excuses(self, kind: str, box: Box | None) -> bool:
        """Tell whether a finding does not count any more.

        Args:
            kind: The finding's kind.
            box: Where, in pixels of the upright picture; None for the whole picture.
        """
        if self.verdict == "accept":
            return True
        return any(
            one.kind == kind
            and box is not None
            and (one.box == box or one.box.overlap(box) >= SAME_PLACE)
            for one in self.not_flaws
        )


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What a run has to know of a picture that a person decided about."""

    decision: Decision
    outcome: Outcome | None = None
    """How the picture stands by that decision, its file published; None where it is
    not."""
