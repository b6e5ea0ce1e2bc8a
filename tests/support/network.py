"""Which addresses a program wants to reach, as the kernel sees it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STRACE = shutil.which("strace")
OUTWARDS = re.compile(r"sa_family=(AF_INET6?|AF_PACKET)\b[^}]*")


def untraceable(folder: Path) -> str:
    """Return why system calls cannot be watched here; "" where they can.

    Args:
        folder: Where the log of a trial goes.
    """
    if STRACE is None:
        return "strace is not installed"
    words = ("-f", "--seccomp-bpf", "-e", "trace=connect", "-o", folder / "trial.log")
    tried = subprocess.run(
        [STRACE, *words, "true"],
        check=False,
        capture_output=True,
        text=True,
    )
    if tried.returncode:
        return f"processes may not be traced here: {tried.stderr.strip()}"
    return ""


def reached(words: list[str], log: Path) -> list[str]:
    """Run a program, and return the addresses it wanted to connect or send to."""
    assert STRACE is not None
    calls = "trace=connect,sendto,sendmsg,sendmmsg"
    environment = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
    shown = subprocess.run(
        [STRACE, "-f", "--seccomp-bpf", "-e", calls, "-o", log, sys.executable, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**environment, "HF_HUB_OFFLINE": "0", "YOLO_OFFLINE": "false"},
    )
    assert shown.returncode in {0, 1}, shown.stderr
    return [match[0] for match in OUTWARDS.finditer(log.read_text(errors="replace"))]
