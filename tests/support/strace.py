"""Runs work in a forked child under strace, which can kill it or make a call fail."""

import contextlib
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

CALLS = (
    *("openat", "mkdir", "mkdirat", "rmdir", "write", "pwrite64", "fallocate"),
    *("fsync", "fdatasync", "ftruncate", "truncate", "link", "linkat"),
    *("rename", "renameat", "renameat2", "unlink", "unlinkat"),
)
"""All by which this program changes a disk."""

_LINE = re.compile(r"^(?P<pid>\d+) +(?P<name>\w+)\((?P<rest>.*)$")
_WRITING = ("O_CREAT", "O_WRONLY", "O_RDWR", "O_TRUNC")
_PR_SET_PTRACER = 0x59616D61
BUG = 70


@dataclass(frozen=True, slots=True)
class Call:
    """One system call of a run: the n-th of its name."""

    name: str
    nth: int

    def __str__(self) -> str:
        return f"{self.name} no. {self.nth}"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended."""

    code: int | None
    """Its exit code; None when it was killed."""

    log: tuple[str, ...]
    """What strace wrote."""

    @property
    def injected(self) -> int:
        """How many calls were made to fail."""
        return sum("(INJECTED)" in line for line in self.log)


def run(work: Callable[[], int], *, calls: str = "", inject: str = "") -> Ended:
    """Run work in a forked child, and trace it.

    Args:
        work: Returns the exit code.
        calls: What is traced, as `strace -e trace=` has it; "" for all of `CALLS`.
        inject: What is injected, as `strace -e inject=` has it; "" for nothing.
    """
    child = _fork_stopped(work)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        names = calls or ",".join(f"?{name}" for name in CALLS)
        words = ["strace", "-f", "-y", "-s", "0", "-o", str(log), "-p", str(child)]
        words += ["-e", f"trace={names}", "-e", "signal=none"]
        words += ["-e", f"inject={inject}"] if inject else []
        with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as tracer:
            assert tracer.stderr is not None
            told = tracer.stderr.readline()
            os.kill(child, signal.SIGCONT if "attached" in told else signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            tracer.stderr.read()
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    if "attached" not in told:
        raise RuntimeError(f"strace: {told.strip()}")
    code = None if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    return Ended(code, tuple(lines))


@lru_cache(maxsize=1)
def why_not() -> str:
    """Say why nothing can be traced on this machine; "" when it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    try:
        ended = run(lambda: 3)
    except (OSError, RuntimeError) as error:
        return str(error)
    return "" if ended.code == 3 else "strace lost the process that it traced"


def changing(ended: Ended, folder: Path) -> list[Call]:
    """Return the calls of a traced run that change something below a folder."""
    counts: Counter[str] = Counter()
    found = []
    for line in ended.log:
        seen = _LINE.match(line)
        if seen is None:
            continue
        name, rest = seen["name"], seen["rest"]
        counts[name] += 1
        opens = name == "openat" and not any(flag in rest for flag in _WRITING)
        if str(folder) in rest and not opens:
            found.append(Call(name, counts[name]))
    return found


def _fork_stopped(work: Callable[[], int]) -> int:
    """Fork a child that waits for SIGCONT, and then works."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        code = BUG
        try:
            sys.dont_write_bytecode = True
            with contextlib.suppress(AttributeError, OSError):
                ctypes.CDLL(None).prctl(_PR_SET_PTRACER, ctypes.c_ulong(-1))
            os.kill(os.getpid(), signal.SIGSTOP)
            code = work()
        except BaseException:  # noqa: BLE001  whatever it is, it ends here
            traceback.print_exc()
        finally:
            os._exit(code)
    os.waitpid(child, os.WUNTRACED)
    return child
