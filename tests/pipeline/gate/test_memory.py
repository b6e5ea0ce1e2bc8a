"""What was seen in a picture is recalled while it, and who looks, stay the same."""

import os
import sqlite3
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from detectors.findings import Severity
from pipeline.files import digest_bytes
from pipeline.gate.memory import RACY_NS, Memory, restated
from pipeline.gate.memory_store import FILE_NAME, Store
from pipeline.reading import read_regular
from pipeline.records import Outcome, Status
from pipeline.settings import RunSettings, Settings
from tests.support.checks_made import row, seen, unread

BASIS = "basis"


@dataclass(frozen=True)
class Place:
    root: Path
    key: str

    @property
    def path(self) -> Path:
        return self.root / self.key


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cache" / FILE_NAME


def write(folder: Path, key: str, content: bytes, age_s: float = 60) -> Place:
    """Write a file as if that long ago; its time of change cannot be set back."""
    path = folder / key
    path.write_bytes(content)
    then = time.time() - age_s
    os.utime(path, (then, then))
    return Place(folder, key)


def found(place: Place, *, trouble: str = "") -> Outcome:
    digest = digest_bytes(place.path.read_bytes())
    if trouble:
        return unread(place.key, trouble, digest)
    return replace(seen(place.key, row()), digest=digest)


def opened(file: Path, basis: str = BASIS, fail_on: str = "warning") -> Memory:
    settings = Settings(run=RunSettings.model_validate({"fail_on": fail_on}))
    return Memory(file, basis, settings)


def learn(file: Path, *places: Place, trouble: str = "", basis: str = BASIS) -> None:
    """Let one check look at all of them."""
    memory = opened(file, basis)
    assert memory.recall(places) == {}
    memory.remember([found(place, trouble=trouble) for place in places])
    memory.close()


