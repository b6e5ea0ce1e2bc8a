"""The ledger's tables, as numbered steps that are only ever added to.

Keys, roots and outputs are BLOBs: the bytes of the name as the file system has them,
because a name need not be UTF-8. Everything else is TEXT or INTEGER, and STRICT tables
hold that.
"""

import sqlite3

from pipeline.errors import LedgerTrouble

APPLICATION_ID = 0x4E4D4C47
"""Written into the file's header, so that another program's database is told apart."""

STEPS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE runs (
            run_id TEXT PRIMARY KEY,
            command TEXT NOT NULL,
            argv TEXT NOT NULL,
            sources TEXT NOT NULL,
            output TEXT NOT NULL,
            started TEXT NOT NULL,
            finished TEXT NOT NULL,
            ended_by TEXT NOT NULL,
            engine TEXT NOT NULL,
            settings_json TEXT NOT NULL,
            version TEXT NOT NULL,
            planned INTEGER NOT NULL
        ) STRICT
        """,
        # One row a picture: where it stands now.
        """
        CREATE TABLE pictures (
            key BLOB PRIMARY KEY,
            root BLOB NOT NULL,
            state TEXT NOT NULL
                CHECK (state IN ('queued', 'claimed', 'staged', 'done')),
            run_id TEXT NOT NULL,
            attempt INTEGER NOT NULL DEFAULT 0,
            worker TEXT NOT NULL DEFAULT '',
            size INTEGER NOT NULL DEFAULT -1,
            mtime_ns INTEGER NOT NULL DEFAULT -1,
            digest TEXT NOT NULL DEFAULT '',
            basis TEXT NOT NULL DEFAULT '',
            status TEXT NOT NULL DEFAULT '',
            severity INTEGER NOT NULL DEFAULT 0,
            staged_outcome TEXT NOT NULL DEFAULT '',
            output BLOB NOT NULL DEFAULT x'',
            output_digest TEXT NOT NULL DEFAULT '',
            output_size INTEGER NOT NULL DEFAULT -1,
            output_mtime_ns INTEGER NOT NULL DEFAULT -1
        ) STRICT, WITHOUT ROWID
        """,
        # One row for every time a picture was finished; nothing is overwritten.
        """
        CREATE TABLE results (
            number INTEGER PRIMARY KEY,
            run_id TEXT NOT NULL,
            key BLOB NOT NULL,
            status TEXT NOT NULL,
            output_digest TEXT NOT NULL,
            outcome TEXT NOT NULL
        ) STRICT
        """,
        "CREATE INDEX results_by_key ON results (key, number)",
        "CREATE INDEX results_by_run ON results (run_id)",
    ),
    # How often work on a picture ended abruptly since it was last done: `losses` with
    # the worker alone, which speaks against the picture, and `orphaned` with the whole
    # run, which may have had any reason.
    (
        "ALTER TABLE pictures ADD COLUMN losses INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE pictures ADD COLUMN orphaned INTEGER NOT NULL DEFAULT 0",
    ),
    (
        # One row for every time a person decided; the newest of a digest holds.
        """
        CREATE TABLE decisions (
            number INTEGER PRIMARY KEY,
            key BLOB NOT NULL,
            digest TEXT NOT NULL,
            decided TEXT NOT NULL,
            decision TEXT NOT NULL
        ) STRICT
        """,
        "CREATE INDEX decisions_by_digest ON decisions (digest, number)",
        # What a person made of a result, so that the machine's own is not lost.
        "ALTER TABLE results ADD COLUMN reviewed INTEGER NOT NULL DEFAULT 0",
    ),
)


def migrate(
    connection: sqlite3.Connection, steps: tuple[tuple[str, ...], ...] = STEPS
) -> None:
    """Bring the tables up to date; each step is one transaction.

    Args:
        connection: In autocommit mode (`isolation_level=None`).
        steps: The steps, oldest first; `user_version` counts those done.

    Raises:
        LedgerTrouble: the file was made by a newer version, or by another program.
    """
    done = _version(connection, len(steps))
    for number in range(done, len(steps)):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in steps[number]:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {number + 1}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise


def check_version(connection: sqlite3.Connection) -> None:
    """Refuse a ledger that this version cannot read, without changing it.

    Raises:
        LedgerTrouble: as `migrate`; or the ledger still has to be brought up to date.
    """
    if _version(connection, len(STEPS)) < len(STEPS):
        raise LedgerTrouble(
            "the ledger was made by an older nightmend; run repair once to update it"
        )


def _version(connection: sqlite3.Connection, newest: int) -> int:
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if owner not in (0, APPLICATION_ID):
        raise LedgerTrouble("the ledger file belongs to another program; move it away")
    if version > newest:
        raise LedgerTrouble(
            f"the ledger has schema {version}, made by a newer nightmend; this one "
            f"knows up to {newest}: update nightmend, or choose another --out"
        )
    return int(version)
