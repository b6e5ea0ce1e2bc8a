"""Paths as a build server wants them: below the root of the repository."""

import os
from pathlib import Path

import pytest

from pipeline.reports.places import Places
from tests.support.runs import fill


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with pictures in two folders, seen from one of its folders."""
    return fill(
        tmp_path / "repository",
        {
            ".git/HEAD": b"ref",
            "art/new/a.png": b"a",
            "art/old/b.png": b"b",
            "other/c.png": b"c",
        },
    )


@pytest.mark.parametrize(
    ("sources", "folder", "key", "path"),
    [
        (["art"], ".", "new/a.png", "art/new/a.png"),
        (["new"], "art", "a.png", "art/new/a.png"),
        (["."], "art", "new/a.png", "art/new/a.png"),
        (["art/new", "art/old"], ".", "b.png", "art/old/b.png"),
        (["art/new/a.png"], ".", "a.png", "art/new/a.png"),
        (["art/new/a.png", "other/c.png"], ".", "other/c.png", "other/c.png"),
        (["../other"], "art", "c.png", "other/c.png"),
        (["art"], ".", "gone.png", "art/gone.png"),
    ],
)
def test_a_key_becomes_a_path_below_the_repository(
    repository: Path, sources: list[str], folder: str, key: str, path: str
) -> None:
    assert Places(sources, repository / folder).path(key) == path


def test_where_a_picture_was_found_is_believed_before_its_name(
    repository: Path,
) -> None:
    fill(repository, {"art/old/a.png": b"another"})
    roots = {"a.png": repository / "art/old", "/dev/pipe.png": Path()}

    places = Places(["art/new", "art/old"], repository, roots)

    assert places.path("a.png") == "art/old/a.png"
    assert places.path("/dev/pipe.png") == "/dev/pipe.png"


def test_without_a_repository_the_folder_of_the_check_is_the_root(
    tmp_path: Path,
) -> None:
    fill(tmp_path, {"in/a.png": b"a"})

    assert Places(["in"], tmp_path).path("a.png") == "in/a.png"


def test_a_picture_outside_keeps_its_whole_path(
    repository: Path, tmp_path: Path
) -> None:
    outside = fill(tmp_path, {"away/a.png": b"a"}) / "away"

    places = Places([str(outside)], repository)

    assert places.path("a.png") == str(outside / "a.png")
    assert places.path(str(outside / "pipe.png")) == str(outside / "pipe.png")


def test_a_name_that_no_reader_takes_is_escaped_and_others_stay() -> None:
    places = Places(["in"], Path("/nowhere"))

    assert places.text("back\\slash ñ.png") == "in/back\\slash ñ.png"
    assert places.text("line\nbreak.png") == "in/line\\u000abreak.png"
    assert places.text(os.fsdecode(b"caf\xe9.png")) == "in/caf\\xe9.png"
