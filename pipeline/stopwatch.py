"""Measure how long each stage of the work on one picture takes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

STAGES = ("load", "detect", "mask", "paint", "score", "save")
"""The order in which stages are told."""


class Stopwatch:
    """Adds up seconds by stage."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._seconds = dict.fromkeys(STAGES, 0.0)

    def add(self, stage: str, took_s: float) -> None:
        """Count seconds that were measured elsewhere.

        Raises:
            KeyError: there is no such stage.
        """
        self._seconds[stage] += took_s

    @contextmanager
    def stage(self, stage: str) -> Iterator[None]:
        """Count the seconds that the block takes."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.add(stage, time.monotonic() - started)

    def by_stage(self) -> tuple[tuple[str, float], ...]:
        """Return (stage, seconds) of the stages that took any time."""
        return tuple((name, took) for name, took in self._seconds.items() if took)

    def total_s(self) -> float:
        """Return the seconds since this stopwatch was made."""
        return time.monotonic() - self._started
