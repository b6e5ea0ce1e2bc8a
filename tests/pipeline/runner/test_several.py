"""Several flows share one engine, and each is told of its own only."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from detectors.geometry import Box, Size
from pipeline.errors import PaintFailed, Stopped
from pipeline.inpainters.contract import Made
from pipeline.inpainters.one_by_one import OneByOne
from pipeline.records import Ask, Candidate, Flow, Outcome, PaintRequest, Reply, Status
from pipeline.runner.early_gate import EarlyGate
from pipeline.runner.several import Several
from tests.pipeline.requests import paint_request
from tests.support.fakes import FakeInpainter

SIZE = Size(40, 40)


def ended(key: str, problem: str = "") -> Outcome:
    return Outcome(key, "", Status.CLEAN, problem=problem)


def asking(
    key: str,
    regions: int = 1,
    *,
    enough_at: int | None = None,
    seen: list[Candidate] | None = None,
    appraise: Callable[[Candidate], float | None] | None = None,
    explode_at: int | None = None,
) -> Flow:
    """Ask for regions once, and end; trouble becomes the outcome's problem."""
    told = [] if seen is None else seen
    requests = [
        paint_request(SIZE, Box(10, 10, 20, 20), patch=n) for n in range(regions)
    ]
    try:
        got = yield Ask(tuple(requests), appraise)
        while got is not None:
            told.append(got)
            if got.number == explode_at:
                raise ZeroDivisionError("a bug")
            got = yield Reply.ENOUGH if got.number == enough_at else Reply.MORE
    except (ZeroDivisionError, MemoryError) as error:
        return ended(key, str(error))
    return ended(key)


@dataclass
class FakeBatch:
    """Hands out one candidate of every request per turn, last request first."""

    refuses: frozenset[int] = frozenset()
    breaks_after: int | None = None
    works: dict[int, list[Made]] = field(default_factory=dict)
    settled: list[int] = field(default_factory=list)
    dropped: list[tuple[int, int]] = field(default_factory=list)
    previews_at: list[float] = field(default_factory=list)
    turns: int = 0
    room: bool = True

    def submit(self, request: PaintRequest, *, preview_at: float = 0.0) -> int:
        ticket = len(self.previews_at) + 1
        self.previews_at.append(preview_at)
        if ticket in self.refuses:
            raise PaintFailed("there is no paint left")
        made: list[Made] = []
        for number, seed in enumerate(request.seeds, request.first_number):
            shown = Candidate(request.patch.number, number, seed, request.pixels, 0.1)
            if preview_at:
                made.append(Made(ticket, shown, preview=True))
            made.append(Made(ticket, shown))
        self.works[ticket] = [*made, Made(ticket, None, last=True)]
        return ticket

    def advance(self) -> Sequence[Made]:
        self.turns += 1
        if self.turns == self.breaks_after:
            raise MemoryError("the engine is on fire")
        return [self.works[ticket].pop(0) for ticket in sorted(self.works)[::-1]]

    def settle(self, ticket: int) -> None:
        self.works.pop(ticket, None)
        self.settled.append(ticket)

    def drop(self, ticket: int, number: int, cost: float) -> None:
        self.dropped.append((ticket, number))


def all_of(several: Several[Outcome], flows: Sequence[Flow]) -> list[Outcome]:
    found = [end for flow in flows for end in several.begin(flow)]
    for _ in range(100):
        if not several.under_way:
            return found
        found += several.turn()
    raise AssertionError("it hangs")


def test_each_flow_is_told_of_its_own_candidates_in_order() -> None:
    seen: list[list[Candidate]] = [[], [], []]
    flows = [asking(str(n), regions=n + 1, seen=seen[n]) for n in range(3)]

    found = all_of(Several(FakeBatch()), flows)

    assert {one.key for one in found} == {"0", "1", "2"}
    for count, told in enumerate(seen, 1):
        assert {c.patch for c in told} == set(range(count))
        for patch in range(count):
            assert [c.number for c in told if c.patch == patch] == [0, 1, 2, 3]


