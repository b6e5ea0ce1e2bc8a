"""Turn the flows of several pictures over one engine.

A flow asks for regions to be painted and is told of each candidate. Whose turn it is
depends on what the engine finishes; what comes of a picture does not, since each flow
is told of a region's candidates in the order of their numbers.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Generic, TypeVar, cast

from pipeline.errors import PaintFailed
from pipeline.inpainters.contract import Batch, Made
from pipeline.inpainters.one_by_one import given_up
from pipeline.records import Ask, Candidate, FlowStep, Reply
from pipeline.runner.early_gate import EarlyGate

End = TypeVar("End")


@dataclass(slots=True, eq=False)
class _UnderWay(Generic[End]):
    """One picture that is being worked on."""

    flow: Generator[FlowStep, Candidate | None, End]
    ask: Ask | None = None
    tickets: set[int] = field(default_factory=set)
    """Of what it asked for and may still be told of."""


class Several(Generic[End]):
    """Flows side by side; each ends with something, such as an outcome."""

    def __init__(self, batch: Batch | None, gate: EarlyGate | None = None) -> None:
        """Start with none.

        Args:
            batch: Paints; None where no flow will ask for anything.
            gate: Decides on previews; None leaves them out.
        """
        self._batch = batch
        self._gate = gate
        self._flows: list[_UnderWay[End]] = []
        self._by_ticket: dict[int, _UnderWay[End]] = {}

    @property
    def under_way(self) -> int:
        """How many flows have begun and not ended."""
        return len(self._flows)

    @property
    def room(self) -> bool:
        """Tell whether another flow would help to keep the engine busy."""
        return self._batch is None or self._batch.room

    def begin(self, flow: Generator[FlowStep, Candidate | None, End]) -> list[End]:
        """Take a flow in; return what it ended with, if it asks for nothing.

        Raises:
            What the flow raises.
        """
        one = _UnderWay(flow)
        self._flows.append(one)
        return self._resume(one)

    def turn(self) -> list[End]:
        """Let the engine work for a moment; return what the flows ended with by it.

        Trouble of the engine that belongs to no request is raised inside every flow.

        Raises:
            What a flow raises.
        """
        if self._batch is None:
            return []
        try:
            made = self._batch.advance()
        except Exception as error:  # noqa: BLE001  raised again, inside the flows
            return [end for one in list(self._flows) for end in self._blame(one, error)]
        return [end for each in made for end in self._tell(each)]

    def close(self) -> None:
        """Break off what is under way; each flow cleans up behind itself."""
        for one in self._flows:
            one.flow.close()
        for ticket in list(self._by_ticket):
            self._settle(ticket)
        self._flows.clear()

    def _resume(self, one: _UnderWay[End]) -> list[End]:
        """Run a flow on to where something is being painted for it, or to its end."""
        try:
            step = one.flow.send(None)
            while not self._submit(one, cast(Ask, step)):
                step = one.flow.send(None)
        except StopIteration as end:
            return self._ended(one, end)
        return []

    def _submit(self, one: _UnderWay[End], ask: Ask) -> bool:
        """Hand in all that a flow asks for; False when none of it can be painted."""
        if self._batch is None:
            raise ValueError("there is no engine to paint what a flow asks for")
        one.ask = ask
        preview_at = self._gate.preview_at if self._gate else 0.0
        for request in ask.requests:
            try:
                ticket = self._batch.submit(request, preview_at=preview_at)
            except PaintFailed as error:
                one.flow.send(given_up(request, 0, error))
            except Exception as error:
                one.flow.throw(error)
                raise
            else:
                one.tickets.add(ticket)
                self._by_ticket[ticket] = one
        return bool(one.tickets)

    def _tell(self, made: Made) -> list[End]:
        """Pass on what was made, and what the flow answers."""
        one = self._by_ticket.get(made.ticket)
        if one is None:
            return []
        try:
            if made.preview:
                self._weigh(one, made)
            elif made.candidate is not None:
                self._deliver(one, made.ticket, made.candidate)
        except StopIteration as end:
            return self._ended(one, end)
        if made.last:
            self._settle(made.ticket)
        return [] if one.tickets else self._resume(one)

    def _deliver(self, one: _UnderWay[End], ticket: int, candidate: Candidate) -> None:
        reply = one.flow.send(candidate)
        if self._gate is not None and candidate.pixels is not None:
            cost = self._appraised(one, candidate)
            self._gate.finished(ticket, candidate.number, cost)
        if reply is Reply.ENOUGH:
            self._settle(ticket)

    def _weigh(self, one: _UnderWay[End], made: Made) -> None:
        """Show a preview, and drop its candidate when it is one of the worst."""
        if self._gate is None or self._batch is None or made.candidate is None:
            return
        cost = self._appraised(one, made.candidate)
        number = made.candidate.number
        if cost is not None and not self._gate.lets_on(made.ticket, number, cost):
            self._batch.drop(made.ticket, number, cost)

    def _appraised(self, one: _UnderWay[End], candidate: Candidate) -> float | None:
        appraise = one.ask.appraise if one.ask is not None else None
        if appraise is None:
            return None
        try:
            return appraise(candidate)
        except Exception as error:
            one.flow.throw(error)
            raise

    def _blame(self, one: _UnderWay[End], error: Exception) -> list[End]:
        try:
            one.flow.throw(error)
        except StopIteration as end:
            return self._ended(one, end)
        raise error

    def _settle(self, ticket: int) -> None:
        one = self._by_ticket.pop(ticket, None)
        if one is not None:
            one.tickets.discard(ticket)
        if self._batch is not None:
            self._batch.settle(ticket)

    def _ended(self, one: _UnderWay[End], end: StopIteration) -> list[End]:
        for ticket in list(one.tickets):
            self._settle(ticket)
        self._flows.remove(one)
        return [cast(End, end.value)]
