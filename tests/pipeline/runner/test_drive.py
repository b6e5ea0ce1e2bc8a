"""The driver paints what is asked for, and no more."""

from collections.abc import Generator

import pytest

from detectors.geometry import Box, Size
from pipeline.records import (
    Ask,
    Candidate,
    Flow,
    FlowStep,
    Outcome,
    PaintRequest,
    Reply,
    Status,
)
from pipeline.runner.drive import drive
from tests.pipeline.requests import paint_request
from tests.support.fakes import FakeInpainter

DONE = Outcome(key="a.png", digest="", status=Status.CLEAN)
SIZE = Size(40, 40)


def _asking(
    requests: list[PaintRequest], enough_at: int | None, seen: list[Candidate]
) -> Flow:
    received = yield Ask(tuple(requests))
    while received is not None:
        seen.append(received)
        reply = Reply.ENOUGH if received.number == enough_at else Reply.MORE
        received = yield reply
    return DONE


def _requests(count: int) -> list[PaintRequest]:
    return [paint_request(SIZE, Box(10, 10, 20, 20), patch=n) for n in range(count)]


def test_a_flow_that_asks_for_nothing_returns_at_once() -> None:
    def silent() -> Generator[FlowStep, Candidate | None, Outcome]:
        return DONE
        yield

    inpainter = FakeInpainter()

    assert drive(silent(), inpainter) is DONE
    assert inpainter.painted == []


def test_every_seed_of_every_region_is_painted_in_order() -> None:
    seen: list[Candidate] = []

    assert drive(_asking(_requests(2), None, seen), FakeInpainter()) is DONE
    assert [(c.patch, c.number) for c in seen] == [
        (patch, number) for patch in range(2) for number in range(4)
    ]


def test_what_the_flow_has_enough_of_is_not_painted() -> None:
    seen: list[Candidate] = []
    inpainter = FakeInpainter()

    drive(_asking(_requests(2), 1, seen), inpainter)

    assert [(patch, number) for patch, number, _ in inpainter.painted] == [
        (0, 0),
        (0, 1),
        (1, 0),
        (1, 1),
    ]


def test_an_engine_that_gives_up_costs_that_region_only() -> None:
    seen: list[Candidate] = []
    inpainter = FakeInpainter(gives_up_on=frozenset({0}))

    drive(_asking(_requests(2), None, seen), inpainter)

    assert (seen[0].patch, seen[0].problem) == (0, "there is no paint left")
    assert len(seen) == 1 + 4


def test_any_other_trouble_ends_the_flow_and_lets_it_clean_up() -> None:
    closed: list[bool] = []

    def tidy() -> Flow:
        try:
            yield Ask(tuple(_requests(1)))
        finally:
            closed.append(True)
        return DONE

    def explode(request: PaintRequest, number: int) -> str:
        raise MemoryError("no room for the network")

    with pytest.raises(MemoryError, match="no room"):
        drive(tidy(), FakeInpainter(explode))

    assert closed == [True]
