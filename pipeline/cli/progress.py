"""Show how a run comes along: a bar on a terminal, a plain line a minute elsewhere."""

import contextlib
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from tqdm import tqdm

from pipeline.cli.time_left import TimeLeft, spelled
from pipeline.records import Outcome, Status

EVERY_S = 60.0
LOOK_S = 5.0
"""How often it is looked whether a line is due though no picture was finished."""

_BAR = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"
"""As tqdm draws it, but with our own time left, which says how sure it is."""

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
        self,
        label: str,
        *,
        worst_first: bool = False,
        clock: Callable[[], float] = time.monotonic,
        look_s: float = LOOK_S,
    ) -> None:
        """Show nothing yet.

        Args:
            label: What is being done, such as "repair".
            worst_first: The pictures to come take less time than those that were.
            clock: A monotonic clock, in seconds.
            look_s: How often it is looked whether a line is due.
        """
        self._label = label
        self._worst_first = worst_first
        self._clock = clock
        self._bar: tqdm[Any] | None = None
        self._counts: Counter[str] = Counter()
        self._planned = self._finished = self._before = 0
        self._last = self._told = 0.0
        self._left = TimeLeft()
        self._look_s = look_s
        self._over = threading.Event()
        self._telling = threading.Lock()

    def started(self, planned: int, finished_before: int) -> None:
        """Begin; what earlier runs finished counts as done, not as speed."""
        self._planned, self._finished = planned, finished_before
        self._before = finished_before
        self._last = self._told = self._clock()
        self._left = TimeLeft()
        if sys.stderr.isatty():
            self._bar = tqdm(
                total=planned,
                initial=finished_before,
                desc=self._label,
                unit="picture",
                bar_format=_BAR,
                dynamic_ncols=True,
            )
        else:
            self._over = threading.Event()
            threading.Thread(
                target=self._look, args=(self._over,), daemon=True, name="progress"
            ).start()

    def finished(self, outcome: Outcome) -> None:
        """Count one picture."""
        with self._telling:
            self._finished += 1
            now = self._clock()
            self._left.note(now - self._last)
            self._last = now
            if outcome.status in _SHOWN:
                self._counts[_SHOWN[outcome.status]] += 1
        if self._bar is not None:
            words = filter(None, (self._time_left(), self._tally()))
            self._bar.set_postfix_str(", ".join(words), refresh=False)
            self._bar.update()
        else:
            self._tell_if_due()

    def ended(self) -> None:
        """Leave the last state standing."""
        self._over.set()
        if self._bar is not None:
            self._bar.close()
        elif self._finished > self._before:
            self._print(self._where())

    def _look(self, over: threading.Event) -> None:
        """Tell once a minute also while one picture takes long."""
        while not over.wait(self._look_s):
            self._tell_if_due()

    def _tell_if_due(self) -> None:
        with self._telling:
            now = self._clock()
            if self._over.is_set() or now - self._told < EVERY_S:
                return
            self._told = now
            idle_s = now - self._last
            idle = f"none for {spelled(idle_s)}" if idle_s >= EVERY_S else ""
            words = (self._where(), idle, self._time_left())
            self._print("; ".join(filter(None, words)))

    def _print(self, line: str) -> None:
        # A terminal that was closed ends the run by its signal, not by its silence.
        with contextlib.suppress(OSError):
            print(line, file=sys.stderr, flush=True)

    def _tally(self) -> str:
        return ", ".join(f"{name} {count}" for name, count in self._counts.items())

    def _time_left(self) -> str:
        to_do = self._planned - self._finished
        return self._left.told(to_do, falling=self._worst_first)

    def _where(self) -> str:
        done = f"{self._label}: {self._finished} of {self._planned} pictures"
        return "; ".join(filter(None, (done, self._tally())))
