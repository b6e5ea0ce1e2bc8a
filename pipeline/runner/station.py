"""Where a supervised worker works: it builds its tools once, and tells what it does.

The same station stands in a worker process and in an actor of a cluster; only the way
in which jobs come and messages go is another.
"""

import logging
import resource
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from detectors.errors import DetectorError
from pipeline.errors import ExitCode, NightmendError, exit_code_for
from pipeline.logs import PACKAGES
from pipeline.runner.contract import BuildTools, Job, Task
from pipeline.runner.messages import Began, Finished, Message, Ready, Refused, Said
from pipeline.runner.worker import Worker, build_worker

Tell = Callable[[Message], None]

_STATM = Path("/proc/self/statm")


class Station:
    """Works on one job at a time."""

    def __init__(self, task: Task, build_tools: BuildTools, tell: Tell) -> None:
        self._task = task
        self._build_tools = build_tools
        self._tell = tell
        self._worker: Worker | None = None

    def open(self) -> bool:
        """Build the tools, and tell how that went; False when it did not."""
        try:
            self._worker = build_worker(
                self._task, self._build_tools, lambda stage: self._tell(Began(stage))
            )
        except Exception as error:  # noqa: BLE001  told whole, to who can end the run
            self._tell(_refusal(error))
            return False
        self._tell(Ready(self._worker.engine, own_modules()))
        return True

    def work(self, job: Job) -> bool:
        """Do one job, and tell what came of it; False when the worker cannot go on."""
        if self._worker is None:
            raise ValueError("a station must be opened before it can work")
        try:
            result = self._worker.work(job)
        except NightmendError as error:
            self._tell(_refusal(error))
            return False
        self._tell(Finished(result, resident_mib()))
        return True

    def close(self) -> None:
        """Free the tools; calling it twice does no harm."""
        if self._worker is not None:
            self._worker.close()


class Forwarder(logging.Handler):
    """Sends what is logged here to the log of the supervisor."""

    def __init__(self, tell: Tell) -> None:
        super().__init__()
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        told = record.exc_info
        trace = "".join(traceback.format_exception(*told)) if told else ""
        self._tell(Said(record.name, record.levelno, record.getMessage(), trace))


def forward_logs(tell: Tell, levels: dict[str, int]) -> None:
    """Send the logs of both packages on, from the given levels up, and nowhere else."""
    for name in PACKAGES:
        logger = logging.getLogger(name)
        logger.handlers[:] = [Forwarder(tell)]
        logger.setLevel(levels.get(name, logging.WARNING))


def log_levels() -> dict[str, int]:
    """Return the levels at which both packages log in this process."""
    return {name: logging.getLogger(name).getEffectiveLevel() for name in PACKAGES}


def own_modules() -> tuple[str, ...]:
    """Return what of this program is imported, in the order in which it began to be."""
    names = [*sys.modules]
    return tuple(name for name in names if name.partition(".")[0] in PACKAGES)


def resident_mib() -> float:
    """Return the memory that this process holds; elsewhere than on Linux, its most."""
    try:
        pages = int(_STATM.read_text().split()[1])
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most / (2**20 if sys.platform == "darwin" else 2**10)
    return pages * resource.getpagesize() / 2**20


def _refusal(error: Exception) -> Refused:
    code = exit_code_for(error)
    expected = isinstance(error, NightmendError | DetectorError)
    if not expected or code is ExitCode.BUG:
        trace = "".join(traceback.format_exception(error))
        return Refused(int(code), f"{type(error).__name__}: {error}\n{trace}")
    return Refused(int(code), str(error))
