"""Run one order: check everything, skip what is done, work, record, tally."""

import contextlib
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from pipeline.errors import (
    ExitCode,
    LedgerTrouble,
    NightmendError,
    PictureChanged,
    worst,
)
from pipeline.ledger.rows import NO_STAMP, Claim
from pipeline.ledger.store import FILE_NAME, Ledger
from pipeline.names import shown
from pipeline.records import Outcome, Status
from pipeline.runner import (
    agenda,
    beginning,
    journal,
    lock,
    preflight,
    resume,
    sweeping,
)
from pipeline.runner.agenda import Agenda
from pipeline.runner.contract import (
    BuildTools,
    Executor,
    Job,
    Observer,
    Order,
    Result,
    RunResult,
)
from pipeline.runner.interrupts import GraceOver, Interrupts
from pipeline.runner.limits import Limiter
from pipeline.runner.publishing import settle
from pipeline.runner.verdict import verdict
from pipeline.toolbox import build_toolbox

log = logging.getLogger(__name__)

TRIES_OF_A_CHANGING_FILE = 2
Clock = Callable[[], datetime]


def _utc_now() -> datetime:
    return datetime.now(UTC)


def run(
    order: Order,
    observer: Observer,
    *,
    build_tools: BuildTools = build_toolbox,
    clock: Clock = _utc_now,
) -> RunResult:
    """Work on every picture of the order that is not done yet.

    Args:
        order: What to do.
        observer: Is told how it comes along.
        build_tools: Builds the detectors and the inpainter, once.
        clock: Tells the time, with its zone.

    Returns:
        How it ended. What came of each picture is in the ledger.

    Raises:
        NightmendError, DetectorError: the run could not begin.
    """
    limiter = Limiter(order.limits, now=clock)
    preflight.check_places(order)
    place = order.task.workplace
    holder = lock.this_process(clock())
    with (
        lock.beside_others(place, holder),
        lock.hold(place.state, holder),
        contextlib.closing(Ledger(place.state / FILE_NAME)) as ledger,
        Interrupts(order.grace_s) as interrupts,
    ):
        preflight.check_output(order)
        try:
            with interrupts.breakable(at_once=True):
                begun = beginning.prepare(
                    order, ledger, build_tools, interrupts.breakable
                )
        except GraceOver:
            code = interrupts.code or ExitCode.SIGTERM
            return RunResult(place.run_id, code, 0, 0, ended=code)
        with contextlib.closing(begun):
            ledger.start_run(beginning.info(order, begun, clock()))
            agenda.write_down(begun.work, order, ledger)
            batch = _Batch(order, ledger, observer, interrupts, begun.work, limiter)
            try:
                ended = batch.work(begun.executor)
            except Exception as error:
                batch.end(ExitCode.BUG, f"{type(error).__name__}: {error}", clock())
                raise
        result = batch.end(*ended, clock())
    journal.ended(result)
    return replace(result, signal=interrupts.code)


