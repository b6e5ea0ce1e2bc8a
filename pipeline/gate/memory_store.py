"""The file in which a check remembers what it saw; nothing else reads or writes it."""

import contextlib
import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from pipeline.records import Outcome
from pipeline.wire import from_text, to_text

log = logging.getLogger(__name__)

FILE_NAME = "checks.sqlite"
VERSION = 1
"""A file of another version is thrown away; all it holds can be made anew."""

MOST_OUTCOMES = 500_000
"""More than this are trimmed, those that were not needed for longest first."""

_DAY_S = 86_400
_TABLES = (
    """
    CREATE TABLE outcomes (
        digest TEXT NOT NULL, basis TEXT NOT NULL, used INTEGER NOT NULL,
        outcome TEXT NOT NULL, PRIMARY KEY (digest, basis)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE files (
        path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
        ctime_ns INTEGER NOT NULL, inode INTEGER NOT NULL, digest TEXT NOT NULL,
        used INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
)


class StoreTrouble(Exception):
    """The file cannot be used; the text says why."""


class FileSeen(Protocol):
    """What `stat` said about a file."""

    @property
    def size(self) -> int: ...
    @property
    def mtime_ns(self) -> int: ...
    @property
    def ctime_ns(self) -> int: ...
    @property
    def inode(self) -> int: ...


class Store:
    """One open file; several processes may have it open."""

    def __init__(self, connection: sqlite3.Connection, place: str) -> None:
        self._connection, self._place = connection, place
        self._waiting: list[tuple[str, tuple[Any, ...]]] = []
        self._today = int(time.time()) // _DAY_S

    @classmethod
    def opened(cls, file: Path) -> "Store":
        """Open the file, or make it; one that is damaged or foreign is made anew.

        Where that is not possible either, what is kept lasts as long as the process.
        """
        for attempt in range(2):
            try:
                file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                return cls(_connected(file), str(file))
            except (sqlite3.Error, OSError) as error:
                busy = isinstance(error, sqlite3.OperationalError)
                if attempt or busy or not isinstance(error, sqlite3.Error):
                    log.warning("nothing is remembered in %s: %s", file, error)
                    break
                log.warning("%s is damaged (%s); it is made anew", file, error)
                _delete(file)
        connection = sqlite3.connect(":memory:", isolation_level=None)
        _make_tables(connection)
        return cls(connection, "memory")

    def close(self) -> None:
        """Close the file; calling it twice does no harm."""
        self._connection.close()

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Read many in one transaction, which no other check has to wait for.

        What is to be kept is written by `flush` afterwards.

        Raises:
            StoreTrouble: the file cannot be read.
        """
        with self._transaction("BEGIN"):
            yield

    def flush(self) -> None:
        """Write what is to be kept.

        Raises:
            StoreTrouble: the file cannot be written, or another check writes for long.
        """
        with self._transaction("BEGIN IMMEDIATE"):
            for statement, values in self._waiting:
                self._connection.execute(statement, values)
        self._waiting.clear()

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        try:
            self._connection.execute(begin)
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise StoreTrouble(
                f"the memory {self._place} cannot be used: {error}"
            ) from error

    def knows_any(self, basis: str) -> bool:
        """Tell whether anything was ever seen on this basis."""
        found = self._connection.execute(
            "SELECT 1 FROM outcomes WHERE basis = ? LIMIT 1", (basis,)
        )
        return found.fetchone() is not None

    def digest_of(self, path: Path, seen: FileSeen) -> str:
        """Return the digest of a file that is as it was seen; "" when it is not."""
        name = os.fsencode(path)
        row = self._connection.execute(
            "SELECT digest, used FROM files WHERE path = ? AND size = ? "
            "AND mtime_ns = ? AND ctime_ns = ? AND inode = ?",
            (name, seen.size, seen.mtime_ns, seen.ctime_ns, seen.inode),
        ).fetchone()
        if row is None:
            return ""
        if row[1] != self._today:
            self._waiting.append(
                ("UPDATE files SET used = ? WHERE path = ?", (self._today, name))
            )
        return str(row[0])

    def outcome_of(self, digest: str, basis: str) -> Outcome | None:
        """Return what was seen in a picture; None when nobody looked on this basis."""
        row = self._connection.execute(
            "SELECT outcome, used FROM outcomes WHERE digest = ? AND basis = ?",
            (digest, basis),
        ).fetchone()
        if row is None:
            return None
        if row[1] != self._today:
            update = "UPDATE outcomes SET used = ? WHERE digest = ? AND basis = ?"
            self._waiting.append((update, (self._today, digest, basis)))
        try:
            return from_text(Outcome, row[0])
        except ValueError:
            return None

    def keep_outcome(self, outcome: Outcome, basis: str) -> None:
        """Keep what was seen in a picture, from the next `flush` on."""
        values = (outcome.digest, basis, self._today, to_text(outcome))
        self._waiting.append(
            ("INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?, ?)", values)
        )

    def keep_file(self, path: Path, seen: FileSeen, digest: str) -> None:
        """Keep what a file holds while `stat` says the same, from `flush` on."""
        values = (
            os.fsencode(path),
            seen.size,
            seen.mtime_ns,
            seen.ctime_ns,
            seen.inode,
            digest,
            self._today,
        )
        self._waiting.append(
            ("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        )

    def counts(self) -> tuple[int, int]:
        """Return how many outcomes and how many files are known."""
        outcomes, files = (
            self._connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]  # noqa: S608  two constants
            for table in ("outcomes", "files")
        )
        return int(outcomes), int(files)

    def trim(self, most: int = MOST_OUTCOMES) -> None:
        """Forget what was not needed for longest, down to that many of each.

        Raises:
            StoreTrouble: the file cannot be written.
        """
        with self._transaction("BEGIN IMMEDIATE"):
            surplus = [max(0, count - most) for count in self.counts()]
            if surplus[0]:
                self._connection.execute(
                    "DELETE FROM outcomes WHERE (digest, basis) IN (SELECT digest, "
                    "basis FROM outcomes ORDER BY used, digest LIMIT ?)",
                    (surplus[0],),
                )
            if surplus[1]:
                self._connection.execute(
                    "DELETE FROM files WHERE path IN "
                    "(SELECT path FROM files ORDER BY used, path LIMIT ?)",
                    (surplus[1],),
                )


def _connected(file: Path) -> sqlite3.Connection:
    # What is kept names prompts and folders: it is nobody's business but the user's.
    os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(file, isolation_level=None, timeout=5.0)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == VERSION:
            connection.execute("SELECT used FROM outcomes LIMIT 1").fetchone()
            return connection
        if version:
            raise sqlite3.DatabaseError(f"it is of version {version}")
        _make_tables(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _make_tables(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != VERSION:
        for table in _TABLES:
            connection.execute(table)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _delete(file: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{file}{suffix}").unlink(missing_ok=True)
