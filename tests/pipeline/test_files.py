import errno
import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import OutputTaken, OutputTrouble, PictureProblem
from pipeline.files import (
    REAL_DISK,
    Disk,
    digest_bytes,
    digest_file,
    make_folder,
    publish,
    stage_file,
    write_whole,
)

OLD, NEW = b"old bytes", b"new bytes" * 1000
CALLS = [field.name for field in fields(Disk)]


class Failing:
    """A disk whose n-th call fails, or ends the process, whichever call that is."""

    def __init__(self, at: int, code: int | None) -> None:
        self.made = 0
        self._at, self._code = at, code

    def disk(self) -> Disk:
        return replace(
            REAL_DISK, **{name: self._wrap(getattr(REAL_DISK, name)) for name in CALLS}
        )

    def _wrap(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any) -> Any:
            self.made += 1
            if self.made == self._at:
                if self._code is None:
                    os.kill(os.getpid(), signal.SIGKILL)
                raise OSError(self._code, os.strerror(self._code or 0))
            return call(*arguments)

        return wrapped


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def work(folder: Path, disk: Disk, ours: frozenset[str] = frozenset()) -> None:
    temp = stage_file(folder / "deep", "run-1", NEW, disk)
    publish(temp, folder / "deep" / "a.png", ours=ours, disk=disk)


def test_a_published_file_is_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    work(tmp_path, REAL_DISK)

    assert (tmp_path / "deep/a.png").read_bytes() == NEW
    assert names_in(tmp_path / "deep") == ["a.png"]


def test_the_temporary_name_is_short_and_hidden(tmp_path: Path) -> None:
    temp = stage_file(tmp_path, "run-1", NEW)

    assert temp.name == ".nm-run-1.part"


def test_the_file_gets_the_rights_that_any_new_file_gets(tmp_path: Path) -> None:
    (tmp_path / "like").touch()
    work(tmp_path, REAL_DISK)

    mode = stat.S_IMODE((tmp_path / "deep/a.png").stat().st_mode)
    assert mode == stat.S_IMODE((tmp_path / "like").stat().st_mode)


def test_a_file_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    target = tmp_path / "a.png"
    target.write_bytes(OLD)
    temp = stage_file(tmp_path, "run-1", NEW)

    with pytest.raises(OutputTaken, match="was not written by this tool"):
        publish(temp, target)

    assert target.read_bytes() == OLD
    assert names_in(tmp_path) == ["a.png"]


def test_a_file_of_an_earlier_run_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "a.png"
    target.write_bytes(OLD)
    temp = stage_file(tmp_path, "run-1", NEW)

    publish(temp, target, ours=frozenset({digest_bytes(OLD)}))

    assert target.read_bytes() == NEW
    assert names_in(tmp_path) == ["a.png"]


def test_a_file_that_holds_the_same_already_is_left_as_it_is(tmp_path: Path) -> None:
    target = tmp_path / "a.png"
    target.write_bytes(NEW)
    before = target.stat().st_ino
    temp = stage_file(tmp_path, "run-1", NEW)

    publish(temp, target)

    assert target.stat().st_ino == before
    assert names_in(tmp_path) == ["a.png"]


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_the_input_is_never_replaced_even_when_the_output_is_a_link_to_it(
    tmp_path: Path, link: Callable[[Path, Path], None]
) -> None:
    source = tmp_path / "input.png"
    source.write_bytes(OLD)
    out = tmp_path / "out"
    out.mkdir()
    link(source, out / "input.png")
    temp = stage_file(out, "run-1", NEW)

    with pytest.raises(OutputTaken):
        publish(
            temp,
            out / "input.png",
            ours=frozenset({digest_bytes(OLD)}),
            source=source,
        )

    assert source.read_bytes() == OLD


def test_the_input_is_never_replaced_through_a_linked_folder(tmp_path: Path) -> None:
    source = tmp_path / "src" / "input.png"
    source.parent.mkdir()
    source.write_bytes(OLD)
    (tmp_path / "out").symlink_to(source.parent)
    temp = stage_file(tmp_path / "out", "run-1", NEW)

    with pytest.raises(OutputTaken):
        publish(
            temp,
            tmp_path / "out/input.png",
            ours=frozenset({digest_bytes(OLD)}),
            source=source,
        )

    assert source.read_bytes() == OLD


def test_a_folder_without_links_is_published_to_by_renaming(tmp_path: Path) -> None:
    def no_links(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "no links here")

    work(tmp_path, replace(REAL_DISK, link=no_links))

    assert (tmp_path / "deep/a.png").read_bytes() == NEW
    assert names_in(tmp_path / "deep") == ["a.png"]


def test_a_name_that_is_taken_at_the_last_moment_is_not_overwritten(
    tmp_path: Path,
) -> None:
    def late(source: Path, target: Path) -> None:
        target.write_bytes(OLD)
        os.link(source, target)

    with pytest.raises(OutputTaken):
        work(tmp_path, replace(REAL_DISK, link=late))

    assert (tmp_path / "deep/a.png").read_bytes() == OLD


