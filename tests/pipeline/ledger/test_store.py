"""The ledger keeps what it was told, and tells when it cannot."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import ExitCode, LedgerTrouble
from pipeline.ledger import queries
from pipeline.ledger.rows import Claim, Stamp
from pipeline.ledger.schema import STEPS, migrate
from pipeline.ledger.store import FILE_NAME, Ledger
from pipeline.records import Outcome, RunInfo, Status

INFO = RunInfo(
    run_id="r1",
    command="repair",
    argv=("repair", "in"),
    sources=("in",),
    output="out",
    started="2026-01-02T03:04:05+00:00",
    finished="",
    ended_by="",
    engine="classical",
    settings_json="{}",
    version="0.1.0",
    planned=2,
)
ROOT = Path("/pictures")


def claim(key: str = "a.png") -> Claim:
    return Claim(key, ROOT, Stamp(10, 20), "basis", "serial")


def outcome(key: str = "a.png", digest: str = "out1") -> Outcome:
    return Outcome(
        key, "in1", Status.REPAIRED, output=key, output_digest=digest, staged=".x.part"
    )


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    made = Ledger(tmp_path / FILE_NAME)
    made.start_run(INFO)
    made.queue("r1", [(ROOT, "a.png"), (ROOT, "b.png")])
    return made


def test_a_picture_goes_from_queued_to_done(ledger: Ledger) -> None:
    attempt = ledger.claim("r1", claim())
    claimed = ledger.known()["a.png"].state
    ledger.staged("r1", outcome())
    staged = ledger.known()["a.png"].state
    ledger.done("r1", outcome(), severity=2, written=Stamp(7, 8))

    known = ledger.known()["a.png"]
    assert (attempt, claimed, staged, known.state) == (1, "claimed", "staged", "done")
    assert (known.stamp, known.output_stamp) == (Stamp(10, 20), Stamp(7, 8))
    assert known.severity == 2
    assert (known.digest, known.output_digest) == ("in1", "out1")
    assert (known.basis, known.status, known.root) == ("basis", "repaired", ROOT)
    assert ledger.known()["b.png"].state == "queued"


def test_attempts_are_counted_until_a_picture_is_done(ledger: Ledger) -> None:
    first = ledger.claim("r1", claim())
    ledger.put_back("r1", "a.png")
    second = ledger.claim("r1", claim())
    ledger.done("r1", outcome())
    ledger.queue("r1", [(ROOT, "a.png")])

    assert (first, second, ledger.claim("r1", claim())) == (1, 2, 1)


def test_everything_survives_closing_and_opening(ledger: Ledger) -> None:
    ledger.claim("r1", claim())
    ledger.done("r1", outcome())
    before = ledger.known()
    ledger.close()

    again = Ledger(ledger.path)

    assert again.known() == before
    assert again.moved_aside is None


def test_staged_pictures_are_found_again_with_their_outcome(ledger: Ledger) -> None:
    ledger.claim("r1", claim())
    ledger.staged("r1", outcome())

    assert ledger.staged_outcomes() == [("r1", outcome())]


@pytest.mark.parametrize("call", ["claim", "staged", "done", "put_back"])
def test_a_run_cannot_change_a_picture_that_another_run_took_over(
    ledger: Ledger, call: str
) -> None:
    ledger.start_run(replace(INFO, run_id="r2"))
    ledger.queue("r2", [(ROOT, "a.png")])
    late: dict[str, Callable[[], object]] = {
        "claim": lambda: ledger.claim("r1", claim()),
        "staged": lambda: ledger.staged("r1", outcome()),
        "done": lambda: ledger.done("r1", outcome()),
        "put_back": lambda: ledger.put_back("r1", "a.png"),
    }

    with pytest.raises(LedgerTrouble, match=r"r1 does not hold 'a\.png'"):
        late[call]()

    assert ledger.known()["a.png"].run_id == "r2"
    assert queries.summary(ledger.path.parent).outcomes == ()


def test_all_that_was_ever_published_for_a_picture_counts_as_ours(
    ledger: Ledger,
) -> None:
    for digest in ("out1", "out2"):
        ledger.claim("r1", claim())
        ledger.done("r1", outcome(digest=digest))
        ledger.queue("r1", [(ROOT, "a.png")])

    assert ledger.output_digests("a.png") == {"out1", "out2"}
    assert ledger.output_digests("b.png") == frozenset()


def test_names_that_are_not_utf8_are_kept(ledger: Ledger) -> None:
    key = b"caf\xe9/\n.png".decode(errors="surrogateescape")
    ledger.queue("r1", [(ROOT, key)])
    ledger.claim("r1", claim(key))
    ledger.done("r1", outcome(key))

    assert ledger.known()[key].output == key
    assert queries.summary(ledger.path.parent).outcomes[0].key == key


def test_an_input_that_was_only_touched_gets_a_new_stamp(ledger: Ledger) -> None:
    ledger.claim("r1", claim())
    ledger.done("r1", outcome())
    ledger.restamp("a.png", Path("/elsewhere"), Stamp(10, 99))

    known = ledger.known()["a.png"]
    assert (known.stamp, known.root) == (Stamp(10, 99), Path("/elsewhere"))
    assert known.state == "done"


def test_commits_are_made_to_survive_a_power_cut(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / FILE_NAME)

    settings = [
        ledger._connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous")
    ]

    assert settings == ["wal", 2]


def test_a_failed_transaction_changes_nothing(ledger: Ledger) -> None:
    ledger._connection.execute(
        "CREATE TRIGGER no_results BEFORE INSERT ON results "
        "BEGIN SELECT RAISE(ABORT, 'no room'); END"
    )
    ledger.claim("r1", claim())

    with pytest.raises(LedgerTrouble, match="no room"):
        ledger.done("r1", outcome())

    assert ledger.known()["a.png"].state == "claimed"
    assert not ledger._connection.in_transaction


@pytest.mark.parametrize("harm", ["garbage", "torn page"])
def test_a_damaged_ledger_is_moved_aside_and_a_new_one_begun(
    ledger: Ledger, harm: str, caplog: pytest.LogCaptureFixture
) -> None:
    ledger.queue("r1", [(ROOT, f"{n:04}.png") for n in range(2000)])
    ledger.close()
    data = bytearray(ledger.path.read_bytes())
    if harm == "garbage":
        data[:100] = b"x" * 100
    else:
        data[len(data) // 2 : len(data) // 2 + 4096] = b"\xff" * 4096
    ledger.path.write_bytes(data)

    fresh = Ledger(ledger.path)

    assert fresh.moved_aside == ledger.path.with_name("ledger.damaged-1")
    assert fresh.moved_aside.read_bytes() == data
    assert fresh.known() == {}
    assert "is damaged" in caplog.text


def test_a_second_damaged_ledger_does_not_overwrite_the_first(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    for text in ("first", "second"):
        path.write_text(text * 1000)
        Ledger(path).close()
        path.write_text(text * 1000)

    assert (tmp_path / "ledger.damaged-1").read_text().startswith("first")
    assert (tmp_path / "ledger.damaged-2").read_text().startswith("second")


def test_a_ledger_of_a_newer_version_is_refused_and_left_alone(
    ledger: Ledger,
) -> None:
    ledger._connection.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    ledger.close()

    with pytest.raises(LedgerTrouble, match="newer nightmend") as caught:
        Ledger(ledger.path)
    with pytest.raises(LedgerTrouble, match="newer nightmend"):
        queries.runs(ledger.path.parent)

    assert caught.value.exit_code is ExitCode.STOPPED
    assert ledger.path.exists()


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA application_id = 7")
        other.execute("CREATE TABLE runs (x)")

    with pytest.raises(LedgerTrouble, match="another program"):
        Ledger(path)


def test_a_schema_step_that_fails_leaves_nothing_of_itself() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    steps = (("CREATE TABLE a (x)",), ("CREATE TABLE b (x)", "CREATE TABLE a (x)"))

    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, steps)

    names = connection.execute("SELECT name FROM sqlite_master").fetchall()
    assert names == [("a",)]
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)


def test_an_older_ledger_is_brought_up_to_date_without_loss() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection, (("CREATE TABLE a (x)",),))
    connection.execute("INSERT INTO a VALUES (5)")

    migrate(connection, (("CREATE TABLE a (x)",), ("ALTER TABLE a ADD y",)))

    assert connection.execute("SELECT * FROM a").fetchall() == [(5, None)]


def test_an_older_ledger_is_not_changed_by_reading_it(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute("CREATE TABLE a (x)")
    connection.commit()

    with pytest.raises(LedgerTrouble, match="older nightmend"):
        queries.runs(tmp_path)


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(LedgerTrouble, match="cannot be used"):
        Ledger(tmp_path / "file" / FILE_NAME)


def test_a_file_that_cannot_be_opened_is_not_taken_for_damaged(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()

    with pytest.raises(LedgerTrouble, match="cannot be used"):
        Ledger(tmp_path / FILE_NAME)

    assert (tmp_path / FILE_NAME).is_dir()
