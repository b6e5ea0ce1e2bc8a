"""Keep workers at work: give them jobs, and replace those that die or hang.

This is the same whether workers are processes or actors of a cluster. What a dead
worker was at is given back as lost; whether it is tried again is not decided here.

Written anew, because none of the usual pools can say which job a dead process was at:
one segmentation fault breaks a `ProcessPoolExecutor` with all that is in it, and Ray's
own restarts have no deadline for a stage.
"""

import contextlib
import logging
import queue
from collections import deque
from collections.abc import Iterator

from pipeline.errors import (
    EnvironmentProblem,
    ExitCode,
    NightmendError,
    Stopped,
    UsageError,
)
from pipeline.records import Outcome, Status
from pipeline.runner.contract import Breakable, Job, Result, Take
from pipeline.runner.crew import Crew, Heard, Hire, Post
from pipeline.runner.messages import Began, Finished, Ready, Refused, Said
from pipeline.settings import WorkersSettings

log = logging.getLogger(__name__)

STARTS_THAT_MAY_FAIL = 3
"""In a row; a worker that cannot start costs no picture anything."""

_ENDS_WITH: dict[int, type[NightmendError]] = {
    ExitCode.USAGE: UsageError,
    ExitCode.STOPPED: Stopped,
    ExitCode.ENVIRONMENT: EnvironmentProblem,
    ExitCode.SOME_FAILED: NightmendError,
}