def recalled(file: Path, *places: Place, basis: str = BASIS) -> dict[str, Outcome]:
    """Return what the next check knows."""
    memory = opened(file, basis)
    try:
        return dict(memory.recall(places))
    finally:
        memory.close()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Count the files that are read whole."""
    names: list[str] = []

    def counting(root: Path, key: str, max_bytes: int) -> bytes:
        names.append(key)
        return read_regular(root, key, max_bytes)

    monkeypatch.setattr("pipeline.gate.memory.read_regular", counting)
    return names


def test_what_was_seen_is_recalled(file: Path, folder: Path) -> None:
    place = write(folder, "a.png", b"one")
    learn(file, place)

    assert recalled(file, place) == {"a.png": found(place)}


def test_a_renamed_or_copied_picture_is_recalled_under_its_new_name(
    file: Path, folder: Path
) -> None:
    place = write(folder, "a.png", b"one")
    learn(file, place)
    moved = write(folder, "b.png", b"one")

    assert recalled(file, moved)["b.png"].findings == found(place).findings


def test_a_picture_under_another_suffix_is_looked_at_again(
    file: Path, folder: Path
) -> None:
    """Its bytes are sound, but its name now says something else than they hold."""
    learn(file, write(folder, "a.png", b"one"))
    renamed = write(folder, "a.jpg", b"one")
    copied = write(folder, "b.PNG", b"one")

    assert list(recalled(file, renamed, copied)) == ["b.PNG"]


def test_another_content_under_the_same_name_is_not_recalled(
    file: Path, folder: Path
) -> None:
    learn(file, write(folder, "a.png", b"one"))

    assert recalled(file, write(folder, "a.png", b"two")) == {}


def test_a_change_of_the_same_size_and_date_is_seen(file: Path, folder: Path) -> None:
    place = write(folder, "a.png", b"one")
    learn(file, place)
    status = place.path.stat()
    place.path.write_bytes(b"two")
    os.utime(place.path, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert recalled(file, place) == {}


def test_another_basis_knows_nothing(file: Path, folder: Path) -> None:
    place = write(folder, "a.png", b"one")
    learn(file, place)

    assert recalled(file, place, basis="other") == {}


def test_a_settled_file_is_not_read_again(
    file: Path, folder: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = write(folder, "a.png", b"one")
    true = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: true() + 2 * RACY_NS)
    learn(file, place)

    assert list(recalled(file, place)) == ["a.png"]
    assert reads == []


def test_a_file_written_a_moment_ago_is_read_again(
    file: Path, folder: Path, reads: list[str]
) -> None:
    place = write(folder, "a.png", b"one", age_s=0)
    learn(file, place)

    assert list(recalled(file, place)) == ["a.png"]
    assert reads == ["a.png"]


def test_a_broken_file_is_recalled_under_its_own_name_only(
    file: Path, folder: Path
) -> None:
    place = write(folder, "a.png", b"torn")
    learn(file, place, trouble="file/truncated")

    assert recalled(file, place)["a.png"].status is Status.UNREADABLE
    assert recalled(file, write(folder, "b.jpg", b"torn")) == {}


@pytest.mark.parametrize("trouble", ["file/not-judged", "file/changed"])
def test_what_may_pass_is_tried_again(file: Path, folder: Path, trouble: str) -> None:
    place = write(folder, "a.png", b"one")
    learn(file, place, trouble=trouble)

    assert recalled(file, place) == {}


def test_a_picture_that_not_all_looked_at_is_looked_at_again(
    file: Path, folder: Path
) -> None:
    place = write(folder, "a.png", b"one")
    memory = opened(file)
    memory.recall([place])
    memory.remember([replace(found(place), detector_failures=(("faces", "fire"),))])
    memory.close()

    assert recalled(file, place) == {}


@pytest.mark.parametrize(
    ("fail_on", "status", "problem"),
    [
        ("note", Status.FLAWED, ""),
        ("warning", Status.CLEAN, "no flaw found; noted: hand/cannot-tell"),
    ],
)
def test_what_counts_as_flawed_is_worked_out_afresh(
    fail_on: str, status: Status, problem: str
) -> None:
    doubt = row("hand/cannot-tell", severity=Severity.NOTE, confidence=0.9)
    settings = Settings(run=RunSettings.model_validate({"fail_on": fail_on}))

    outcome = restated(seen("a.png", doubt), settings)

    assert (outcome.status, outcome.problem) == (status, problem)


@pytest.mark.parametrize("content", [b"no database", b""])
def test_a_damaged_memory_is_made_anew(
    file: Path, folder: Path, content: bytes
) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    place = write(folder, "a.png", b"one")

    learn(file, place)

    assert list(recalled(file, place)) == ["a.png"]


def test_a_memory_of_another_version_is_made_anew(file: Path, folder: Path) -> None:
    place = write(folder, "a.png", b"one")
    learn(file, place)
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()

    learn(file, place)

    assert list(recalled(file, place)) == ["a.png"]


def test_a_place_that_cannot_be_written_ends_nothing(
    tmp_path: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    place = write(folder, "a.png", b"one")

    learn(tmp_path / "file" / FILE_NAME, place)

    assert "nothing is remembered" in caplog.text


def test_a_memory_is_for_its_user_alone(file: Path, folder: Path) -> None:
    learn(file, write(folder, "a.png", b"one"))

    assert file.stat().st_mode & 0o077 == 0


def test_what_was_not_needed_for_longest_is_forgotten_first(
    file: Path, folder: Path
) -> None:
    places = [write(folder, f"{n}.png", str(n).encode()) for n in range(5)]
    learn(file, *places)
    store = Store.opened(file)
    store._connection.execute(
        "UPDATE outcomes SET used = 1 WHERE digest = ?", (found(places[2]).digest,)
    )
    store.trim(most=4)
    counts = store.counts()
    store.close()

    assert counts[0] == 4
    assert sorted(recalled(file, *places)) == ["0.png", "1.png", "3.png", "4.png"]


def test_a_file_that_is_gone_is_not_recalled(file: Path, folder: Path) -> None:
    place = write(folder, "a.png", b"one")
    learn(file, place)
    place.path.unlink()

    assert recalled(file, place) == {}


def test_a_link_is_not_recalled(file: Path, folder: Path) -> None:
    place = write(folder, "a.png", b"one")
    learn(file, place)
    (folder / "b.png").symlink_to(place.path)

    assert recalled(file, Place(folder, "b.png")) == {}


def test_one_that_writes_keeps_nobody_from_recalling(
    file: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, other = write(folder, "a.png", b"one"), write(folder, "b.png", b"two")
    learn(file, place, other)
    connect = sqlite3.connect
    writer = connect(file, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr(
        sqlite3, "connect", lambda *a, **k: connect(*a, **{**k, "timeout": 0.0})
    )

    known = recalled(file, place, other)

    writer.execute("ROLLBACK")
    writer.close()
    assert sorted(known) == ["a.png", "b.png"]
