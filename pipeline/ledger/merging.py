"""Join the ledgers of shards into the one of their folder.

What was joined before is passed over, so that joining twice, or once more when a shard
has gone on, does no harm. The pictures that a shard keeps for the report stay where
they are; their paths get the shard's folder in front.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.errors import LedgerTrouble, UsageError
from pipeline.ledger.opening import open_sound, open_to_read, trouble_in_a_sentence
from pipeline.ledger.schema import check_version, migrate
from pipeline.ledger.store import FILE_NAME
from pipeline.names import shown
from pipeline.records import Outcome
from pipeline.wire import from_text, to_text

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of joining."""

    fresh: int
    """Results that were not there yet."""

    pictures: int
    """Pictures that the shards know."""

    unfinished: int
    """Those of them that have no outcome yet."""


def merge(state: Path, shards: Sequence[Path]) -> Merged:
    """Join the ledgers of shards into the ledger of the folder that holds them.

    Args:
        state: The state folder; nobody else may be writing to it.
        shards: State folders of shards, in `state`; none of them may be running.

    Raises:
        UsageError: two shards tell different things of one picture.
        LedgerTrouble: a ledger cannot be read or written; then nothing was joined.
    """
    for shard in shards:
        _bring_up_to_date(shard / FILE_NAME)
    _check_agreement(shards)
    main, _ = open_sound(state / FILE_NAME)
    with contextlib.closing(main), trouble_in_a_sentence(state / FILE_NAME):
        migrate(main)
        main.execute("BEGIN IMMEDIATE")
        try:
            fresh = sum(_join(main, state, shard) for shard in shards)
            main.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                main.execute("ROLLBACK")
            raise
    counts = [_counts(shard) for shard in shards]
    return Merged(fresh, sum(n for n, _ in counts), sum(n for _, n in counts))