class _Batch:
    """One run while it lasts."""

    def __init__(
        self,
        order: Order,
        ledger: Ledger,
        observer: Observer,
        interrupts: Interrupts,
        work: Agenda,
        limiter: Limiter,
    ) -> None:
        self._order = order
        self._task = order.task
        self._run_id = order.task.workplace.run_id
        self._ledger = ledger
        self._observer = observer
        self._interrupts = interrupts
        self._agenda = work
        self._limiter = limiter
        self._waiting = deque(work.todo)
        self._under_way: dict[str, Job] = {}
        self._tries: dict[str, int] = {}
        self._taken = 0
        self._worked = 0
        self._limit = ""

    def work(self, executor: Executor | None) -> tuple[ExitCode, str]:
        """Work until nothing is left, a limit is met, or something ends it.

        Returns:
            What ended it (OK when all was done), and a sentence about trouble.
        """
        planned, todo = self._agenda.planned, len(self._waiting)
        self._observer.started(planned, planned - todo)
        journal.began(self._run_id, self._task.command, planned, todo)
        trouble, problem = ExitCode.OK, ""
        try:
            if executor is not None:
                trouble, problem = self._work_with(executor)
        finally:
            self._observer.ended()
        codes = [trouble, self._interrupts.code or ExitCode.OK]
        codes.append(ExitCode.LIMIT if self._limit else ExitCode.OK)
        return worst(codes), problem

    def end(self, code: ExitCode, problem: str, now: datetime) -> RunResult:
        """Write down how the run ended, and weigh what came of its pictures."""
        limit = f"limit: {self._limit}"
        ended_by = {ExitCode.OK: "done", ExitCode.LIMIT: limit}.get(code, "signal")
        planned, names = self._agenda.planned, self._agenda.names
        try:
            self._ledger.end_run(
                self._run_id,
                finished=now.isoformat(timespec="seconds"),
                ended_by=f"trouble: {problem}" if problem else ended_by,
            )
            ours = (one for one in self._ledger.endings() if one.key in names)
            seen = verdict(ours, self._task.settings)
        except LedgerTrouble as error:
            code = seen = worst([code, error.exit_code])
            problem = problem or str(error)
        both = worst([code, seen])
        return RunResult(
            self._run_id, both, planned, self._worked, names, problem, ended=code
        )

    def _work_with(self, executor: Executor) -> tuple[ExitCode, str]:
        """Return what ended the run early: its code and a sentence."""
        try:
            for result in executor.run(self._take):
                self._settle(result)
        except GraceOver:
            log.warning("the grace is over; what is being worked on is left for later")
        except NightmendError as error:
            return error.exit_code, str(error)
        finally:
            # Before its files are swept away: a worker that lives may still write.
            executor.close()
            self._let_go()
        return ExitCode.OK, ""

    def _take(self) -> Job | None:
        """Hand out the next job, and write down that it is being worked on.

        Raises:
            OutputTrouble: the disk is nearly full.
        """
        if self._interrupts.code is not None or not self._waiting:
            return None
        limit = self._limiter.reached(self._taken)
        if limit and not self._limit:
            log.warning("no further picture is begun: %s", limit)
        self._limit = limit
        if limit:
            return None
        if self._task.command == "repair":
            room_mib = self._task.settings.run.min_free_mib
            preflight.check_room(self._task.workplace.output, room_mib)
        job = self._waiting.popleft()
        basis = self._agenda.bases[job.key]
        worker = self._task.settings.workers.executor
        stamp = resume.stamp_of(job.path) or NO_STAMP
        claim = Claim(job.key, job.root, stamp, basis, worker)
        self._ledger.claim(self._run_id, claim)
        self._under_way[job.key] = job
        self._taken += 1
        return job

    def _settle(self, result: Result) -> None:
        """Publish and record what came of a job, or put it back in the queue."""
        job, outcome = result.job, result.outcome
        if result.lost:
            self._lose(result)
            return
        try:
            if result.changed:
                raise PictureChanged(outcome.problem)
            before = self._agenda.before.get(job.key)
            outcome = settle(self._ledger, self._task, job, outcome, before)
        except PictureChanged as error:
            if self._again(job):
                return
            outcome = replace(
                outcome,
                status=Status.SKIPPED,
                problem=f"{error}; it keeps changing",
                output="",
                output_digest="",
                staged="",
                trouble=error.kind,
            )
            self._ledger.done(self._run_id, outcome)
        self._finish(job, outcome)

    def _finish(self, job: Job, outcome: Outcome) -> None:
        """Strike a job off, and tell how it ended."""
        del self._under_way[job.key]
        self._worked += 1
        journal.finished(self._run_id, outcome)
        self._limiter.note(outcome.took_s)
        self._observer.finished(outcome)

    def _again(self, job: Job) -> bool:
        """Put a picture that changed back in the queue, unless it was there before."""
        tries = self._tries[job.key] = self._tries.get(job.key, 1) + 1
        if tries > TRIES_OF_A_CHANGING_FILE:
            return False
        log.warning("%s changed while it was worked on; once more", job.key)
        self._ledger.put_back(self._run_id, job.key)
        self._once_more(job)
        return True

    def _lose(self, result: Result) -> None:
        """Try a picture again that cost a worker its life, or quarantine it.

        It goes to the end of the queue: should it not have been the picture's fault,
        the others tell in the meantime.
        """
        job, allowed = result.job, self._task.settings.workers.attempts
        sweeping.sweep_after(job.key, self._task.workplace)
        losses = self._ledger.lose(self._run_id, job.key)
        log.warning("%s: %s", shown(job.key), result.lost)
        if losses < allowed:
            self._once_more(job)
            return
        problem = (
            f"given up after {losses} attempts: {result.lost}; it is left alone until "
            "the picture or the settings change, or --retry-quarantined is given"
        )
        digest = resume.content_digest(job, self._task.settings)
        given_up = replace(result.outcome, digest=digest, problem=problem)
        outcome = replace(given_up, status=Status.QUARANTINED)
        self._ledger.done(self._run_id, outcome)
        self._finish(job, outcome)

    def _once_more(self, job: Job) -> None:
        """Put a job back into the queue; trying again does not count as one more."""
        del self._under_way[job.key]
        self._waiting.append(job)
        self._taken -= 1

    def _let_go(self) -> None:
        """Put back what was claimed and not finished, and delete what it left."""
        for key in self._under_way:
            log.info("%s is left for the next run", shown(key))
            sweeping.let_go(self._ledger, self._task, key)
        self._under_way.clear()
