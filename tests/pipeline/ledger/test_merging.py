"""Ledgers of shards are joined wholly or not at all."""

import contextlib
import sqlite3
from pathlib import Path

import pytest

from pipeline.errors import LedgerTrouble
from pipeline.ledger import queries
from pipeline.ledger.merging import merge
from pipeline.ledger.rows import Claim, Stamp
from pipeline.ledger.store import FILE_NAME, Ledger
from pipeline.records import Decision, Outcome, RunInfo, Status

STAMP = Stamp(1, 1)


def shard(state: Path, number: int, decision: Decision | None = None) -> Path:
    """Make the ledger of a shard that has finished one picture."""
    place, run_id, key = state / f"shard-{number}-of-2", f"r{number}", f"{number}.png"
    info = RunInfo(
        run_id, "repair", (), (), "", f"2026-01-0{number}", "", "", "", "{}", "1", 1
    )
    with contextlib.closing(Ledger(place / FILE_NAME)) as ledger:
        ledger.start_run(info)
        ledger.queue(run_id, [(state, key)])
        ledger.claim(run_id, Claim(key, state, STAMP, "basis", "serial"))
        ended = Outcome(key, "d", Status.REPAIRED, output=key, output_digest="o")
        ledger.done(run_id, ended, written=STAMP, decision=decision)
    return place


def test_what_people_decided_is_joined_once(tmp_path: Path) -> None:
    said = Decision("1.png", "d", "accept", decided="2026-02-03T04:05:06+00:00")
    shards = [shard(tmp_path, 1, said), shard(tmp_path, 2)]

    merge(tmp_path, shards)
    again = merge(tmp_path, shards)

    assert queries.decisions(tmp_path) == (said,)
    assert (again.fresh, again.pictures) == (0, 2)


def test_when_joining_fails_nothing_of_it_stays(tmp_path: Path) -> None:
    shards = [shard(tmp_path, 1), shard(tmp_path, 2)]
    Ledger(tmp_path / FILE_NAME).close()
    with contextlib.closing(sqlite3.connect(tmp_path / FILE_NAME)) as main:
        main.execute(
            "CREATE TRIGGER full BEFORE INSERT ON results WHEN new.run_id = 'r2' "
            "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
        )

    with pytest.raises(LedgerTrouble, match="disk is full"):
        merge(tmp_path, shards)

    assert queries.runs(tmp_path) == ()
    assert queries.states(tmp_path) == {}


def test_a_damaged_ledger_of_a_shard_is_named_and_stays_where_it_is(
    tmp_path: Path,
) -> None:
    shards = [shard(tmp_path, 1)]
    with contextlib.closing(Ledger(shards[0] / FILE_NAME)) as ledger:
        ledger.queue("r1", ((tmp_path, f"{n:05}.png") for n in range(3000)))
    data = bytearray((shards[0] / FILE_NAME).read_bytes())
    data[len(data) // 2 : len(data) // 2 + 4096] = b"\xff" * 4096
    (shards[0] / FILE_NAME).write_bytes(data)

    with pytest.raises(LedgerTrouble, match="is damaged"):
        merge(tmp_path, shards)

    assert (shards[0] / FILE_NAME).read_bytes() == data
    assert not (tmp_path / FILE_NAME).exists()
