"""Executor: actors of a Ray cluster, each of which owns its models.

Who lives, who died over which picture and what is tried again is decided by the same
supervisor as for processes. So actors are not restarted by Ray itself: a restart that
nobody here knows of would forget what the dead actor was at.

Pictures, output and state folder lie on storage that every machine reaches under the
same path; only jobs and messages go through Ray.
"""

import contextlib
import logging
import os
import queue
import re
import signal
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import ray
from ray.exceptions import RayError

from pipeline.errors import EnvironmentProblem
from pipeline.runner.child import Start
from pipeline.runner.contract import Breakable, BuildTools, Job, Result, Take, Task
from pipeline.runner.crew import Ears, Gone, Heard
from pipeline.runner.messages import Message, from_line, to_line
from pipeline.runner.station import Station, forward_logs, log_levels
from pipeline.runner.supervisor import Supervisor
from pipeline.settings import WorkersSettings

log = logging.getLogger(__name__)

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_MACHINE = re.compile(r"\bip: (\S+)")
_EXIT = re.compile(r"Worker exit type: (\w+)")

_MANNERS = {
    # A repair reaches for no network but the cluster's own.
    "RAY_USAGE_STATS_ENABLED": "0",
    # Its workers stand back behind everything else on their machine by default, and a
    # worker that gets no processor looks like one that hangs.
    "RAY_worker_niceness": "0",
    # Without GPUs reserved, a worker may still use what it finds; else Ray warns.
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
"""How Ray is told to behave, unless the user's environment says otherwise."""

JOIN_S = 10.0
"""How long the last words of an ended actor are waited for."""


def build(task: Task, build_tools: BuildTools, breakable: Breakable) -> "Cluster":
    """Return an executor with `workers.count` actors."""
    return Cluster(task, build_tools, breakable)


class Cluster:
    """Meets `pipeline.runner.contract.Executor` on the machines of a Ray cluster."""

    def __init__(
        self, task: Task, build_tools: BuildTools, breakable: Breakable
    ) -> None:
        self._settings = task.settings.workers
        hiring = _Hiring(task, build_tools)
        self._supervisor = Supervisor(hiring, self._settings, breakable)
        self._joined = False

    def open(self) -> str:
        """Join the cluster, or start one on this machine, and start the actors.

        Raises:
            EnvironmentProblem: there is no cluster at that address.
            NightmendError: no actor can work, and why.
        """
        if not ray.is_initialized():
            _join(self._settings)
            self._joined = True
        return self._supervisor.open()

    def run(self, take: Take) -> Iterator[Result]:
        """Yield results as they come; see `Supervisor.run`."""
        return self._supervisor.run(take)

    def close(self) -> None:
        """End all actors, and leave the cluster."""
        self._supervisor.close()
        if self._joined:
            self._joined = False
            ray.shutdown()


class _Hiring:
    """Meets `pipeline.runner.crew.Hire`; Ray itself keeps processes ahead."""

    def __init__(self, task: Task, build_tools: BuildTools) -> None:
        self._task = task
        self._build_tools = build_tools

    def __call__(self, number: int, ears: Ears) -> "Actor":
        start = Start(self._task, self._build_tools, log_levels())
        return Actor(number, start, ears, self._task.settings.workers.ray_gpus)

    def prepare(self, modules: Sequence[str]) -> None:
        pass

    def close(self) -> None:
        pass


class Actor:
    """One actor as the supervisor sees it; meets `pipeline.runner.crew.Member`."""

    def __init__(self, number: int, start: Start, ears: Ears, gpus: float) -> None:
        hired = ray.remote(_Stationed).options(
            num_cpus=1, num_gpus=gpus, max_restarts=0, scheduling_strategy="SPREAD"
        )
        self._actor: Any = hired.remote(start)
        self._number = number
        self._ears = ears
        self._how = "was ended"
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def give(self, job: Job) -> None:
        self._jobs.put(job)

    def dismiss(self) -> None:
        self._jobs.put(None)

    def end(self, *, hangs: bool = False, patience_s: float = 0.0) -> str:
        """End the actor, and tell how it ended; where it hung cannot be found out."""
        self._listener.join(0.0 if hangs else patience_s)
        with contextlib.suppress(RayError, ValueError):
            ray.kill(self._actor)
        self._jobs.put(None)
        self._listener.join(JOIN_S)
        return "" if hangs else self._how

    def _listen(self) -> None:
        """Call the actor, and pass on what it tells, until it ends or is dismissed."""
        try:
            self._hear(self._actor.open.remote())
            while (job := self._jobs.get()) is not None:
                self._hear(self._actor.work.remote(job))
            ray.get(self._actor.close.remote())
        except (RayError, ValueError) as error:
            self._how = how_it_ended(error)
        except SystemExit:
            # Ray's answer to a call that is under way while the cluster is left.
            log.debug("actor %d was left behind", self._number)
        finally:
            self._ears.put(Heard(self._number, Gone()))

    def _hear(self, lines: Any) -> None:
        for line in lines:
            self._ears.put(Heard(self._number, from_line(ray.get(line))))


class _Stationed:
    """What the actor is: a station whose messages are the items of its answers."""

    def __init__(self, start: Start) -> None:
        self._told: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        forward_logs(self._told.put, start.log_levels)
        self._station = Station(start.task, start.build_tools, self._told.put)

    def open(self) -> Iterator[bytes]:
        yield from self._telling(self._station.open)

    def work(self, job: Job) -> Iterator[bytes]:
        yield from self._telling(lambda: self._station.work(job))

    def close(self) -> None:
        self._station.close()

    def _telling(self, act: Any) -> Iterator[bytes]:
        """Act in another thread, and yield what is told meanwhile as it is told."""

        def acting() -> None:
            try:
                act()
            finally:
                self._told.put(None)

        threading.Thread(target=acting, daemon=True).start()
        while (message := self._told.get()) is not None:
            yield to_line(message)


def _join(settings: WorkersSettings) -> None:
    """Join the cluster that the settings name.

    Raises:
        EnvironmentProblem: there is none at that address.
    """
    # Ray answers SIGTERM in its own way; here the run answers it.
    before = signal.getsignal(signal.SIGTERM)
    for name, value in _MANNERS.items():
        os.environ.setdefault(name, value)
    places: dict[str, Any] = {"num_cpus": settings.count}
    if settings.ray_address:
        places = {"address": settings.ray_address}
    try:
        ray.init(
            **places,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.WARNING,
        )
    except Exception as error:
        # Of every kind: that its processes did not start in time is a bare Exception.
        raise EnvironmentProblem(
            f"no Ray cluster can be joined ({error}); check workers.ray_address, or "
            "use --executor processes"
        ) from error
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def how_it_ended(error: Exception) -> str:
    """Say in a clause what Ray says in a page; the page is for the log.

    Its advice on what may have killed a process is for every program there is.
    """
    log.info("an actor ended: %s", error)
    page = _COLOURS.sub("", str(error)).strip()
    machine, kind = _MACHINE.search(page), _EXIT.search(page)
    if kind is None:
        return f"ended abruptly ({page.partition(chr(10))[0].rstrip('.')})"
    place = f" on {machine[1]}" if machine else ""
    return f"ended abruptly{place} ({kind[1]})"
