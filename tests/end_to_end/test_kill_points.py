"""A run killed before any step that changes the disk ends, resumed, like any other.

Some points of the run are tried here; `make torture` tries a thousand by the same code.
"""

from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest

from tests.support import strace
from tests.torture import kills
from tests.torture.deaths import BySteps, BySystemCalls
from tests.torture.forked import workplace
from tests.torture.scenes import Scene, both, undisturbed

SAMPLE = 12


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Threads of OpenCV do not survive a fork."""
    cv2.setNumThreads(0)


@pytest.fixture
def folder() -> Iterator[Path]:
    with workplace() as made:
        yield made


def test_a_run_killed_before_any_step_loses_nothing(folder: Path) -> None:
    row = kills.points(SAMPLE, folder, BySteps())

    assert row.tried == SAMPLE
    assert row.kept, row.broken


def test_a_run_killed_before_any_system_call_loses_nothing(folder: Path) -> None:
    if strace.why_not():
        pytest.skip(strace.why_not())

    row = kills.points(SAMPLE, folder, BySystemCalls())

    assert row.tried == SAMPLE
    assert row.kept, row.broken


def test_a_run_killed_at_any_moment_loses_nothing(folder: Path) -> None:
    row = kills.moments(6, folder)

    assert row.kept, row.broken


def test_the_points_are_those_of_publishing_and_of_the_ledger(folder: Path) -> None:
    """Were a run to die only at its beginning, nothing would be proved."""
    new, again = both(folder, 3)
    undisturbed(new)

    steps = BySteps().points(new)
    assert len(steps) > 60
    if strace.why_not():
        return
    new.reset()
    names = {call.name for scene in (new, again) for call in all_calls(scene)}
    assert {"link", "rename", "fsync", "pwrite64", "unlink", "mkdir"} <= names


def all_calls(scene: Scene) -> list[strace.Call]:
    return BySystemCalls().points(scene)
