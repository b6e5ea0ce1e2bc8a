"""How the ledger's file is opened, where it lies in an odd place."""

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import LedgerTrouble
from pipeline.ledger import opening
from pipeline.ledger.opening import open_to_read
from pipeline.ledger.store import FILE_NAME, Ledger
from tests.support.rights import reachable_folder, without_rights


@pytest.fixture
def read_only() -> Iterator[Path]:
    """A finished ledger in a folder that can only be read, by anybody."""
    with reachable_folder() as place:
        folder = place / "state"
        Ledger(folder / FILE_NAME).close()
        (folder / FILE_NAME).chmod(0o444)
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)


def test_a_ledger_in_a_folder_that_can_only_be_read_is_read(read_only: Path) -> None:
    before = sorted(path.name for path in read_only.iterdir())

    with without_rights():
        connection = open_to_read(read_only / FILE_NAME)
        (count,) = connection.execute("SELECT COUNT(*) FROM pictures").fetchone()
        connection.close()

    assert count == 0
    assert sorted(path.name for path in read_only.iterdir()) == before


def test_a_ledger_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()

    with pytest.raises(LedgerTrouble, match="cannot be used"):
        open_to_read(tmp_path / FILE_NAME)


def test_on_a_network_the_ledger_is_kept_without_shared_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(opening, "journal_mode_for", lambda _: "DELETE")

    Ledger(tmp_path / FILE_NAME).close()

    with contextlib.closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection:
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    assert mode == "delete"
    assert "network file system" in caplog.text


def test_a_ledger_that_was_moved_away_takes_nothing_that_nobody_would_find(
    tmp_path: Path,
) -> None:
    with contextlib.closing(Ledger(tmp_path / "state" / FILE_NAME)) as ledger:
        (tmp_path / "state").rename(tmp_path / "away")
        with pytest.raises(LedgerTrouble, match="is gone; bring its folder back"):
            ledger.queue("r1", [(Path("/in"), "a.png")])
        (tmp_path / "away").rename(tmp_path / "state")

        ledger.queue("r1", [(Path("/in"), "b.png")])

        assert set(ledger.known()) == {"b.png"}


def test_what_is_opened_to_read_cannot_be_written_to(tmp_path: Path) -> None:
    Ledger(tmp_path / FILE_NAME).close()
    shutil.copytree(tmp_path, tmp_path / "copy")

    with (
        contextlib.closing(open_to_read(tmp_path / "copy" / FILE_NAME)) as connection,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        connection.execute("DELETE FROM pictures")
