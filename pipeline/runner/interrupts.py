"""End a run gracefully on the first signal, at once on the second."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from pipeline.errors import ExitCode

CODES = {
    signal.SIGINT: ExitCode.SIGINT,
    signal.SIGTERM: ExitCode.SIGTERM,
    signal.SIGHUP: ExitCode.SIGTERM,
}
"""A closed terminal (SIGHUP) ends a run like SIGTERM."""


_PROMISE = (
    "\nnightmend: ending after the running picture, in {:g} s at most; the same signal "
    "again ends at once\n"
)


class GraceOver(BaseException):
    """The time that a signal gave to the running picture is over.

    Not an `Exception`: nothing that guards one picture may catch it.
    """


class Interrupts:
    """Listens for signals while it is entered; only the main thread can.

    The first signal sets `code`; the run then takes no new picture. When the grace is
    over and a picture is still being worked on, `GraceOver` is raised inside the
    `breakable` block. A second signal meets the system's own answer and ends the
    process at once, even inside native code: everything on disk can be resumed from.
    """

    def __init__(self, grace_s: float) -> None:
        self.code: ExitCode | None = None
        """The exit code to end with, once a signal came."""

        self._grace_s = grace_s
        self._breakable = False
        self._at_once = False
        self._grace_over = False
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():
            for number in CODES:
                self._listen(number, self._on_signal)
            self._listen(signal.SIGALRM, self._on_alarm)
            self._stack.callback(signal.setitimer, signal.ITIMER_REAL, 0)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextlib.contextmanager
    def breakable(self, *, at_once: bool = False) -> Iterator[None]:
        """Mark work that may be broken off at any point.

        Args:
            at_once: Break it off on the signal, without any grace; for work that
                nobody would miss, such as loading a model.

        Raises:
            GraceOver: the grace is over.
        """
        if self._grace_over or (at_once and self.code is not None):
            raise GraceOver
        self._breakable, self._at_once = True, at_once
        try:
            yield
        finally:
            self._breakable = self._at_once = False

    def _listen(self, number: int, handler: object) -> None:
        before = signal.signal(number, handler)  # type: ignore[arg-type]
        self._stack.callback(signal.signal, number, before)

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        self.code = CODES[signal.Signals(number)]
        # Not by print or the log: the signal may have come in the middle of either.
        with contextlib.suppress(OSError):
            os.write(2, _PROMISE.format(self._grace_s).encode())
        for each in CODES:
            signal.signal(each, signal.SIG_DFL)
        # Repeated, since the exception can be lost in a callback of a library.
        signal.setitimer(signal.ITIMER_REAL, max(self._grace_s, 1e-3), 1.0)
        if self._at_once:
            raise GraceOver

    def _on_alarm(self, _number: int, _: FrameType | None) -> None:
        self._grace_over = True
        if self._breakable:
            raise GraceOver
