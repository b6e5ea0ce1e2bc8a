"""Watch a run, and have somebody told when it ends or stalls."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from pipeline import notify
from pipeline.errors import ExitCode, exit_code_for
from pipeline.notify import Message
from pipeline.records import Outcome
from pipeline.runner.contract import Observer, RunResult
from pipeline.settings import NightSettings

Tell = Callable[[Sequence[str], Message, float], object]


class Telling:
    """An observer around another one; meets `pipeline.runner.contract.Observer`."""

    def __init__(
        self,
        inner: Observer,
        settings: NightSettings,
        command: str,
        run_id: str,
        *,
        tell: Tell = notify.tell,
    ) -> None:
        """Tell nothing yet."""
        self._inner = inner
        self._settings = settings
        self._names = (command, run_id)
        self._tell = tell
        self._statuses: Counter[str] = Counter()
        self._planned = self._before = 0
        self._began = self._last = time.monotonic()
        self._over = threading.Event()
        self._watch: threading.Thread | None = None

    def started(self, planned: int, finished_before: int) -> None:
        # Whoever watches a folder starts run after run.
        self._planned += planned
        self._before += finished_before
        self._last = time.monotonic()
        self._over = threading.Event()
        if "stall" in self._settings.notify_on and self._addresses:
            self._watch = threading.Thread(
                target=self._watch_for_stalls, daemon=True, name="stall"
            )
            self._watch.start()
        self._inner.started(planned, finished_before)

    def finished(self, outcome: Outcome) -> None:
        self._last = time.monotonic()
        self._statuses[outcome.status.value] += 1
        self._inner.finished(outcome)

    def ended(self) -> None:
        self._over.set()
        if self._watch is not None:
            self._watch.join()
        self._inner.ended()

    def conclude(self, code: ExitCode) -> None:
        """Tell that the run ended, and how."""
        if "end" in self._settings.notify_on and self._addresses:
            self._send("end", code)

    @property
    def _addresses(self) -> list[str]:
        return [address.get_secret_value() for address in self._settings.notify]

    def _watch_for_stalls(self) -> None:
        """Tell once of every stall; the next counts from the next finished picture."""
        told_of = 0.0
        while not self._over.wait(min(self._settings.stall_s / 10, 10.0)):
            stalled = time.monotonic() - self._last >= self._settings.stall_s
            if stalled and told_of != self._last:
                told_of = self._last
                self._send("stall", None)

    def _send(self, event: str, code: ExitCode | None) -> None:
        command, run_id = self._names
        message = Message(
            event,
            command,
            run_id,
            self._settings.label,
            "" if code is None else code.name,
            None if code is None else int(code),
            self._planned,
            self._before + self._statuses.total(),
            time.monotonic() - self._began,
            dict(sorted(self._statuses.items())),
        )
        self._tell(self._addresses, message, self._settings.notify_timeout_s)


@contextmanager
def telling(
    inner: Observer, settings: NightSettings, command: str, run_id: str
) -> Iterator[tuple[Observer, Callable[[RunResult], None]]]:
    """Give an observer, and a function to hand the result to; tell of the end.

    A run that raises has ended too.

    Raises:
        UsageError, EnvironmentProblem: an address is of no use; told before the run.
    """
    notify.check_addresses([a.get_secret_value() for a in settings.notify])
    watching = Telling(inner, settings, command, run_id)
    codes: list[ExitCode] = []
    try:
        yield watching, lambda result: codes.append(result.code)
    except BaseException as error:
        watching.conclude(exit_code_for(error))
        raise
    watching.conclude(codes[0] if codes else ExitCode.OK)
