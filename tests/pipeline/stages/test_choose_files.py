"""Of what was found, a run works on what is wanted, and on nothing else."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.records import Found, Odd, Plan
from pipeline.stages.choose_files import Selection, Shard, choose_files

ROOT = Path("/pictures")
KEYS = ("a.png", "drafts/b.png", "drafts/keep/c.png", "z/d.jpg")
PLAN = Plan(
    tuple(Found(ROOT, key) for key in KEYS),
    (Odd("/pictures/drafts/way", "is a link"),),
    (("a.png", "drafts/b.png"),),
)


def nobody(_folders: Sequence[Path], _revision: str) -> frozenset[str]:
    raise AssertionError("git was asked")


def chosen(wanted: Selection, plan: Plan = PLAN) -> list[str]:
    return [one.key for one in choose_files(plan, wanted, nobody).found]


def test_without_a_wish_everything_is_chosen() -> None:
    assert choose_files(PLAN, Selection(), nobody) == PLAN


@pytest.mark.parametrize(
    ("include", "exclude", "left"),
    [
        (("*.jpg",), (), ["z/d.jpg"]),
        ((), ("drafts/",), ["a.png", "z/d.jpg"]),
        ((), ("drafts/*", "!drafts/keep/"), ["a.png", "drafts/keep/c.png", "z/d.jpg"]),
        (("drafts/**",), ("b.png",), ["drafts/keep/c.png"]),
        (("/*.png",), (), ["a.png"]),
        (("nothing",), (), []),
    ],
)
def test_globs_are_read_as_in_a_gitignore_file(
    include: tuple[str, ...], exclude: tuple[str, ...], left: list[str]
) -> None:
    assert chosen(Selection(include=include, exclude=exclude)) == left


def test_what_is_left_out_is_not_complained_about_either() -> None:
    plan = choose_files(PLAN, Selection(exclude=("drafts/",)), nobody)

    assert plan.odd == ()
    assert plan.twins == ()


def test_a_glob_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(UsageError, match="--exclude"):
        chosen(Selection(exclude=("!",)))


def test_names_that_are_not_utf_8_are_matched() -> None:
    key = os.fsdecode(b"a/\xff.png")

    assert chosen(Selection(include=("a/",)), Plan((Found(ROOT, key),))) == [key]


def test_a_revision_is_asked_about_once_and_for_the_folders() -> None:
    asked = []

    def changed(folders: Sequence[Path], revision: str) -> frozenset[str]:
        asked.append((tuple(folders), revision))
        return frozenset({"/pictures/z/d.jpg", "/pictures/notes.txt"})

    plan = choose_files(PLAN, Selection(changed_since="main"), changed)

    assert [one.key for one in plan.found] == ["z/d.jpg"]
    assert asked == [((ROOT,), "main")]


def test_a_date_takes_files_that_were_written_since(tmp_path: Path) -> None:
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    for name, hours in (("old.png", -1), ("exact.png", 0), ("new.png", 1)):
        (tmp_path / name).write_bytes(b"x")
        when_s = noon.timestamp() + hours * 3600
        os.utime(tmp_path / name, (when_s, when_s))
    names = ("old.png", "exact.png", "new.png")
    plan = Plan(tuple(Found(tmp_path, name) for name in names))

    assert chosen(Selection(changed_since=noon), plan) == ["exact.png", "new.png"]


def test_shards_share_everything_and_nothing_twice() -> None:
    plan = Plan(tuple(Found(ROOT, f"{n}.png") for n in range(400)))

    parts = [chosen(Selection(shard=Shard(i, 4)), plan) for i in (1, 2, 3, 4)]

    together = sorted(key for part in parts for key in part)
    assert together == sorted(one.key for one in plan.found)
    assert all(60 < len(part) < 140 for part in parts)


def test_a_picture_stays_in_its_shard_on_every_machine() -> None:
    assert [Shard(i, 3).takes("a.png") for i in (1, 2, 3)] == [False, False, True]
    assert Shard(1, 2).takes(os.fsdecode(b"\xff.png")) in {True, False}
