import os
import time
from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.records import Status
from pipeline.stages.discover import discover
from tests.support.rights import reachable_folder, without_rights


def fill(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def keys(*sources: Path, exclude: tuple[Path, ...] = ()) -> list[str]:
    return [one.key for one in discover(sources, exclude=exclude).found]


def test_pictures_are_found_in_every_folder_and_sorted(tmp_path: Path) -> None:
    fill(tmp_path, "z.png", "a/b.JPG", "a/b.jpeg", "a/c/d.WebP", "notes.txt", "a/x.gif")

    assert keys(tmp_path) == ["a/b.JPG", "a/b.jpeg", "a/c/d.WebP", "z.png"]


def test_pictures_of_other_formats_are_named_and_all_else_is_not(
    tmp_path: Path,
) -> None:
    fill(tmp_path, "a.png", "b.GIF", "deep/c.tiff", "notes.txt", "d.png.json", ".e.gif")

    plan = discover([tmp_path])

    assert [one.key for one in plan.found] == ["a.png"]
    assert {Path(odd.path).name: (odd.status, odd.kind) for odd in plan.odd} == {
        "b.GIF": (Status.SKIPPED, "file/not-supported"),
        "c.tiff": (Status.SKIPPED, "file/not-supported"),
    }
    assert "only PNG, JPEG and WebP are opened" in plan.odd[0].reason


def test_pictures_of_one_stem_are_two_pictures(tmp_path: Path) -> None:
    fill(tmp_path, "a.png", "a.jpg")

    assert keys(tmp_path) == ["a.jpg", "a.png"]


def test_hidden_names_and_the_state_folder_are_left_alone(tmp_path: Path) -> None:
    fill(tmp_path, "a.png", "._a.png", ".nightmend/masks/m.png", ".git/x.png")

    assert keys(tmp_path) == ["a.png"]


def test_the_output_folder_is_not_entered(tmp_path: Path) -> None:
    fill(tmp_path, "a.png", "out/a.png", "out/deep/b.png", "outer/c.png")

    assert keys(tmp_path, exclude=(tmp_path / "out",)) == ["a.png", "outer/c.png"]


def test_the_output_folder_is_not_entered_when_it_is_named_by_a_link(
    tmp_path: Path,
) -> None:
    fill(tmp_path, "src/a.png", "src/out/a.png")
    (tmp_path / "way").symlink_to(tmp_path / "src/out")

    assert keys(tmp_path / "src", exclude=(tmp_path / "way",)) == ["a.png"]


def test_a_source_may_be_a_file(tmp_path: Path) -> None:
    fill(tmp_path, "a/b.png", "a/c.png")

    found = discover([tmp_path / "a/b.png"]).found

    assert [(one.root.name, one.key) for one in found] == [("a", "b.png")]


def test_a_file_reached_twice_is_listed_once(tmp_path: Path) -> None:
    fill(tmp_path, "a.png")

    plan = discover([tmp_path, tmp_path / "a.png", tmp_path])

    assert len(plan.found) == 1
    assert plan.odd == ()


def test_two_pictures_with_one_key_are_told_before_any_work(tmp_path: Path) -> None:
    fill(tmp_path, "one/a.png", "two/a.png")

    plan = discover([tmp_path / "one", tmp_path / "two"])

    assert [one.root.name for one in plan.found] == ["one"]
    assert [odd.path for odd in plan.odd] == [str(tmp_path / "two/a.png")]
    assert "one/a.png" in plan.odd[0].reason


def test_links_and_pipes_are_named_and_not_followed(tmp_path: Path) -> None:
    fill(tmp_path, "src/a.png", "secret/s.png")
    (tmp_path / "src/out.png").symlink_to(tmp_path / "secret/s.png")
    (tmp_path / "src/folder").symlink_to(tmp_path / "secret")
    (tmp_path / "src/loop").symlink_to(tmp_path / "src")
    (tmp_path / "src/broken.png").symlink_to("nowhere")
    (tmp_path / "src/notes.txt").symlink_to("a.png")
    os.mkfifo(tmp_path / "src/pipe.png")

    plan = discover([tmp_path / "src"])

    assert [one.key for one in plan.found] == ["a.png"]
    reasons = {Path(odd.path).name: odd.reason for odd in plan.odd}
    assert set(reasons) == {"out.png", "folder", "loop", "broken.png", "pipe.png"}
    assert reasons.pop("pipe.png") == "is no regular file"
    assert set(reasons.values()) == {"is a link; links are not followed"}


def test_a_source_that_is_a_link_is_followed(tmp_path: Path) -> None:
    fill(tmp_path, "real/a.png")
    (tmp_path / "way").symlink_to("real")

    assert keys(tmp_path / "way") == ["a.png"]


def test_twins_by_case_or_by_accents_are_told(tmp_path: Path) -> None:
    fill(tmp_path, "A.png", "a.png", "caf\u00e9.png", "cafe\u0301.png", "b.png")

    plan = discover([tmp_path])

    assert len(plan.found) == 5
    assert set(plan.twins) == {
        ("A.png", "a.png"),
        ("cafe\u0301.png", "caf\u00e9.png"),
    }


def test_names_of_any_bytes_survive(tmp_path: Path) -> None:
    names = [b"\xff\xfe.png", b"two\nlines.png", b"-rf.png", b"x" * 251 + b".png"]
    for name in names:
        (tmp_path / os.fsdecode(name)).write_bytes(b"x")

    assert sorted(os.fsencode(key) for key in keys(tmp_path)) == sorted(names)


def test_a_source_that_does_not_exist_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file or folder"):
        discover([tmp_path / "gone"])


def test_a_file_that_is_no_picture_by_its_name_is_told(tmp_path: Path) -> None:
    fill(tmp_path, "a.bmp")

    plan = discover([tmp_path / "a.bmp"])

    assert plan.found == ()
    assert plan.odd[0].reason == "is no PNG, JPEG or WebP by its name"


def test_a_folder_that_may_not_be_listed_is_told() -> None:
    with reachable_folder() as folder:
        fill(folder, "a.png", "closed/b.png")
        (folder / "closed").chmod(0)

        with without_rights():
            plan = discover([folder])

        (folder / "closed").chmod(0o700)

    assert [one.key for one in plan.found] == ["a.png"]
    assert "cannot be listed" in plan.odd[0].reason


def test_a_large_folder_is_walked_quickly(tmp_path: Path) -> None:
    for folder in range(20):
        (tmp_path / str(folder)).mkdir()
        for number in range(200):
            (tmp_path / str(folder) / f"{number}.png").touch()

    began = time.process_time()
    found = discover([tmp_path]).found
    took_s = time.process_time() - began

    assert len(found) == 4000
    # 200,000 in 60 s are 0.3 ms each; ten times the room for a busy machine.
    assert took_s < 4000 * 0.0003 * 10


def test_a_file_is_named_from_the_folder_that_holds_it_else_from_the_base(
    tmp_path: Path,
) -> None:
    fill(tmp_path, "here/a/x.png", "here/b/x.png", "there/x.png", "far/y.png")
    files = [tmp_path / name for name in ("here/a/x.png", "here/b/x.png", "far/y.png")]

    plan = discover([*files, tmp_path / "there"], base=tmp_path / "here")
    again = discover([tmp_path / "here", files[0]], base=tmp_path)

    assert [one.key for one in plan.found] == ["a/x.png", "b/x.png", "x.png", "y.png"]
    assert [one.key for one in again.found] == ["a/x.png", "b/x.png"]


def test_of_a_list_what_lies_in_the_sources_is_taken_and_nothing_is_walked(
    tmp_path: Path,
) -> None:
    fill(tmp_path, "src/a.png", "src/b/c.png", "src/d.png", "else.png", "src/n.txt")
    fill(tmp_path, "src/out/e.png")
    names = ("src/b/c.png", "src/a.png", "src/a.png", "else.png", "src/n.txt")
    listed = [tmp_path / name for name in (*names, "src/out/e.png", "src/../else.png")]

    plan = discover([tmp_path / "src"], exclude=(tmp_path / "src/out",), listed=listed)

    assert [one.key for one in plan.found] == ["a.png", "b/c.png"]
    assert plan.odd == ()


def test_links_in_a_list_are_not_followed_and_what_is_missing_is_named(
    tmp_path: Path,
) -> None:
    fill(tmp_path, "src/a.png", "secret/s.png")
    (tmp_path / "src/way").symlink_to(tmp_path / "secret")
    (tmp_path / "src/link.png").symlink_to(tmp_path / "secret/s.png")
    (tmp_path / "src/folder.png").mkdir()
    names = ("way/s.png", "link.png", "gone.png", "folder.png")

    plan = discover(
        [tmp_path / "src"], listed=[tmp_path / "src" / name for name in names]
    )

    reasons = {Path(one.path).name: one.reason for one in plan.odd}
    assert plan.found == ()
    assert "not followed" in reasons["s.png"]
    assert "not followed" in reasons["link.png"]
    assert "cannot be found" in reasons["gone.png"]
    assert "no regular file" in reasons["folder.png"]


def test_a_source_named_by_a_link_takes_listed_files_by_either_name(
    tmp_path: Path,
) -> None:
    fill(tmp_path, "real/a.png", "real/b.png")
    (tmp_path / "alias").symlink_to(tmp_path / "real")

    plan = discover(
        [tmp_path / "alias"], listed=[tmp_path / "alias/a.png", tmp_path / "real/b.png"]
    )

    assert [one.key for one in plan.found] == ["a.png", "b.png"]
