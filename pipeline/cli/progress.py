"""Show how a run comes along: a bar on a terminal, a plain line a minute elsewhere."""

import contextlib
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from tqdm import tqdm

from pipeline.records import Outcome, Status

EVERY_S = 60.0
SMOOTHING = 0.02
"""Weight of the newest picture in the rate; clean pictures are much faster than flawed
ones, so a livelier rate would make the time left jump."""

_SHOWN = {
    Status.REPAIRED: "repaired",
    Status.FLAWED: "flawed",
    Status.KEPT: "kept",
    Status.UNREADABLE: "failed",
    Status.FAILED: "failed",
    Status.QUARANTINED: "failed",
}


class Progress:
    """Meets `pipeline.runner.contract.Observer`."""

    def __init__(
        self, label: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Show nothing yet.

        Args:
            label: What is being done, such as "repair".
            clock: A monotonic clock, in seconds.
        """
        self._label = label
        self._clock = clock
        self._bar: tqdm[Any] | None = None
        self._counts: Counter[str] = Counter()
        self._planned = self._finished = self._before = 0
        self._began = self._told = 0.0

    def started(self, planned: int, finished_before: int) -> None:
        """Begin; what earlier runs finished counts as done, not as speed."""
        self._planned, self._finished = planned, finished_before
        self._before = finished_before
        self._began = self._told = self._clock()
        if sys.stderr.isatty():
            self._bar = tqdm(
                total=planned,
                initial=finished_before,
                desc=self._label,
                unit="picture",
                smoothing=SMOOTHING,
                dynamic_ncols=True,
            )

    def finished(self, outcome: Outcome) -> None:
        """Count one picture."""
        self._finished += 1
        if outcome.status in _SHOWN:
            self._counts[_SHOWN[outcome.status]] += 1
        if self._bar is not None:
            self._bar.set_postfix_str(self._tally(), refresh=False)
            self._bar.update()
        elif self._clock() - self._told >= EVERY_S:
            self._told = self._clock()
            self._print_line()

    def ended(self) -> None:
        """Leave the last state standing."""
        if self._bar is not None:
            self._bar.close()
        elif self._finished > self._before:
            self._print_line()

    def _print_line(self) -> None:
        # A terminal that was closed ends the run by its signal, not by its silence.
        with contextlib.suppress(OSError):
            print(self._line(), file=sys.stderr, flush=True)

    def _tally(self) -> str:
        return ", ".join(f"{name} {count}" for name, count in self._counts.items())

    def _line(self) -> str:
        worked = self._finished - self._before
        left_s = (
            (self._clock() - self._began) / worked * (self._planned - self._finished)
        )
        parts = [f"{self._label}: {self._finished} of {self._planned} pictures"]
        if self._counts:
            parts.append(self._tally())
        if left_s:
            parts.append(f"about {tqdm.format_interval(left_s)} left")
        return "; ".join(parts)
