"""Tell which files of a folder have stopped changing."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from pipeline.ledger.rows import Stamp

Snapshot = Mapping[Path, Stamp]
"""Size and date of every file, at one time."""


class Settling:
    """Compares one look at a folder with the next.

    A file counts as settled when its size and date have stayed the same for a while by
    a clock that nobody sets; its own date says so only for files that were there
    before the first look, because the clock of a network share may be another one.
    """

    def __init__(
        self, settle_s: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Know nothing yet.

        Args:
            settle_s: Seconds for which a file must not change.
            clock: A monotonic clock, in seconds.
        """
        self._settle_s = settle_s
        self._clock = clock
        self._since: dict[Path, tuple[Stamp, float]] = {}
        self._done: dict[Path, Stamp] = {}
        self._first = True

    def look(self, snapshot: Snapshot, now_ns: int) -> tuple[Path, ...]:
        """Take in a look, and return the files that are settled and not done.

        Args:
            snapshot: What is there now.
            now_ns: The time on the wall, for the dates of the first look.
        """
        now_s = self._clock()
        for path, stamp in snapshot.items():
            known = self._since.get(path)
            if known is None or known[0] != stamp:
                age_s = (now_ns - stamp.mtime_ns) / 1e9
                head_start_s = age_s if self._first and age_s > 0 else 0.0
                self._since[path] = (stamp, now_s - head_start_s)
        for path in self._since.keys() - snapshot.keys():
            del self._since[path]
            self._done.pop(path, None)
        self._first = False
        return tuple(
            path
            for path, (stamp, since_s) in sorted(self._since.items())
            if self._done.get(path) != stamp and now_s - since_s >= self._settle_s
        )

    def done(self, path: Path) -> None:
        """Take a file as dealt with, as it was at the last look."""
        if path in self._since:
            self._done[path] = self._since[path][0]

    def next_s(self) -> float | None:
        """Return in how many seconds the next file may be settled; None when none is.

        Those that are settled and not done count as due now.
        """
        now_s = self._clock()
        due = [
            since_s + self._settle_s - now_s
            for path, (stamp, since_s) in self._since.items()
            if self._done.get(path) != stamp
        ]
        return max(0.0, min(due)) if due else None
