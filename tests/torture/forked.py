"""Where runs are put to the test: in forked children, which may be killed or crash."""

import contextlib
import os
import shutil
import signal
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from pipeline.errors import exit_code_for

MEMORY, NEEDED = Path("/dev/shm"), 2 * 2**30


@contextlib.contextmanager
def workplace(parent: Path | None = None) -> Iterator[Path]:
    """Make a folder, in memory where there is room: a kill asks nothing of a disk."""
    fits = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > NEEDED
    quick = str(MEMORY) if fits else None
    with tempfile.TemporaryDirectory(
        prefix="nightmend-torture-", dir=parent or quick
    ) as folder:
        yield Path(folder)


def fork(work: Callable[[], int]) -> int:
    """Return the id of a child whose exit code is what the work returns.

    What the work raises becomes an exit code as it does for the command.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        code = 70
        try:
            code = int(work())
        except Exception as error:  # noqa: BLE001  as the command does
            code = int(exit_code_for(error))
            if code == 70:
                traceback.print_exc()
        finally:
            os._exit(code)
    return child


def ended(child: int) -> int:
    """Wait for a child; return its exit code, negative for a signal."""
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def in_child(work: Callable[[], int]) -> int:
    """Do work in a child to its end; return its exit code, negative for a signal."""
    return ended(fork(work))


def killed_after(work: Callable[[], int], seconds: float) -> bool:
    """Do work in a child that is killed; tell whether that met it alive."""
    child = fork(work)
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        time.sleep(min(0.001, left))
    os.kill(child, signal.SIGKILL)
    return ended(child) == -signal.SIGKILL
