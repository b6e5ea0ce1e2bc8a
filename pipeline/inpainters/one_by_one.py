"""Serve an engine that paints one region at a time as if it had a batch."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.errors import PaintFailed
from pipeline.inpainters.contract import Inpainter, Made
from pipeline.records import Candidate, PaintRequest

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Turn:
    """A request, and how far it is."""

    request: PaintRequest
    candidates: Iterator[Candidate] | None = None
    drawn: int = 0


class OneByOne:
    """Paints requests in the order in which they came, and one candidate at a time."""

    def __init__(self, inpainter: Inpainter) -> None:
        self._inpainter = inpainter
        self._turns: dict[int, _Turn] = {}
        self._tickets = 0

    @property
    def room(self) -> bool:
        return not self._turns

    def submit(self, request: PaintRequest, *, preview_at: float = 0.0) -> int:
        """Take a request in; previews are not offered."""
        del preview_at
        self._tickets += 1
        self._turns[self._tickets] = _Turn(request)
        return self._tickets

    def advance(self) -> Sequence[Made]:
        """Paint the next candidate of the first request.

        When the engine gives up on a request, that is said once, as a failed candidate.
        """
        if not self._turns:
            return ()
        ticket, turn = next(iter(self._turns.items()))
        made = self._next(ticket, turn)
        if made.last:
            self.settle(ticket)
        return (made,)

    def settle(self, ticket: int) -> None:
        turn = self._turns.pop(ticket, None)
        close = getattr(turn.candidates if turn else None, "close", None)
        if close is not None:
            close()

    def drop(self, ticket: int, number: int, cost: float) -> None:
        """Do nothing: without previews there is nothing to drop."""

    def _next(self, ticket: int, turn: _Turn) -> Made:
        request = turn.request
        try:
            if turn.candidates is None:
                turn.candidates = iter(self._inpainter.paint(request))
            candidate = next(turn.candidates, None)
        except PaintFailed as error:
            return Made(ticket, given_up(request, turn.drawn, error), last=True)
        if candidate is None:
            return Made(ticket, None, last=True)
        turn.drawn += 1
        return Made(ticket, candidate)


def given_up(request: PaintRequest, drawn: int, error: PaintFailed) -> Candidate:
    """Return the one failed candidate that says that a region was not painted.

    Args:
        request: What was to be painted.
        drawn: How many candidates came before.
        error: Why no more will come.
    """
    log.warning("region %d was not painted: %s", request.patch.number, error)
    return Candidate(
        patch=request.patch.number,
        number=request.first_number + drawn,
        seed=request.seeds[min(drawn, len(request.seeds) - 1)],
        pixels=None,
        took_s=0.0,
        problem=str(error),
    )
