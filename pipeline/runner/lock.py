"""One run at a time in a state folder; the lock dies with its process."""

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from pipeline.errors import Locked, OutputTrouble
from pipeline.names import shown
from pipeline.records import Workplace

FILE_NAME = "lock"
PATIENCE_S = 0.5
"""How long a holder may take between locking the file and writing who it is."""


def this_process(started: datetime) -> dict[str, str]:
    """Return who this process is, as whoever comes second is told."""
    return {
        "pid": str(os.getpid()),
        "host": socket.gethostname(),
        "started": started.isoformat(timespec="seconds"),
    }


@contextlib.contextmanager
def hold(state: Path, holder: dict[str, str]) -> Iterator[None]:
    """Hold the state folder against every other run, on this machine or its shares.

    Args:
        state: An existing folder.
        holder: Who holds it: "pid", "host" and "started"; told to whoever comes second.

    Raises:
        Locked: another run holds it.
        OutputTrouble: its file cannot be written, or this file system has no locks.
    """
    with _locked(state, holder, fcntl.LOCK_EX):
        yield


@contextlib.contextmanager
def beside_others(place: Workplace, holder: dict[str, str]) -> Iterator[None]:
    """Hold the folder that shards share against runs that want it for themselves.

    A run that has its output alone has nothing to hold here.

    Args:
        place: A shard's state folder lies in the folder that is shared.
        holder: As for `hold`.

    Raises:
        Locked: a run that is no shard, or a merge, holds it.
        OutputTrouble: its file cannot be written, or this file system has no locks.
    """
    if not place.lane:
        yield
        return
    with _locked(place.state.parent, holder, fcntl.LOCK_SH):
        yield


@contextlib.contextmanager
def _locked(state: Path, holder: dict[str, str], kind: int) -> Iterator[None]:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    with _trouble_in_a_sentence(state):
        descriptor = os.open(state / FILE_NAME, flags, 0o644)
    try:
        with _trouble_in_a_sentence(state):
            try:
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Locked(_who(descriptor, state)) from error
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(holder).encode(), 0)
        yield
    finally:
        # The file stays: removing it would let two runs lock two files of one name.
        os.close(descriptor)


@contextlib.contextmanager
def _trouble_in_a_sentence(state: Path) -> Iterator[None]:
    """Turn what the system says about the lock's file into one sentence.

    Raises:
        OutputTrouble: in place of the error.
    """
    try:
        yield
    except OSError as error:
        raise OutputTrouble(
            f"{shown(state)} cannot be locked ({error.strerror}); make room or give "
            "access, then run the same command again to go on"
        ) from error


def _who(descriptor: int, state: Path) -> str:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            holder = json.loads(os.pread(descriptor, 10_000, 0))
            who = "process {pid} on {host}, started {started}".format_map(holder)
            break
        except (ValueError, KeyError, TypeError):
            who = "a process that has not said its name yet"
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    return (
        f"another run holds {shown(state)}: {shown(who)}; wait for it, or choose "
        "another output folder"
    )
