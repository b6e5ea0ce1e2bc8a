"""What can be read from a ledger."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import LedgerTrouble, UsageError
from pipeline.ledger import queries
from pipeline.ledger.filesystem import journal_mode_for
from pipeline.ledger.rows import Claim, Stamp
from pipeline.ledger.store import FILE_NAME, Ledger
from pipeline.records import Outcome, RunInfo, Status

FIRST = RunInfo(
    "r1", "repair", ("repair",), ("in",), "out", "2026-01-02", "", "", "", "{}", "1", 2
)
SECOND = replace(FIRST, run_id="r2", started="2026-01-03")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Two runs: the first did a and b, the second did b again."""
    ledger = Ledger(tmp_path / FILE_NAME)
    for info, status, keys in (
        (FIRST, Status.KEPT, ("b.png", "a.png")),
        (SECOND, Status.REPAIRED, ("b.png",)),
    ):
        ledger.start_run(info)
        ledger.queue(info.run_id, [(tmp_path, key) for key in keys])
        for key in keys:
            ledger.claim(info.run_id, Claim(key, tmp_path, Stamp(1, 1), "", ""))
            done = Outcome(key, "d", status, output=key, output_digest=status.value)
            ledger.done(info.run_id, done)
        ledger.end_run(info.run_id, finished="later", ended_by="done")
    ledger.queue("r2", [(tmp_path, "c.png")])
    ledger.close()
    return tmp_path


def test_the_summary_holds_the_newest_outcome_of_every_picture(state: Path) -> None:
    summary = queries.summary(state)

    assert summary.info == replace(SECOND, finished="later", ended_by="done")
    assert [(o.key, o.status) for o in summary.outcomes] == [
        ("a.png", Status.KEPT),
        ("b.png", Status.REPAIRED),
    ]


def test_the_summary_of_one_run_holds_what_that_run_did(state: Path) -> None:
    first, second = queries.summary(state, "r1"), queries.summary(state, "r2")

    assert [o.key for o in first.outcomes] == ["a.png", "b.png"]
    assert {o.status for o in first.outcomes} == {Status.KEPT}
    assert [o.key for o in second.outcomes] == ["b.png"]


def test_runs_are_listed_oldest_first(state: Path) -> None:
    assert [info.run_id for info in queries.runs(state)] == ["r1", "r2"]


def test_outputs_are_listed_with_the_digest_they_should_have(state: Path) -> None:
    assert queries.published(state) == {"a.png": "kept", "b.png": "repaired"}


def test_pictures_are_counted_by_where_they_stand(state: Path) -> None:
    assert queries.states(state) == {"done": 2, "queued": 1}


def test_a_ledger_can_be_read_while_a_run_writes_it(state: Path) -> None:
    writer = Ledger(state / FILE_NAME)
    writer._connection.execute("BEGIN IMMEDIATE")
    writer._connection.execute("DELETE FROM results")

    assert len(queries.summary(state).outcomes) == 2


def test_an_unknown_run_is_one_sentence(state: Path) -> None:
    with pytest.raises(UsageError, match="no run 'r9'"):
        queries.summary(state, "r9")


def test_a_folder_without_a_ledger_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no ledger"):
        queries.runs(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_an_empty_ledger_has_no_run_to_show(tmp_path: Path) -> None:
    Ledger(tmp_path / FILE_NAME).close()

    with pytest.raises(UsageError, match="there is no run"):
        queries.summary(tmp_path)


@pytest.mark.parametrize(
    ("mounts", "mode"),
    [
        ("disk / ext4 rw 0 0\n", "WAL"),
        ("disk / ext4 rw 0 0\nserver:/x {place} nfs4 rw 0 0\n", "DELETE"),
        ("disk / ext4 rw 0 0\nserver:/x {place}-other nfs rw 0 0\n", "WAL"),
        ("s:/x / nfs rw 0 0\ndisk {place} ext4 rw 0 0\nbroken line\n", "WAL"),
        ("x\n", "WAL"),
    ],
)
def test_write_ahead_logging_is_used_on_local_disks_only(
    tmp_path: Path, mounts: str, mode: str
) -> None:
    assert journal_mode_for(tmp_path, mounts.format(place=tmp_path)) == mode


def test_reading_leaves_no_file_behind(state: Path) -> None:
    before = sorted(state.iterdir())

    queries.summary(state)

    assert sorted(state.iterdir()) == before


def test_a_ledger_that_is_no_database_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("rubbish " * 100)

    with pytest.raises(LedgerTrouble, match="cannot be used"):
        queries.runs(tmp_path)