def test_a_region_that_has_enough_is_settled_and_told_nothing_more() -> None:
    batch, seen = FakeBatch(), list[Candidate]()

    all_of(Several(batch), [asking("a", 2, enough_at=1, seen=seen)])

    assert sorted(batch.settled) == [1, 2]
    assert [c.number for c in seen] == [0, 0, 1, 1]


def test_a_region_that_is_refused_costs_that_region_only() -> None:
    batch, seen = FakeBatch(refuses=frozenset({1})), list[Candidate]()

    found = all_of(Several(batch), [asking("a", 2, seen=seen), asking("b")])

    assert [c.problem for c in seen if c.patch == 0] == ["there is no paint left"]
    assert len([c for c in seen if c.patch == 1]) == 4
    assert all(one.problem == "" for one in found)


def test_a_flow_that_gets_nothing_painted_ends_at_once() -> None:
    several = Several[Outcome](FakeBatch(refuses=frozenset({1})))

    assert [one.key for one in several.begin(asking("a"))] == ["a"]
    assert several.under_way == 0


def test_trouble_with_one_picture_leaves_the_others_alone() -> None:
    batch = FakeBatch()

    found = all_of(Several(batch), [asking("a", 2, explode_at=1), asking("b")])

    assert {one.key: one.problem for one in found} == {"a": "a bug", "b": ""}
    assert batch.works == {}


def test_trouble_of_the_engine_itself_is_raised_inside_every_flow() -> None:
    found = all_of(Several(FakeBatch(breaks_after=2)), [asking("a"), asking("b")])

    assert [one.problem for one in found] == ["the engine is on fire"] * 2


def test_what_ends_the_run_is_not_kept_in_a_flow() -> None:
    def stopping() -> Flow:
        yield Ask((paint_request(SIZE, Box(10, 10, 20, 20)),))
        raise Stopped("the disk is full")

    several = Several[Outcome](FakeBatch())

    with pytest.raises(Stopped):
        all_of(several, [asking("a"), stopping()])
    several.close()


def test_closing_lets_what_is_under_way_clean_up() -> None:
    tidied: list[str] = []

    def tidy() -> Flow:
        try:
            yield Ask((paint_request(SIZE, Box(10, 10, 20, 20)),))
        finally:
            tidied.append("a")
        return ended("a")

    batch = FakeBatch()
    several = Several[Outcome](batch)
    several.begin(tidy())

    several.close()

    assert tidied == ["a"]
    assert batch.works == {}
    assert several.under_way == 0


def test_a_flow_that_asks_without_an_engine_is_told_so() -> None:
    with pytest.raises(ValueError, match="no engine"):
        Several[Outcome](None).begin(asking("a"))


def test_an_engine_without_a_batch_serves_one_region_after_the_other() -> None:
    engine = FakeInpainter()

    all_of(Several(OneByOne(engine)), [asking("a", 2, enough_at=0)])

    assert [(patch, number) for patch, number, _ in engine.painted] == [(0, 0), (1, 0)]


def test_previews_are_asked_for_until_they_prove_to_tell_nothing() -> None:
    gate, batch = EarlyGate(0.25, 0.5, 8), FakeBatch()
    costs = iter([3.0, 1.0, 1.0, 3.0] * 100)
    several = Several[Outcome](batch, gate)

    for _ in range(4):
        all_of(several, [asking("a", 1, appraise=lambda _: next(costs))])

    assert batch.previews_at == [0.25, 0.25, 0.0, 0.0]
    assert batch.dropped == []


def test_the_worst_previews_are_dropped_once_previews_have_proved_to_tell() -> None:
    gate, batch = EarlyGate(0.25, 0.5, 8), FakeBatch()
    several = Several[Outcome](batch, gate)

    def appraise(shown: Candidate) -> float:
        return float(shown.number)

    for _ in range(3):
        all_of(several, [asking("a", 1, appraise=appraise)])

    assert gate.correlation == pytest.approx(1.0)
    assert batch.dropped == [(3, 3)]
    assert gate.dropped == 1


def test_a_preview_that_cannot_be_judged_drops_nothing() -> None:
    gate, batch = EarlyGate(0.25, 0.5, 8), FakeBatch()

    all_of(Several(batch, gate), [asking("a", 3, appraise=lambda _: None)])

    assert batch.dropped == []
    assert gate.correlation is None
