"""Write the ledger; nothing else does, but `merging` where shards are joined.

A picture goes queued -> claimed -> staged -> done. Every change of state is one
transaction, durable before the call returns (`synchronous=FULL`), and names the run
that owns the row, so that a late writer changes nothing.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pipeline.errors import LedgerTrouble
from pipeline.ledger.decided import INSERT_DECISION, decision_row
from pipeline.ledger.opening import (
    check_in_place,
    open_sound,
    trouble_in_a_sentence,
)
from pipeline.ledger.rows import (
    KNOWN_COLUMNS,
    NO_STAMP,
    Claim,
    Ending,
    Known,
    Stamp,
    known_from,
    run_row,
)
from pipeline.ledger.schema import migrate
from pipeline.records import Decision, Outcome, RunInfo
from pipeline.wire import from_text, to_text

FILE_NAME = "ledger.sqlite"


class Ledger:
    """One open ledger; a state folder has one writer, guarded by the run's lock."""

    def __init__(self, path: Path) -> None:
        """Open the ledger, or make it; a damaged one is moved aside.

        Raises:
            LedgerTrouble: it cannot be opened, or a newer version made it.
        """
        self.path = path
        self._connection, self.moved_aside = open_sound(path)
        with trouble_in_a_sentence(path):
            try:
                migrate(self._connection)
            except BaseException:
                self._connection.close()
                raise

    def close(self) -> None:
        """Close the file; calling it twice does no harm."""
        self._connection.close()

    def start_run(self, info: RunInfo) -> None:
        """Record that a run begins, or that one which watches has found more."""
        with self._transaction():
            self._connection.execute(
                "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (run_id) DO UPDATE SET finished = '', ended_by = '', "
                "planned = planned + excluded.planned",
                run_row(info),
            )

    def end_run(self, run_id: str, *, finished: str, ended_by: str) -> None:
        """Record when and why a run ended."""
        with self._transaction():
            self._connection.execute(
                "UPDATE runs SET finished = ?, ended_by = ? WHERE run_id = ?",
                (finished, ended_by, run_id),
            )

    def queue(self, run_id: str, found: Iterable[tuple[Path, str]]) -> None:
        """Record which pictures (root, key) the run is going to work on.

        The root of a picture that is known already stays until it is claimed.
        """
        rows = [(os.fsencode(key), os.fsencode(root), run_id) for root, key in found]
        with self._transaction():
            self._connection.executemany(
                "INSERT INTO pictures (key, root, state, run_id) "
                "VALUES (?, ?, 'queued', ?) ON CONFLICT (key) DO UPDATE SET "
                "state = 'queued', run_id = excluded.run_id, staged_outcome = ''",
                rows,
            )

    def claim(self, run_id: str, claim: Claim) -> int:
        """Record that work on a picture begins; return which attempt it is, from 1."""
        values = (
            claim.worker,
            claim.stamp.size,
            claim.stamp.mtime_ns,
            os.fsencode(claim.root),
            claim.basis,
        )
        with self._transaction():
            self._change(
                run_id,
                claim.key,
                "UPDATE pictures SET state = 'claimed', attempt = attempt + 1, "
                "worker = ?, size = ?, mtime_ns = ?, root = ?, basis = ?",
                values,
            )
            (attempt,) = self._connection.execute(
                "SELECT attempt FROM pictures WHERE key = ?", (os.fsencode(claim.key),)
            ).fetchone()
        return int(attempt)

    def staged(self, run_id: str, outcome: Outcome) -> None:
        """Record that a picture's output lies finished beside its final place."""
        with self._transaction():
            self._change(
                run_id,
                outcome.key,
                "UPDATE pictures SET state = 'staged', staged_outcome = ?",
                (to_text(outcome),),
            )

    def done(
        self,
        run_id: str,
        outcome: Outcome,
        *,
        severity: int = 0,
        written: Stamp = NO_STAMP,
        decision: Decision | None = None,
    ) -> None:
        """Record how it ended for a picture; its output, if any, lies in its place.

        Args:
            run_id: The run that claimed it.
            outcome: How it ended.
            severity: Of the worst finding that is still there.
            written: The stamp of the output; `NO_STAMP` when there is none.
            decision: What a person decided that led to it; recorded with it.
        """
        values = (
            outcome.digest,
            outcome.status.value,
            severity,
            os.fsencode(outcome.output),
            outcome.output_digest,
            written.size,
            written.mtime_ns,
        )
        with self._transaction():
            self._change(
                run_id,
                outcome.key,
                "UPDATE pictures SET state = 'done', staged_outcome = '', attempt = 0, "
                "losses = 0, orphaned = 0, digest = ?, status = ?, severity = ?, "
                "output = ?, output_digest = ?, output_size = ?, output_mtime_ns = ?",
                values,
            )
            self._connection.execute(
                "INSERT INTO results "
                "(run_id, key, status, output_digest, outcome, reviewed) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (
                    run_id,
                    os.fsencode(outcome.key),
                    outcome.status.value,
                    outcome.output_digest,
                    to_text(outcome),
                    decision is not None,
                ),
            )
            if decision is not None:
                self._connection.execute(INSERT_DECISION, decision_row(decision))

    def put_back(self, run_id: str, key: str) -> None:
        """Record that a picture was let go of, and waits again."""
        with self._transaction():
            self._change(
                run_id,
                key,
                "UPDATE pictures SET state = 'queued', staged_outcome = ''",
                (),
            )

    def lose(self, run_id: str, key: str) -> int:
        """Record that a worker died over a picture, and that the picture waits again.

        Returns:
            How many workers it has cost since it was last done.
        """
        with self._transaction():
            self._change(
                run_id,
                key,
                "UPDATE pictures SET state = 'queued', staged_outcome = '', "
                "losses = losses + 1",
                (),
            )
            (losses,) = self._connection.execute(
                "SELECT losses FROM pictures WHERE key = ?", (os.fsencode(key),)
            ).fetchone()
        return int(losses)

    def orphan(self) -> None:
        """Record of every unfinished picture that a run died while working on it."""
        with self._transaction():
            self._connection.execute(
                "UPDATE pictures SET state = 'queued', staged_outcome = '', "
                "orphaned = orphaned + 1 WHERE state IN ('claimed', 'staged')"
            )

    def restamp(self, key: str, root: Path, stamp: Stamp) -> None:
        """Record that an input has a new date or place, and the same bytes."""
        with self._transaction():
            self._connection.execute(
                "UPDATE pictures SET root = ?, size = ?, mtime_ns = ? WHERE key = ?",
                (os.fsencode(root), stamp.size, stamp.mtime_ns, os.fsencode(key)),
            )

    def known(self) -> dict[str, Known]:
        """Return what is known about every picture, by key."""
        with trouble_in_a_sentence(self.path):
            rows = self._connection.execute(
                f"SELECT {KNOWN_COLUMNS} FROM pictures"  # noqa: S608  a constant
            )
            return {known.key: known for known in map(known_from, rows)}

    def unfinished(self) -> list[str]:
        """Return the keys of the pictures that a killed run was working on."""
        with trouble_in_a_sentence(self.path):
            rows = self._connection.execute(
                "SELECT key FROM pictures WHERE state IN ('claimed', 'staged')"
            ).fetchall()
        return [os.fsdecode(key) for (key,) in rows]

    def endings(self) -> list[Ending]:
        """Return how it ended for every picture so far."""
        with trouble_in_a_sentence(self.path):
            rows = self._connection.execute(
                "SELECT key, status, severity FROM pictures"
            ).fetchall()
        return [Ending(os.fsdecode(key), *rest) for key, *rest in rows]

    def staged_outcomes(self) -> list[tuple[str, Outcome]]:
        """Return (run, outcome) of the pictures that a killed run left staged."""
        with trouble_in_a_sentence(self.path):
            rows = self._connection.execute(
                "SELECT run_id, staged_outcome FROM pictures WHERE state = 'staged'"
            ).fetchall()
        return [(run_id, from_text(Outcome, text)) for run_id, text in rows]

    def output_digests(self, key: str) -> frozenset[str]:
        """Return the digests of all that was ever published for this picture."""
        with trouble_in_a_sentence(self.path):
            rows = self._connection.execute(
                "SELECT output_digest FROM results WHERE key = ?", (os.fsencode(key),)
            ).fetchall()
        return frozenset(digest for (digest,) in rows if digest)

    def _change(
        self, run_id: str, key: str, update: str, values: tuple[Any, ...]
    ) -> None:
        """Change the row of one picture, which must belong to this run."""
        changed = self._connection.execute(
            f"{update} WHERE key = ? AND run_id = ?",
            (*values, os.fsencode(key), run_id),
        ).rowcount
        if changed != 1:
            raise LedgerTrouble(f"run {run_id} does not hold {key!r} in {self.path}")

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Make all changes that are made inside durable at once; for thousands."""
        with self._transaction():
            yield

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        if self._connection.in_transaction:
            yield
            return
        with trouble_in_a_sentence(self.path):
            check_in_place(self.path)
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise
