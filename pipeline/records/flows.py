"""What the flow of one picture and whoever drives it say to each other."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from pipeline.records.outcomes import Outcome
from pipeline.records.painting import Candidate, PaintRequest


class Reply(StrEnum):
    """What the flow answers to a candidate."""

    MORE = "more"
    ENOUGH = "enough"


@dataclass(frozen=True, slots=True, eq=False)
class Ask:
    """The flow wants these painted; their covers do not overlap."""

    requests: tuple[PaintRequest, ...]
    appraise: Callable[[Candidate], float | None] | None = None
    """Tells by how much a candidate, or the preview of one, costs more than the
    original, and takes no note of it; negative is better, None when nobody can tell."""


FlowStep: TypeAlias = Ask | Reply
Flow: TypeAlias = Generator[FlowStep, Candidate | None, Outcome]
"""The work on one picture.

It yields an `Ask`; is sent each candidate as it is finished, in any order, and answers
each with a `Reply` for that candidate's patch; is sent None when nothing more will come
of this `Ask`; and then yields the next `Ask`, or returns the `Outcome`.
"""
