"""Executor: worker processes, each of which may die without any harm to the rest.

A worker is started as a program of its own rather than by `multiprocessing`: that would
import the caller's main module again in every worker, and leave a tracker process
behind. It has a session of its own, so that what a terminal sends to all does not reach
it, and what it started dies with it.
"""

import contextlib
import json
import logging
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection, Pipe
from typing import BinaryIO

from pipeline.errors import Stopped
from pipeline.logs import PACKAGES
from pipeline.runner.child import Start
from pipeline.runner.contract import Breakable, BuildTools, Job, Task
from pipeline.runner.crew import Ears, Gone, Heard
from pipeline.runner.deaths import how_it_ended, where_it_was
from pipeline.runner.messages import from_line
from pipeline.runner.station import log_levels
from pipeline.runner.supervisor import Supervisor
from pipeline.toolbox import modules_for

log = logging.getLogger(__name__)

_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from pipeline.runner.child import main; "
    "sys.exit(main(json.loads(sys.argv[2]), *map(int, sys.argv[3:])))"
)
"""The path first: the worker must find the very packages that this process runs."""

LONGEST_MESSAGE = 2**26
"""In bytes; an outcome has some thousands."""

DUMP_S = 2.0
"""How long a worker that hangs may take to tell where."""

LOOK_S = 0.5
"""How often it is looked whether a silent worker still lives."""

POLL_S = 0.01
REAP_S = 10.0
"""How long a killed process may take to go; one that waits for a dead disk stays."""


def build(task: Task, build_tools: BuildTools, breakable: Breakable) -> Supervisor:
    """Return an executor with `workers.count` processes.

    Raises:
        DetectorError, UsageError: the settings name a tool that there is not.
    """
    modules = modules_for(task.settings, with_inpainter=task.command == "repair")
    hire = Starter(task, build_tools)
    return Supervisor(hire, task.settings.workers, breakable, modules)


class Starter:
    """Meets `pipeline.runner.crew.Hire`.

    Most of a worker's start is spent on importing libraries. So one process more than
    there are workers has done that already, and takes the place of the next that dies.
    It holds no model and no device while it waits.
    """

    def __init__(self, task: Task, build_tools: BuildTools) -> None:
        self._task = task
        self._build_tools = build_tools
        self.spare: Process | None = None

    def __call__(self, number: int, ears: Ears) -> "Process":
        process, self.spare = self.spare or Process(), None
        task = on_its_device(self._task, number)
        process.begin(number, Start(task, self._build_tools, log_levels()), ears)
        return process

    def prepare(self, modules: Sequence[str]) -> None:
        """Start the spare process, unless there is one."""
        if self.spare is None and self._task.settings.workers.spare:
            ours = [name for name in modules if name.partition(".")[0] in PACKAGES]
            # Who cannot start it now may do so when it is needed.
            with contextlib.suppress(Stopped):
                self.spare = Process(ours)

    def close(self) -> None:
        """End the spare process."""
        spare, self.spare = self.spare, None
        if spare is not None:
            spare.end()


class Process:
    """One worker process; meets `pipeline.runner.crew.Member` once it has begun."""

    def __init__(self, modules: Sequence[str] = ()) -> None:
        """Start it; it imports these modules, and waits.

        Raises:
            Stopped: the system starts no further process.
        """
        self._listener: threading.Thread | None = None
        self._pipe, far_end = Pipe()
        # Without a name: there is nothing to sweep away, however this ends.
        self._trace: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115
        passed = (far_end.fileno(), self._trace.fileno())
        lists = (json.dumps(sys.path), json.dumps(modules))
        words = [*lists, *map(str, passed), str(os.getpid())]
        try:
            with far_end:
                self._popen = subprocess.Popen(
                    [sys.executable, "-c", _PROGRAM, *words],
                    stdin=subprocess.DEVNULL,
                    pass_fds=passed,
                    start_new_session=True,
                )
        except OSError as error:
            self._pipe.close()
            self._trace.close()
            raise Stopped(
                f"the system starts no further process ({error.strerror}); end some, "
                "or use fewer --workers, then run the same command again to go on"
            ) from error

    def begin(self, number: int, start: Start, ears: Ears) -> None:
        """Tell it what its work is, and listen to it from now on."""
        self._listener = threading.Thread(
            target=listen, args=(self._pipe, number, ears, self._is_over), daemon=True
        )
        self._listener.start()
        self._send(pickle.dumps(start))

    @property
    def pid(self) -> int:
        return self._popen.pid

    def give(self, job: Job) -> None:
        """Send a job; should the process be dead, its listener tells."""
        self._send(pickle.dumps(job))

    def dismiss(self) -> None:
        """Ask the process to end."""
        self._send(b"")

    def end(self, *, hangs: bool = False, patience_s: float = 0.0) -> str:
        """Make sure that the process is dead, and tell how that came.

        Returns:
            A clause such as "died of SIGSEGV (Segmentation fault) in look (a.py:12)";
            for one that hung only where, as in ", in look (a.py:12)", or "".
        """
        if hangs:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._popen.pid, signal.SIGABRT)
            patience_s = DUMP_S
        by_itself = self._ends_within(patience_s)
        # The whole session, for the worker may have started processes of its own.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(REAP_S)
        if self._popen.returncode is None:
            log.error(
                "worker process %d does not die; it waits for a device or a disk, and "
                "is left behind",
                self._popen.pid,
            )
        if self._listener is not None:
            self._listener.join(REAP_S)
        self._pipe.close()
        with self._trace as trace:
            trace.seek(0)
            told = trace.read().decode("utf-8", "replace")
        if told:
            log.info("worker process %d left this:\n%s", self._popen.pid, told)
        where = where_it_was(told)
        if hangs:
            return where
        return how_it_ended(self._popen.returncode if by_itself else None) + where

    def _ends_within(self, patience_s: float) -> bool:
        """Wait for the process to end; True when it did."""
        until = time.monotonic() + patience_s
        while not self._is_over():
            if time.monotonic() >= until:
                return False
            time.sleep(POLL_S)
        return True

    def _is_over(self) -> bool:
        """Tell whether the process has ended, but leave its number taken.

        Were it reaped here, the number could be another's by the time that its session
        is killed.
        """
        look = os.WEXITED | os.WNOWAIT | os.WNOHANG
        try:
            return os.waitid(os.P_PID, self._popen.pid, look) is not None
        except ChildProcessError:
            return True

    def _send(self, content: bytes) -> None:
        with contextlib.suppress(OSError):
            self._pipe.send_bytes(content)


def listen(
    pipe: Connection, number: int, ears: Ears, is_over: Callable[[], bool]
) -> None:
    """Pass on what a worker tells, until nothing more comes.

    This is a thread of its own because a worker that hangs in the middle of a message
    would keep whoever reads it. That the worker has ended is asked besides, since what
    it started may hold the pipe open.
    """
    try:
        while pipe.poll(LOOK_S) or not is_over():
            if pipe.poll(0):
                line = pipe.recv_bytes(LONGEST_MESSAGE)
                ears.put(Heard(number, from_line(line)))
    except (OSError, EOFError, ValueError):
        log.debug("worker %d tells no more", number)
    ears.put(Heard(number, Gone()))


def on_its_device(task: Task, number: int) -> Task:
    """Return the task for one worker, with the device that it is to use."""
    settings = task.settings
    devices = settings.workers.devices
    if not devices:
        return task
    device = devices[number % len(devices)]
    inpaint = settings.inpaint.model_copy(update={"device": device})
    return replace(task, settings=settings.model_copy(update={"inpaint": inpaint}))
