"""A batch that paints on while its caller judges."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from detectors.geometry import Box, Size
from pipeline.inpainters.ahead import Ahead
from pipeline.inpainters.contract import Made
from pipeline.inpainters.diffusion.slots import SlotBatch
from pipeline.records import Ask, Candidate, Flow, Outcome, PaintRequest, Reply, Status
from pipeline.runner.several import Several
from tests.pipeline.inpainters.slot_runs import finished, load, painter, region
from tests.pipeline.requests import paint_request

PATIENCE_S = 60.0
"""A thread that has not done its work by then is taken for one that hangs."""


@dataclass
class OneATurn:
    """Hands out one candidate a turn, of the first request that has any left."""

    fails_at: int | None = None
    turns: int = 0
    left: dict[int, list[Made]] = field(default_factory=dict)
    tickets: int = 0
    settled: list[int] = field(default_factory=list)
    moved: threading.Condition = field(default_factory=threading.Condition)
    inside: int = 0
    room: bool = True

    def submit(self, request: PaintRequest, *, preview_at: float = 0.0) -> int:
        del preview_at
        self._alone()
        self.tickets += 1
        made = [
            Made(self.tickets, Candidate(request.patch.number, n, seed, None, 0.1))
            for n, seed in enumerate(request.seeds)
        ]
        self.left[self.tickets] = [*made, Made(self.tickets, None, last=True)]
        return self.tickets

    def advance(self) -> Sequence[Made]:
        self.inside += 1
        self.turns += 1
        try:
            if self.turns == self.fails_at:
                raise MemoryError("no more room")
            made = [next(iter(self.left.values())).pop(0)] if self.left else []
            self.left = {ticket: each for ticket, each in self.left.items() if each}
            return made
        finally:
            self.inside -= 1
            with self.moved:
                self.moved.notify_all()

    def settle(self, ticket: int) -> None:
        self._alone()
        self.settled.append(ticket)
        self.left.pop(ticket, None)

    def drop(self, ticket: int, number: int, cost: float) -> None:
        raise AssertionError((ticket, number, cost))

    def _alone(self) -> None:
        assert self.inside == 0, "two threads are in the batch"


def asked(number: int, variations: int = 4) -> PaintRequest:
    box = Box(10, 10, 20, 20)
    made = paint_request(Size(40, 40), box, patch=number)
    return replace(made, seeds=tuple(range(variations)))


def to_the_last(ahead: Ahead) -> list[Made]:
    made: list[Made] = []
    while not made or not made[-1].last:
        made += ahead.advance()
    return made


def threads() -> int:
    return sum(thread.is_alive() for thread in threading.enumerate())


@pytest.mark.parametrize("sparing", [False, True])
def test_what_it_paints_is_the_same(
    families: Mapping[str, Path], sparing: bool
) -> None:
    engine = painter(load(families["sd-9"]))
    requests = [region(number) for number in range(3)]
    expected = finished(engine.slots(sparing=sparing), requests)

    shown = finished(Ahead(engine.slots(sparing=sparing)), requests)

    for number, candidates in expected.items():
        assert [c.number for c in shown[number]] == [c.number for c in candidates]
        for one, other in zip(shown[number], candidates, strict=True):
            assert one.pixels is not None
            assert other.pixels is not None
            assert np.abs(one.pixels.astype(int) - other.pixels).max() <= 1


def test_it_paints_while_the_caller_is_busy() -> None:
    batch = OneATurn()
    ahead = Ahead(batch)
    ahead.submit(asked(0))

    ahead.advance()

    # Nobody asks for more, and yet everything is painted.
    with batch.moved:
        assert batch.moved.wait_for(lambda: not batch.left, PATIENCE_S)


def test_trouble_reaches_the_caller_and_another_request_can_follow() -> None:
    batch = OneATurn(fails_at=2)
    ahead = Ahead(batch)
    ahead.submit(asked(0))
    with batch.moved:
        assert batch.moved.wait_for(lambda: batch.turns == 2, PATIENCE_S)

    (first,) = ahead.advance()
    assert first.candidate is not None
    with pytest.raises(MemoryError, match="no more room"):
        to_the_last(ahead)

    batch.left.clear()
    ticket = ahead.submit(asked(1))
    assert {made.ticket for made in to_the_last(ahead)} == {ticket}
    assert ahead.advance() == []


def test_when_all_is_settled_the_thread_has_ended() -> None:
    before, batch = threads(), OneATurn()
    ahead = Ahead(batch)
    tickets = [ahead.submit(asked(number, 500)) for number in range(2)]
    assert threads() == before + 1

    for ticket in tickets:
        ahead.settle(ticket)

    assert threads() == before
    assert batch.settled == tickets


def flow(number: int, enough_at: int, told: list[tuple[int, int]]) -> Flow:
    """Ask for two regions, twice; have enough of each at one of its candidates."""
    for _ in range(2):
        candidate = yield Ask((asked(2 * number), asked(2 * number + 1)))
        while candidate is not None:
            told.append((candidate.patch, candidate.number))
            enough = candidate.number == enough_at
            candidate = yield Reply.ENOUGH if enough else Reply.MORE
    return Outcome(str(number), "", Status.CLEAN)


@pytest.mark.parametrize("ahead", [False, True])
def test_flows_are_told_the_same_and_of_nothing_after_enough(ahead: bool) -> None:
    batch = OneATurn()
    several = Several[Outcome](Ahead(batch) if ahead else batch)
    told: list[list[tuple[int, int]]] = [[] for _ in range(40)]
    ended: list[Outcome] = []

    for number, mine in enumerate(told):
        ended += several.begin(flow(number, number % 4, mine))
        while several.under_way > 3:
            ended += several.turn()
    while several.under_way:
        ended += several.turn()

    assert len(ended) == len(told)
    for number, mine in enumerate(told):
        per_region = list(range(number % 4 + 1))
        for patch in (2 * number, 2 * number + 1):
            assert [n for at, n in mine if at == patch] == 2 * per_region


@pytest.mark.parametrize(("device", "kind"), [("cpu", SlotBatch), ("cuda", Ahead)])
def test_it_is_used_where_the_processor_has_nothing_else_to_do(
    families: Mapping[str, Path], device: str, kind: type
) -> None:
    model = replace(load(families["sd-4"]), device=torch.device(device))

    assert isinstance(painter(model).open(sparing=True), kind)
