"""What runs in a worker process: jobs come through a pipe, messages go back.

It never outlives its supervisor, whatever becomes of that: the system kills it then,
and where the system does not offer that, the end of the pipe does.
"""

import contextlib
import ctypes
import faulthandler
import importlib
import os
import pickle
import queue
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from pipeline.runner.contract import BuildTools, Job, Task
from pipeline.runner.messages import Message, to_line
from pipeline.runner.station import Station, forward_logs

_PR_SET_PDEATHSIG = 1  # prctl(2)
_OOM_SCORE = Path("/proc/self/oom_score_adj")
_RATHER_ME = "500"
"""Of 1000: when memory is out, the system takes a worker before its supervisor."""

_SUPERVISORS_OWN = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals to the whole group are the supervisor's to answer."""


@dataclass(frozen=True, slots=True)
class Start:
    """The first thing that a worker is told; everything but a job comes with it."""

    task: Task
    build_tools: BuildTools
    log_levels: dict[str, int]


def main(
    modules: Sequence[str], pipe_number: int, trace_number: int, parent: int
) -> int:
    """Work until dismissed.

    Args:
        modules: What to import while there is no work yet.
        pipe_number: The file descriptor of this end of the pipe.
        trace_number: The file descriptor to which a crash writes where it was.
        parent: The process to live no longer than.
    """
    for descriptor in (pipe_number, trace_number):
        os.set_inheritable(descriptor, False)
    faulthandler.enable(trace_number)
    for number in _SUPERVISORS_OWN:
        signal.signal(number, signal.SIG_IGN)
    die_with(parent)
    with contextlib.suppress(OSError):
        _OOM_SCORE.write_text(_RATHER_ME, encoding="ascii")
    import_ahead(modules)
    with Connection(pipe_number) as pipe:
        return serve(pipe, abandoned=lambda: os.killpg(0, signal.SIGKILL))


def serve(pipe: Connection, abandoned: Callable[[], None]) -> int:
    """Build the tools, and do job after job.

    Args:
        pipe: Brings a pickled `Start`, then pickled jobs, then b"".
        abandoned: Is called, from another thread, when the pipe ends without that.

    Returns:
        The exit code of the process; 1 when it could not go on.
    """
    # Pickles are read from the supervisor only, which started this very process.
    start: Start = pickle.loads(pipe.recv_bytes())  # noqa: S301
    sending = threading.Lock()

    def tell(message: Message) -> None:
        # Whoever logs may do so from any thread.
        with sending, contextlib.suppress(OSError):
            pipe.send_bytes(to_line(message))

    forward_logs(tell, start.log_levels)
    inbox: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(
        target=_receive, args=(pipe, inbox, abandoned), daemon=True
    ).start()
    station = Station(start.task, start.build_tools, tell)
    with contextlib.closing(station):
        going = station.open()
        while going and (content := inbox.get()):
            job: Job = pickle.loads(content)  # noqa: S301
            going = station.work(job)
    return 0 if going else 1


def import_ahead(modules: Sequence[str]) -> None:
    """Import what a worker will need; what fails does so again, and is told, later."""
    for name in modules:
        with contextlib.suppress(Exception):
            importlib.import_module(name)


def die_with(parent: int) -> None:
    """Have this process killed when its parent ends, and end if it has already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def _receive(
    pipe: Connection, inbox: "queue.SimpleQueue[bytes]", abandoned: Callable[[], None]
) -> None:
    """Pass on what comes; a thread of its own notices the end while a job goes on."""
    content = b"?"
    while content:
        try:
            content = pipe.recv_bytes()
        except (OSError, EOFError):
            abandoned()
            content = b""
        inbox.put(content)
