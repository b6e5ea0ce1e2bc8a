"""The promises about a night in their reduced form; the full one is `make torture`.

What is not here has tests of its own: kill points in test_kill_points.py, poison in
test_executors.py, who takes a dead worker's place in test_processes.py, and the
branches that coverage counts are those of all tests.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import pytest

from tests.torture import damaged, faults, power, scale, soak, starts
from tests.torture.forked import workplace
from tests.torture.rows import Row, bounded, counted

REDUCED: dict[str, tuple[Callable[[float, Path], list[Row]], float]] = {
    "faults": (faults.run, 0.04),
    "damaged": (damaged.run, 0.01),
    "power": (power.run, 0.04),
    "starts": (starts.run, 0.02),
    "scale": (scale.large, 0.01),
}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Threads of OpenCV do not survive a fork."""
    cv2.setNumThreads(0)


@pytest.fixture
def folder() -> Iterator[Path]:
    with workplace() as made:
        yield made


@pytest.mark.parametrize("name", REDUCED)
def test_the_promise_holds(name: str, folder: Path) -> None:
    run, share = REDUCED[name]

    rows = run(share, folder)

    for row in rows:
        assert row.kept, (row.promise, row.broken)
    if all(row.skipped for row in rows):
        pytest.skip(rows[0].skipped)


def test_nothing_stays_open_after_a_picture(folder: Path) -> None:
    """The memory needs thousands of pictures to tell; files and threads do not."""
    memory, steady = soak.run(0.004, folder)

    assert steady.kept, steady.broken
    assert memory.tried or memory.skipped


def test_the_ledger_takes_a_small_share_of_a_second(folder: Path) -> None:
    """The cheapest repair of our samples takes more than a second.

    The full form times both by the clock on the wall; here the machine may be busy.
    """
    assert scale.ledger_s(folder, 20, time.process_time) < 0.01


def test_a_table_without_any_try_is_no_proof() -> None:
    assert not counted("nothing was tried", 0, []).kept
    assert not counted("one of two", 2, ["no"]).kept
    assert not bounded("too much", 2.0, 1.0, "s").kept
    assert Row("no such machine", 0, 0, skipped="no mount").kept