def _bring_up_to_date(path: Path) -> None:
    """Bring a ledger to the newest schema; one that is damaged is not moved aside.

    Raises:
        LedgerTrouble: it cannot be read.
    """
    with trouble_in_a_sentence(path):
        connection = sqlite3.connect(path, isolation_level=None)
        with contextlib.closing(connection):
            (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if answer != "ok":
                raise LedgerTrouble(
                    f"the ledger {shown(path)} is damaged ({answer}); run that shard "
                    "once more, and merge again"
                )
            migrate(connection)


def _check_agreement(shards: Sequence[Path]) -> None:
    """Refuse shards that worked on one picture with different results.

    Raises:
        UsageError: they did, because the folder was split in two ways.
    """
    told: dict[bytes, tuple[tuple[str, ...], Path]] = {}
    quarrels: list[str] = []
    for shard in shards:
        with _reading(shard) as connection:
            rows = connection.execute(
                "SELECT key, digest, status, output_digest FROM pictures "
                "WHERE state = 'done'"
            )
            for key, *said in rows:
                before, other = told.setdefault(key, (tuple(said), shard))
                if before != tuple(said):
                    name = shown(os.fsdecode(key))
                    quarrels.append(f"{name} ({other.name} and {shard.name})")
    if quarrels:
        raise UsageError(
            f"two shards tell different things of {len(quarrels)} pictures, such as "
            f"{', '.join(quarrels[:3])}; the folder was split in two ways: move away "
            "the shard folders of one of them, and merge again"
        )


def _join(main: sqlite3.Connection, state: Path, shard: Path) -> int:
    """Add what a shard knows and the folder does not; return how many results."""
    fresh = 0
    with _reading(shard) as source:
        theirs = _copy_runs(main, source)
        started = dict(main.execute("SELECT run_id, started FROM runs").fetchall())
        for row in _rows(source, "SELECT * FROM pictures ORDER BY key"):
            before = main.execute(
                "SELECT state, run_id FROM pictures WHERE key = ?", (row["key"],)
            ).fetchone()
            ours_is_newer = (
                before is not None
                and before[0] == "done"
                and before[1] not in theirs
                and started.get(before[1], "") > started.get(row["run_id"], "")
            )
            if ours_is_newer:
                continue
            added = _copy_results(main, source, row["key"], shard.relative_to(state))
            fresh += added
            if row["state"] != "done":
                _queue(main, row)
            elif added or before is None or before[0] != "done":
                _put(main, "pictures", row, "REPLACE")
        for row in _rows(source, "SELECT * FROM decisions ORDER BY number"):
            _copy_decision(main, row)
    return fresh


def _copy_runs(main: sqlite3.Connection, source: sqlite3.Connection) -> frozenset[str]:
    """Copy the runs of a shard, and return their ids."""
    runs = list(_rows(source, "SELECT * FROM runs ORDER BY rowid"))
    for row in runs:
        _put(main, "runs", row, "IGNORE")
    return frozenset(row["run_id"] for row in runs)


def _copy_results(
    main: sqlite3.Connection, source: sqlite3.Connection, key: bytes, below: Path
) -> int:
    """Copy the results of one picture that are not there yet; return how many."""
    fresh = 0
    select = "SELECT * FROM results WHERE key = ? ORDER BY number"
    for row in _rows(source, select, key):
        text = to_text(_moved(from_text(Outcome, row["outcome"]), below))
        there = main.execute(
            "SELECT 1 FROM results WHERE key = ? AND run_id = ? AND outcome = ?",
            (key, row["run_id"], text),
        ).fetchone()
        if there is None:
            del row["number"]
            _put(main, "results", {**row, "outcome": text}, "ABORT")
            fresh += 1
    return fresh


def _copy_decision(main: sqlite3.Connection, row: Row) -> None:
    same = "SELECT 1 FROM decisions WHERE digest = ? AND decided = ?"
    if main.execute(same, (row["digest"], row["decided"])).fetchone() is None:
        del row["number"]
        _put(main, "decisions", row, "ABORT")


def _queue(main: sqlite3.Connection, row: Row) -> None:
    """Note a picture that a shard has not finished, unless it is known already."""
    main.execute(
        "INSERT OR IGNORE INTO pictures (key, root, state, run_id) "
        "VALUES (?, ?, 'queued', ?)",
        (row["key"], row["root"], row["run_id"]),
    )


def _put(main: sqlite3.Connection, table: str, row: Row, on_conflict: str) -> None:
    names = ", ".join(row)
    marks = ", ".join("?" * len(row))
    main.execute(
        f"INSERT OR {on_conflict} INTO {table} ({names}) VALUES ({marks})",  # noqa: S608
        tuple(row.values()),
    )


def _moved(outcome: Outcome, below: Path) -> Outcome:
    """Return the outcome with the shard's folder before every kept picture."""

    def at(path: str) -> str:
        return f"{below.as_posix()}/{path}" if path else ""

    return replace(
        outcome,
        attempts=tuple(replace(a, picture=at(a.picture)) for a in outcome.attempts),
        choices=tuple(
            replace(c, before=at(c.before), mask=at(c.mask)) for c in outcome.choices
        ),
        checkpoints=tuple(at(path) for path in outcome.checkpoints),
        preview_before=at(outcome.preview_before),
        preview_after=at(outcome.preview_after),
    )


def _counts(shard: Path) -> tuple[int, int]:
    """Return how many pictures a shard knows, and how many are not finished."""
    with _reading(shard) as connection:
        states = connection.execute("SELECT state FROM pictures").fetchall()
    return len(states), sum(state != "done" for (state,) in states)


@contextlib.contextmanager
def _reading(shard: Path) -> Iterator[sqlite3.Connection]:
    path = shard / FILE_NAME
    connection = open_to_read(path)
    with contextlib.closing(connection), trouble_in_a_sentence(path):
        check_version(connection)
        yield connection


def _rows(
    connection: sqlite3.Connection, select: str, *values: object
) -> Iterator[Row]:
    cursor = connection.execute(select, values)
    names = [column[0] for column in cursor.description]
    for row in cursor.fetchall():
        yield dict(zip(names, row, strict=True))
