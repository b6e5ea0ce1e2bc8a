"""The options that pick files say what a person means by them."""

import io
import os
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.cli import picking
from pipeline.errors import UsageError
from pipeline.stages.choose_files import Selection, Shard

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-11-20", "2026-11-20T07:00"])
def test_a_date_is_meant_in_the_zone_of_this_machine(text: str) -> None:
    found = picking.since(text, NOON)

    assert found == datetime.fromisoformat(text).astimezone()


def test_a_time_ago_is_counted_back_from_now() -> None:
    assert picking.since("1d12h", NOON) == datetime(2026, 11, 21, 0, tzinfo=UTC)


@pytest.mark.parametrize("text", ["main", "HEAD~2", "v1.0", "2026-11", "deadbeef"])
def test_anything_else_is_a_revision(text: str) -> None:
    assert picking.since(text, NOON) == text


@pytest.mark.parametrize("text", ["-x", "2026-13-01"])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--changed-since"):
        picking.since(text, NOON)


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b"a.png\nb c.png\n", ["a.png", "b c.png"]),
        (b"a.png\r\nb.png", ["a.png", "b.png"]),
        (b"a\nb.png\0c.png\0", ["a\nb.png", "c.png"]),
        (b"\xff.png\n", [os.fsdecode(b"\xff.png")]),
        (b"", []),
    ],
)
def test_a_list_is_one_a_line_or_ended_by_nul(
    content: bytes, names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "list").write_bytes(content)
    stdin = SimpleNamespace(buffer=io.BytesIO(content))
    monkeypatch.setattr("sys.stdin", stdin)

    assert list(map(str, picking.read_list(str(tmp_path / "list")))) == names
    assert list(map(str, picking.read_list("-"))) == names


def test_a_list_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--files-from .*none"):
        picking.read_list(str(tmp_path / "none"))


def test_shards_are_counted_from_one() -> None:
    assert picking.parse_shard("2/5") == Shard(2, 5)
    for text in ("0/5", "6/5", "1", "a/b", "1/0"):
        with pytest.raises(UsageError, match="--shard"):
            picking.parse_shard(text)


def test_without_a_source_the_current_folder_counts_only_when_files_are_named() -> None:
    assert picking.sources(None, Selection(listed=())) == (Path(),)
    assert picking.sources([], Selection(changed_since="main")) == (Path(),)
    with pytest.raises(UsageError, match="name a folder"):
        picking.sources([], Selection(include=("*.png",)))


def test_addresses_do_not_get_into_the_ledger_by_the_command_line() -> None:
    words = ["nightmend", "repair", "--set", "night.notify=['slack://T0KEN']", "a"]

    kept = picking.command_line([*words, "--set=night.notify = ['x://T0KEN']"])

    assert "T0KEN" not in "".join(kept)
    assert kept[:3] == ("nightmend", "repair", "--set")
    assert kept[4] == "a"
