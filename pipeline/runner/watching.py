"""Run after run over a folder in which pictures still arrive."""

import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from pipeline.errors import ExitCode, Locked, UsageError, worst
from pipeline.ledger.rows import Stamp
from pipeline.runner import batch
from pipeline.runner.contract import BuildTools, Observer, Order, RunResult
from pipeline.runner.folder_events import POLL_S, FolderEvents
from pipeline.runner.settling import Settling
from pipeline.stages.choose_files import choose_files
from pipeline.stages.discover import discover

log = logging.getLogger(__name__)

REPORT_EVERY_S = 60.0
"""A report is drawn when nothing waits, and at least this often when something does."""

LOCKED_S = 5.0
"""Between two tries when another run holds the output folder."""


@dataclass(frozen=True, slots=True)
class Watching:
    """What to watch, and until when."""

    order: Order
    """Its sources are folders; its settings of what is young are not used."""

    settle_s: float
    until_idle_s: float | None = None
    """End when nothing has arrived for this long; None watches until it is stopped."""

    poll: bool = False
    """Look often, without waiting for the system to tell of changes."""

    poll_s: float = POLL_S
    """Seconds between two looks then."""


@dataclass
class Stopper:
    """How whoever watches is asked to stop."""

    code: ExitCode | None = None
    events: FolderEvents | None = None

    def stop(self, code: ExitCode) -> None:
        """Ask for an end; safe in a signal's handler."""
        self.code = code
        if self.events is not None:
            self.events.wake()


@dataclass
class Watcher:
    """Looks at the sources, and has what is settled repaired."""

    watching: Watching
    observer: Observer
    build_tools: BuildTools
    draw_report: Callable[[], None]
    stopper: Stopper = field(default_factory=Stopper)
    clock: Callable[[], float] = time.monotonic

    _gone: bool = False
    _drawn_s: float = float("-inf")
    _stale: bool = False
    """Something was finished since the report was drawn."""

    def watch(self) -> ExitCode:
        """Watch until a signal, a limit, trouble with the output, or idleness.

        Returns:
            What ended it; OK for idleness.
        """
        order = self.watching.order
        settling = Settling(self.watching.settle_s, clock=self.clock)
        events = FolderEvents(
            order.sources, poll=self.watching.poll, poll_s=self.watching.poll_s
        )
        self.stopper.events = events
        active_s = self.clock()
        try:
            while self.stopper.code is None:
                began_s = self.clock()
                ready = settling.look(self._snapshot(), time.time_ns())
                look_s = self.clock() - began_s
                if ready:
                    ended = self._round(ready, settling)
                    active_s = self.clock()
                    if ended is not ExitCode.OK:
                        return ended
                due_s = settling.next_s()
                if due_s is not None:
                    active_s = self.clock()
                elif self._over(active_s):
                    return ExitCode.OK
                self._report(idle=due_s is None)
                if self._past():
                    return ExitCode.LIMIT if due_s is not None else ExitCode.OK
                events.sleep(self._sleep_s(due_s), look_s)
            return self.stopper.code
        finally:
            events.close()
            self._report(idle=True)

    def _sleep_s(self, due_s: float | None) -> float | None:
        """Return the longest sleep after which something is to be done."""
        watching, times = self.watching, []
        if due_s is not None:
            times.append(due_s)
        if watching.until_idle_s is not None:
            times.append(watching.until_idle_s / 4)
        if watching.order.limits.stop_at is not None:
            left = watching.order.limits.stop_at - datetime.now(UTC)
            times.append(max(0.0, left.total_seconds()))
        return min(times, default=None)

    def _snapshot(self) -> dict[Path, Stamp]:
        """Return what lies in the sources now; nothing while one of them is gone."""
        order = self.watching.order
        place = order.task.workplace
        try:
            plan = discover(order.sources, exclude=(place.state, place.output))
            plan = choose_files(plan, order.selection, _no_git)
        except UsageError as error:
            if not self._gone:
                log.warning("%s; waiting for it to come back", error)
            self._gone = True
            return {}
        if self._gone:
            log.warning("the sources are back")
            self._gone = False
        stamps = (
            (one.root / one.key, _stamp(one.root / one.key)) for one in plan.found
        )
        return {path: stamp for path, stamp in stamps if stamp is not None}

    def _round(self, ready: Sequence[Path], settling: Settling) -> ExitCode:
        """Have the settled pictures repaired; return what ended it early, or OK."""
        order, before = self.watching.order, {path: _stamp(path) for path in ready}
        settings = order.task.settings
        run = settings.run.model_copy(update={"settle_s": 0.0})
        listed = replace(order.selection, listed=tuple(ready))
        task = replace(order.task, settings=settings.model_copy(update={"run": run}))
        try:
            result = batch.run(
                replace(order, task=task, selection=listed, allow_empty=True),
                self.observer,
                build_tools=self.build_tools,
            )
        except Locked as error:
            log.warning("%s; trying again", error)
            time.sleep(LOCKED_S)
            return ExitCode.OK
        except UsageError as error:
            log.warning("%s; waiting for it to come back", error)
            self._gone = True
            return ExitCode.OK
        self._stale = self._stale or result.worked > 0
        for path in ready:
            # What has changed or gone in the meantime will be looked at again.
            if before[path] is not None and _stamp(path) == before[path]:
                settling.done(path)
        return _ended(result)

    def _over(self, active_s: float) -> bool:
        until_s = self.watching.until_idle_s
        return until_s is not None and self.clock() - active_s >= until_s

    def _past(self) -> bool:
        stop_at = self.watching.order.limits.stop_at
        return stop_at is not None and datetime.now(UTC) >= stop_at

    def _report(self, *, idle: bool) -> None:
        if self._stale and (idle or self.clock() - self._drawn_s >= REPORT_EVERY_S):
            self.draw_report()
            self._drawn_s, self._stale = self.clock(), False


def _ended(result: RunResult) -> ExitCode:
    """Return what ends the watching; trouble with single pictures does not."""
    if result.problem:
        log.warning("%s", result.problem)
    return worst([result.ended, result.signal or ExitCode.OK])


def _no_git(_folders: Sequence[Path], _revision: str) -> frozenset[str]:
    return frozenset()


def _stamp(path: Path) -> Stamp | None:
    try:
        return Stamp.of(os.lstat(path))
    except OSError:
        return None