class Supervisor:
    """Meets `pipeline.runner.contract.Executor` with workers that may die."""

    def __init__(
        self,
        hire: Hire,
        settings: WorkersSettings,
        breakable: Breakable,
        modules: tuple[str, ...] = (),
    ) -> None:
        """Hire nobody yet.

        Args:
            hire: Starts a worker.
            settings: How many there are, and what they are allowed.
            breakable: Marks the waiting, which a signal may break off.
            modules: What workers are known to import.
        """
        self._settings = settings
        self._count = settings.count
        self._breakable = breakable
        self._crew = Crew(hire, settings)
        self._held: deque[Job] = deque()
        """Taken, but given to nobody yet."""

        self._lost: set[str] = set()
        """Keys that cost a worker its life before, in this run."""

        self._lost_in_a_row = 0
        self._failed_starts = 0
        self._device_in_doubt = False
        """A worker reported trouble with its device, and nothing went well since."""

        self._modules = modules
        """What a worker imports; it tells all of it when it is ready."""

        self._backlog: int | None = None
        """How much is to be heard still before somebody is ended for being late."""

    def open(self) -> str:
        """Start all workers, and wait until one of them is ready.

        Raises:
            NightmendError: none can work, and why.
        """
        for _ in range(self._count):
            self._crew.add()
        # At the same time, for the very first picture may cost a worker its life. And
        # be it the only one: it is tried once more.
        self._crew.prepare(self._modules)
        while not (ready := [post for post in self._crew.posts if post.ready]):
            self._wait()
            while len(self._crew.posts) < self._count:
                self._crew.add()
        return ready[0].engine

    def run(self, take: Take) -> Iterator[Result]:
        """Yield results as they come, those that were lost among them.

        Raises:
            Stopped: pictures cost one worker after the other its life; or a worker says
                that nothing can be written.
            EnvironmentProblem: a new worker has the same trouble with its device.
            GraceOver: a signal's grace is over.
        """
        while self._man(take):
            result = self._wait()
            if result is not None:
                yield result
                self._check_series()

    def close(self) -> None:
        """End all workers, whatever they are at; none of them lives on."""
        self._crew.dismiss_all()
        self._held.clear()

    def _man(self, take: Take) -> bool:
        """Give jobs to all who can take one; False when there is nothing left to do."""
        crew = self._crew
        while len(self._held) < self._count - len(crew.busy()):
            job = take()
            if job is None:
                break
            self._held.append(job)
        for post in crew.idle():
            if self._held:
                post.give(self._held.popleft())
                crew.prepare(self._modules)
        wanted = min(len(self._held), self._count - len(crew.busy()))
        while len(crew.starting()) < wanted:
            crew.add()
        return bool(self._held or crew.busy())

    def _wait(self) -> Result | None:
        """Wait for the next thing to happen; return the result that it brings."""
        heard = self._hear()
        if heard is None:
            return self._end_overdue()
        post = self._crew.post(heard.number)
        if post is None:
            return None  # of a worker that was dismissed since
        match heard.message:
            case Ready(engine, modules):
                post.begin_waiting(engine)
                self._modules = modules
            case Began(stage):
                if post.begin_stage(stage):
                    self._failed_starts = 0
            case Said(logger, level, text, trace):
                _say(logger, level, text, trace)
            case Finished(result, resident_mib):
                return self._finished(post, result, resident_mib)
            case Refused(code, sentence):
                return self._refused(post, code, sentence)
            case _:  # Gone
                return self._gone(post, self._crew.remove(post))
        return None

    def _hear(self) -> Heard | None:
        """Return the next thing that happened; None when somebody's time may be up.

        What had come by then is heard first, since a worker is not to blame for what
        its supervisor was slow to hear.
        """
        due_s = self._crew.next_due_s()
        if due_s > 0:
            self._backlog = None
        elif self._backlog is None:
            self._backlog = self._crew.heard.qsize()
        if self._backlog is not None:
            self._backlog -= 1
            if self._backlog < 0:
                self._backlog = None
                return None
        with contextlib.suppress(queue.Empty), self._breakable():
            return self._crew.heard.get(timeout=max(due_s, 0.0))
        return None

    def _finished(self, post: Post, result: Result, resident_mib: float) -> Result:
        self._lost_in_a_row = 0
        self._device_in_doubt = False
        reason = post.finish(resident_mib, self._settings)
        if reason:
            log.info("worker %d %s; a new one takes its place", post.number, reason)
            self._crew.dismiss(post)
        return result

    def _refused(self, post: Post, code: int, sentence: str) -> Result | None:
        """Take a worker away that says that it cannot go on."""
        self._crew.remove(post)
        if post.job is None:
            self._start_failed(code, sentence)
            return None
        if code != ExitCode.ENVIRONMENT or self._device_in_doubt:
            raise _trouble(code, sentence)
        # Once an error sticks to a device, only a new process gets rid of it.
        self._device_in_doubt = True
        return self._lose(post, post.job, sentence)

    def _gone(self, post: Post, how: str) -> Result | None:
        if post.job is not None and post.stage:
            return self._lose(post, post.job, f"the worker {how}")
        if post.job is not None:
            # It was dead before the job came, or died for another reason than that.
            self._held.appendleft(post.job)
        elif post.ready:
            log.warning("worker %d, waiting for work, %s", post.number, how)
            return None
        self._start_failed(ExitCode.STOPPED, f"a worker {how}")
        return None

    def _end_overdue(self) -> Result | None:
        """End the first worker whose time is up."""
        post = self._crew.overdue()
        if post is None:
            return None
        limit_s, name = post.limit(self._settings)
        where = self._crew.remove(post, hangs=True)
        sentence = f"did nothing new for {limit_s:g} s (workers.{name}){where}"
        if post.job is None:
            self._start_failed(ExitCode.STOPPED, f"a worker {sentence}")
            return None
        return self._lose(post, post.job, f"the worker {sentence}")

    def _start_failed(self, code: int, sentence: str) -> None:
        """Try again; but not for ever, and not when the trouble is known for sure.

        Raises:
            NightmendError, RuntimeError: no worker can be started.
        """
        self._failed_starts += 1
        sure = code in (ExitCode.USAGE, ExitCode.ENVIRONMENT, ExitCode.SOME_FAILED)
        others = [post for post in self._crew.posts if post.ready]
        last_try = self._failed_starts >= STARTS_THAT_MAY_FAIL
        if not others and (sure or last_try):
            raise _trouble(code, f"no worker can start: {sentence}")
        log.warning("a worker did not start: %s", sentence)
        if last_try:
            self._count = len(others)
            self._failed_starts = 0
            log.warning("the run goes on with fewer workers: %d", self._count)

    def _lose(self, post: Post, job: Job, reason: str) -> Result:
        """Return a job that its worker did not live through."""
        reason += f" while in the stage {post.stage}" if post.stage else ""
        if job.key not in self._lost:
            self._lost_in_a_row += 1
        self._lost.add(job.key)
        outcome = Outcome(
            job.key, "", Status.FAILED, problem=reason, took_s=post.at_it_s()
        )
        return Result(job, outcome, lost=reason)

    def _check_series(self) -> None:
        """Stop when it cannot be the pictures' fault any more.

        Raises:
            Stopped: too many of them in a row cost a worker its life.
        """
        if self._lost_in_a_row >= self._settings.give_up_after:
            raise Stopped(
                f"workers keep dying: {self._lost_in_a_row} pictures in a row cost one "
                "its life (workers.give_up_after); see the log for how, then run the "
                "same command again to go on"
            )


def _trouble(code: int, sentence: str) -> Exception:
    kind = _ENDS_WITH.get(code)
    return kind(sentence) if kind is not None else RuntimeError(sentence)


def _say(logger: str, level: int, text: str, trace: str) -> None:
    """Put a worker's line into the log of this process, and its traceback below."""
    log_there = logging.getLogger(logger)
    log_there.log(level, "%s", text)
    for line in trace.splitlines():
        log_there.log(level, "%s", line)
