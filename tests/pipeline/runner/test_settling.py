"""A file is taken once it has stopped changing, and once only."""

from pathlib import Path

from pipeline.ledger.rows import Stamp
from pipeline.runner.settling import Settling

A, B = Path("/in/a.png"), Path("/in/b.png")
LONG_AGO, NOW_NS = 0, 1_000_000 * 10**9


class Clock:
    def __init__(self) -> None:
        self.now = 500.0

    def __call__(self) -> float:
        return self.now


def test_what_lay_there_before_is_taken_at_once() -> None:
    settling = Settling(3.0, clock=Clock())

    assert settling.look({A: Stamp(9, LONG_AGO)}, NOW_NS) == (A,)


def test_what_is_young_or_of_tomorrow_has_to_stay_the_same_first() -> None:
    clock = Clock()
    settling = Settling(3.0, clock=clock)
    there = {A: Stamp(9, NOW_NS - 10**9), B: Stamp(9, NOW_NS + 10**12)}

    first = settling.look(there, NOW_NS)
    clock.now += 2.5
    second = settling.look(there, NOW_NS)
    clock.now += 1
    third = settling.look(there, NOW_NS)

    assert (first, second, third) == ((), (A,), (A, B))


def test_a_file_that_grows_waits_until_it_is_whole() -> None:
    clock = Clock()
    settling = Settling(3.0, clock=clock)
    settling.look({}, NOW_NS)
    taken = []

    for size in (1, 5, 9, 9, 9):
        taken.append(settling.look({A: Stamp(size, LONG_AGO)}, NOW_NS))
        clock.now += 2

    assert taken == [(), (), (), (), (A,)]


def test_what_is_done_comes_again_only_when_it_changes() -> None:
    clock = Clock()
    settling = Settling(3.0, clock=clock)
    settling.look({A: Stamp(9, LONG_AGO)}, NOW_NS)
    settling.done(A)

    same = settling.look({A: Stamp(9, LONG_AGO)}, NOW_NS)
    settling.look({A: Stamp(9, LONG_AGO + 1)}, NOW_NS)
    clock.now += 4

    assert same == ()
    assert settling.look({A: Stamp(9, LONG_AGO + 1)}, NOW_NS) == (A,)


def test_what_is_gone_is_forgotten_and_looked_at_when_it_is_back() -> None:
    clock = Clock()
    settling = Settling(3.0, clock=clock)
    settling.look({A: Stamp(9, LONG_AGO)}, NOW_NS)
    settling.done(A)

    settling.look({}, NOW_NS)
    settling.done(A)
    settling.look({A: Stamp(9, LONG_AGO)}, NOW_NS)
    clock.now += 4

    assert settling.look({A: Stamp(9, LONG_AGO)}, NOW_NS) == (A,)


def test_it_says_when_to_look_again() -> None:
    clock = Clock()
    settling = Settling(3.0, clock=clock)
    settling.look({}, NOW_NS)
    nothing = settling.next_s()
    settling.look({A: Stamp(9, LONG_AGO)}, NOW_NS)
    clock.now += 1

    assert nothing is None
    assert settling.next_s() == 2.0
    clock.now += 5
    assert settling.next_s() == 0.0
