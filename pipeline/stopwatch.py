"""Measure how long each stage of the work on one picture takes."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STAGES = ("load", "detect", "liken", "mask", "paint", "score", "save")
"""The order in which stages are told."""


OnStage = Callable[[str], None]
"""Is told the name of each stage as it begins; the deadlines of a worker rest on it."""


def nobody(_stage: str) -> None:
    """Hear what is told, and do nothing."""


class Stopwatch:
    """Adds up seconds by stage."""

    def __init__(self, on_stage: OnStage = nobody) -> None:
        self._on_stage = on_stage
        self._started = time.monotonic()
        self._waited_s = 0.0
        self._seconds = dict.fromkeys(STAGES, 0.0)

    def add(self, stage: str, took_s: float) -> None:
        """Count seconds that were measured elsewhere.

        Raises:
            KeyError: there is no such stage.
        """
        self._seconds[stage] += took_s

    def begin(self, stage: str) -> None:
        """Tell that a stage begins which is measured elsewhere."""
        self._on_stage(stage)

    @contextmanager
    def stage(self, stage: str) -> Iterator[None]:
        """Count the seconds that the block takes."""
        self._on_stage(stage)
        started = time.monotonic()
        try:
            yield
        finally:
            self.add(stage, time.monotonic() - started)

    def by_stage(self) -> tuple[tuple[str, float], ...]:
        """Return (stage, seconds) of the stages that took any time."""
        return tuple((name, took) for name, took in self._seconds.items() if took)

    @contextmanager
    def painting(self) -> Iterator[None]:
        """Leave what the block takes out of the total, where `add` counts for it.

        The engine may serve other pictures meanwhile, and measures what it does for
        this one.
        """
        started, counted = time.monotonic(), self._counted_s()
        try:
            yield
        finally:
            # Judging a preview in between is work on this picture.
            own_s = self._counted_s() - counted
            self._waited_s += max(0.0, time.monotonic() - started - own_s)

    def total_s(self) -> float:
        """Return the seconds spent on the picture: waiting for its turn is not."""
        passed_s = time.monotonic() - self._started
        return passed_s - self._waited_s + self._seconds["paint"]

    def _counted_s(self) -> float:
        return sum(self._seconds.values())

    def is_past(self, limit_s: float) -> bool:
        """Tell whether more than this time was spent; 0 is no limit."""
        return 0 < limit_s <= self.total_s()
