"""Read a ledger: the runs, what came of each picture, what a report needs."""

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.ledger.decided import NEWEST_DECISIONS, decision_from
from pipeline.ledger.opening import open_to_read, trouble_in_a_sentence
from pipeline.ledger.schema import check_version
from pipeline.ledger.store import FILE_NAME
from pipeline.records import Decision, Outcome, RunInfo, RunSummary
from pipeline.wire import from_text


def runs(state: Path) -> tuple[RunInfo, ...]:
    """Return every run that this state folder knows, oldest first.

    Raises:
        UsageError: there is no ledger.
        LedgerTrouble: it cannot be read.
    """
    with _reading(state) as connection:
        rows = connection.execute("SELECT * FROM runs ORDER BY started, rowid")
        return tuple(_run(row) for row in rows)


def summary(state: Path, run_id: str | None = None) -> RunSummary:
    """Return what reports read.

    Args:
        state: The state folder.
        run_id: One run: what that run itself finished. None: the newest run, with the
            newest outcome of every picture of the folder, whichever run made it.

    Raises:
        UsageError: there is no ledger, or no such run.
        LedgerTrouble: it cannot be read.
    """
    with _reading(state) as connection:
        info = _one_run(connection, state, run_id)
        if run_id is None:
            rows = connection.execute(
                "SELECT outcome FROM results WHERE number IN "
                "(SELECT MAX(number) FROM results GROUP BY key) ORDER BY key"
            )
        else:
            rows = connection.execute(
                "SELECT outcome FROM results WHERE number IN "
                "(SELECT MAX(number) FROM results WHERE run_id = ? GROUP BY key) "
                "ORDER BY key",
                (run_id,),
            )
        outcomes = [from_text(Outcome, text) for (text,) in rows]
    return RunSummary(info, tuple(sorted(outcomes, key=lambda outcome: outcome.key)))


def states(state: Path) -> dict[str, int]:
    """Return how many pictures stand at queued, claimed, staged and done.

    Raises:
        UsageError: there is no ledger.
        LedgerTrouble: it cannot be read.
    """
    with _reading(state) as connection:
        rows = connection.execute("SELECT state, COUNT(*) FROM pictures GROUP BY state")
        return {name: int(count) for name, count in rows}


def published(state: Path) -> dict[str, str]:
    """Return the digest of every output that should be there, by its path.

    Raises:
        UsageError: there is no ledger.
        LedgerTrouble: it cannot be read.
    """
    with _reading(state) as connection:
        rows = connection.execute(
            "SELECT output, output_digest FROM pictures WHERE output != x'' "
            "AND output_digest != '' ORDER BY output"
        )
        return {os.fsdecode(output): str(digest) for output, digest in rows}


def roots(state: Path) -> dict[str, Path]:
    """Return the source folder of every picture, by key.

    Raises:
        UsageError: there is no ledger.
        LedgerTrouble: it cannot be read.
    """
    with _reading(state) as connection:
        rows = connection.execute("SELECT key, root FROM pictures WHERE root != x''")
        return {os.fsdecode(key): Path(os.fsdecode(root)) for key, root in rows}


def output_digests(state: Path, key: str) -> frozenset[str]:
    """Return the digests of all that was ever published for a picture.

    Raises:
        UsageError: there is no ledger.
        LedgerTrouble: it cannot be read.
    """
    with _reading(state) as connection:
        rows = connection.execute(
            "SELECT output_digest FROM results WHERE key = ?", (os.fsencode(key),)
        ).fetchall()
    return frozenset(digest for (digest,) in rows if digest)


def decisions(state: Path) -> tuple[Decision, ...]:
    """Return what people decided, the newest for each content, in the order made.

    Raises:
        UsageError: there is no ledger.
        LedgerTrouble: it cannot be read.
    """
    with _reading(state) as connection:
        rows = connection.execute(NEWEST_DECISIONS).fetchall()
    return tuple(decision_from(text) for (text,) in rows)


def machine_outcome(state: Path, key: str) -> Outcome | None:
    """Return what a run itself last made of a picture, whatever a person changed since.

    Raises:
        UsageError: there is no ledger.
        LedgerTrouble: it cannot be read.
    """
    with _reading(state) as connection:
        row = connection.execute(
            "SELECT outcome FROM results WHERE key = ? AND reviewed = 0 "
            "ORDER BY number DESC LIMIT 1",
            (os.fsencode(key),),
        ).fetchone()
    return from_text(Outcome, row[0]) if row else None


@contextlib.contextmanager
def _reading(state: Path) -> Iterator[sqlite3.Connection]:
    path = state / FILE_NAME
    if not path.is_file():
        raise UsageError(
            f"there is no ledger in {state}; name the output folder of a repair, or "
            "the --state folder of a check"
        )
    connection = open_to_read(path)
    try:
        with trouble_in_a_sentence(path):
            check_version(connection)
            yield connection
    finally:
        connection.close()


def _one_run(
    connection: sqlite3.Connection, state: Path, run_id: str | None
) -> RunInfo:
    if run_id is None:
        newest = "SELECT * FROM runs ORDER BY started DESC, rowid DESC LIMIT 1"
        row = connection.execute(newest).fetchone()
    else:
        same = "SELECT * FROM runs WHERE run_id = ?"
        row = connection.execute(same, (run_id,)).fetchone()
    if row is None:
        wanted = "run" if run_id is None else f"run {run_id!r}"
        raise UsageError(f"there is no {wanted} in {state}; list them: nightmend runs")
    return _run(row)


def _run(row: tuple[str, ...]) -> RunInfo:
    run_id, command, argv, sources, output, *rest = row
    started, finished, ended_by, engine, settings_json, version, planned = rest
    return RunInfo(
        run_id=run_id,
        command=command,
        argv=tuple(json.loads(argv)),
        sources=tuple(json.loads(sources)),
        output=json.loads(output),
        started=started,
        finished=finished,
        ended_by=ended_by,
        engine=engine,
        settings_json=settings_json,
        version=version,
        planned=int(planned),
    )
