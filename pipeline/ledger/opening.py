"""Open the ledger's file: how it is written, whether it is sound, what went wrong."""

import contextlib
import itertools
import logging
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import LedgerTrouble
from pipeline.ledger.filesystem import journal_mode_for

log = logging.getLogger(__name__)

WAIT_S = 30.0
"""How long a statement waits for a reader that holds the file."""


def open_sound(path: Path) -> tuple[sqlite3.Connection, Path | None]:
    """Open the file for writing, or make it; a damaged one is moved aside first.

    Returns:
        A connection in autocommit mode, and where the damaged file was put, or None.

    Raises:
        LedgerTrouble: the file cannot be opened or made.
    """
    with trouble_in_a_sentence(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        damage = _damage(path) if path.exists() else ""
        if not damage:
            return _connect(path), None
        aside = _move_aside(path)
        log.warning(
            "the ledger %s is damaged (%s); it is kept as %s, and every picture is "
            "gone over again",
            path,
            damage,
            aside.name,
        )
        return _connect(path), aside


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open an existing ledger without ever changing it, also beside a running writer.

    Raises:
        LedgerTrouble: the file cannot be opened.
    """
    with trouble_in_a_sentence(path):
        try:
            # Not `mode=ro`: that leaves journal files behind, which it may not delete.
            return _opened(path, "mode=rw")
        except sqlite3.OperationalError:
            # Nobody can write to a folder that can only be read, so nothing is missed.
            if os.access(path.parent, os.W_OK):
                raise
            return _opened(path, "immutable=1")


def check_in_place(path: Path) -> None:
    """Make sure that an open ledger still lies where it was opened.

    A folder that is moved, deleted or unmounted takes the open file along, and what is
    written to it from then on no later run would know of.

    Raises:
        LedgerTrouble: it is gone.
    """
    if not path.exists():
        raise LedgerTrouble(
            f"the ledger {path} is gone; bring its folder back, then run the same "
            "command again to go on"
        )


def _opened(path: Path, query: str) -> sqlite3.Connection:
    uri = f"{path.resolve().as_uri()}?{query}"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=WAIT_S)
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("SELECT COUNT(*) FROM sqlite_master")
    except BaseException:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def trouble_in_a_sentence(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system raise into one sentence.

    Raises:
        LedgerTrouble: in place of the error.
    """
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise LedgerTrouble(
            f"the ledger {path} cannot be used: {error}; make room or give access, "
            "and run the same command again"
        ) from error


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=WAIT_S)
    mode = journal_mode_for(path.parent)
    if mode != "WAL":
        log.warning("%s is on a network file system; the ledger is slower there", path)
    connection.execute(f"PRAGMA journal_mode = {mode}")
    # NORMAL may roll committed rows back after a power cut in WAL mode.
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _damage(path: Path) -> str:
    """Return what is wrong inside the file, or ""."""
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=WAIT_S)
        try:
            (answer,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        finally:
            connection.close()
    except sqlite3.OperationalError:
        # A lock, a missing right, an I/O error: not a reason to give the file up.
        raise
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if answer == "ok" else str(answer)


def _move_aside(path: Path) -> Path:
    """Rename the ledger and its journals to names that are free; return the new name.

    Raises:
        OSError: the folder cannot be written.
    """
    names = (path.with_name(f"{path.stem}.damaged-{n}") for n in itertools.count(1))
    aside = next(name for name in names if not name.exists())
    path.rename(aside)
    for suffix in ("-wal", "-shm", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(
                aside.with_name(aside.name + suffix)
            )
    return aside