def test_what_an_attempt_that_died_left_behind_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / ".nm-run-1.part").write_bytes(b"half")

    temp = stage_file(tmp_path, "run-1", NEW)

    assert temp.read_bytes() == NEW


@pytest.mark.parametrize(
    "code", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES]
)
@pytest.mark.parametrize("standing", [False, True])
def test_whichever_call_fails_the_target_is_whole_and_the_folder_is_named(
    tmp_path: Path, code: int, standing: bool
) -> None:
    said = []
    for at in range(1, 100):
        folder = tmp_path / str(at)
        folder.mkdir()
        target = folder / "deep/a.png"
        if standing:
            target.parent.mkdir()
            target.write_bytes(OLD)
        failing = Failing(at, code)
        try:
            work(folder, failing.disk(), frozenset({digest_bytes(OLD)}))
        except OutputTrouble as error:
            said.append(str(error))
        held = target.read_bytes() if target.exists() else None
        assert held in ({OLD, NEW} if standing else {None, NEW})
        if failing.made < at:
            break
    assert held == NEW
    assert len(said) >= 7
    assert all(f"{tmp_path}/{at}" in text for at, text in enumerate(said, start=1))
    assert all("run the same command again" in text for text in said)


def test_killed_at_any_call_the_target_is_whole_or_absent(tmp_path: Path) -> None:
    killed = 0
    for at in range(1, 100):
        folder = tmp_path / str(at)
        folder.mkdir()
        child = os.fork()
        if child == 0:
            work(folder, Failing(at, None).disk())
            os._exit(0)
        _, status = os.waitpid(child, 0)
        target = folder / "deep/a.png"
        assert not target.exists() or target.read_bytes() == NEW
        # Doing the same again must end as if nothing had happened.
        work(folder, REAL_DISK)
        assert target.read_bytes() == NEW
        assert names_in(folder / "deep") == ["a.png"]
        if not os.WIFSIGNALED(status):
            break
        killed += 1
    assert killed >= 9


def test_a_disk_that_gives_back_other_bytes_is_noticed(tmp_path: Path) -> None:
    def corrupt(descriptor: int, data: memoryview) -> int:
        return os.write(descriptor, bytes(len(data)))

    with pytest.raises(OutputTrouble, match="I/O error"):
        stage_file(tmp_path, "run-1", NEW, replace(REAL_DISK, write=corrupt))

    assert names_in(tmp_path) == []


def test_a_write_that_takes_only_a_part_goes_on(tmp_path: Path) -> None:
    def little(descriptor: int, data: memoryview) -> int:
        return os.write(descriptor, data[:100])

    temp = stage_file(tmp_path, "run-1", NEW, replace(REAL_DISK, write=little))

    assert temp.read_bytes() == NEW


def test_a_limit_on_file_sizes_is_one_sentence(tmp_path: Path) -> None:
    def child() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    code = (
        "import pathlib, sys; from pipeline.errors import OutputTrouble;"
        "from pipeline.files import stage_file\n"
        "try: stage_file(pathlib.Path(sys.argv[1]), 'x', bytes(5000))\n"
        "except OutputTrouble as error: print(error)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=child,
    )

    assert "ulimit" in shown.stdout
    assert names_in(tmp_path) == []


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"")

    with pytest.raises(OutputTrouble, match="out"):
        stage_file(tmp_path / "out" / "deep", "run-1", NEW)


def test_a_name_that_is_too_long_is_trouble_with_one_picture_only(
    tmp_path: Path,
) -> None:
    temp = stage_file(tmp_path, "run-1", NEW)

    with pytest.raises(PictureProblem, match="too long"):
        publish(temp, tmp_path / ("x" * 300))


def test_a_fsync_that_a_network_folder_does_not_know_is_no_trouble(
    tmp_path: Path,
) -> None:
    def files_only(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not here")

    work(tmp_path, replace(REAL_DISK, fsync=files_only))

    assert (tmp_path / "deep/a.png").read_bytes() == NEW


def test_own_files_are_replaced_whole(tmp_path: Path) -> None:
    write_whole(tmp_path / "report.html", OLD)
    write_whole(tmp_path / "report.html", NEW)

    assert (tmp_path / "report.html").read_bytes() == NEW
    assert names_in(tmp_path) == ["report.html"]


def test_an_own_file_that_cannot_be_named_leaves_the_old_one(tmp_path: Path) -> None:
    def broken(source: Path, target: Path) -> None:
        raise OSError(errno.EIO, "broken")

    write_whole(tmp_path / "report.html", OLD)
    with pytest.raises(OutputTrouble):
        write_whole(tmp_path / "report.html", NEW, replace(REAL_DISK, rename=broken))

    assert (tmp_path / "report.html").read_bytes() == OLD
    assert names_in(tmp_path) == ["report.html"]


def test_folders_are_made_with_their_parents_once(tmp_path: Path) -> None:
    make_folder(tmp_path / "a/b/c")
    make_folder(tmp_path / "a/b/c")

    assert (tmp_path / "a/b/c").is_dir()


def test_digests_of_bytes_and_of_files_agree(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(NEW)

    assert digest_file(tmp_path / "x") == digest_bytes(NEW)
