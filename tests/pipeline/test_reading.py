import os
import socket
from pathlib import Path

import pytest

from pipeline.errors import NotSupported, PictureChanged, Unreadable
from pipeline.reading import read_regular
from tests.support.rights import reachable_folder, without_rights

LIMIT = 1000


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/b.png").write_bytes(b"bytes")

    assert read_regular(tmp_path, "a/b.png", LIMIT) == b"bytes"


def test_a_name_that_is_not_utf_8_is_read_and_shown_escaped(tmp_path: Path) -> None:
    key = os.fsdecode(b"\xff.png")
    (tmp_path / key).write_bytes(b"bytes")

    assert read_regular(tmp_path, key, LIMIT) == b"bytes"
    (tmp_path / key).unlink()
    with pytest.raises(Unreadable, match=r"\\xff\.png is gone"):
        read_regular(tmp_path, key, LIMIT)


@pytest.mark.timeout(5)
def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")

    with pytest.raises(Unreadable, match="no regular file"):
        read_regular(tmp_path, "a.png", LIMIT)


def test_a_socket_is_not_read(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "a.png"))

        with pytest.raises(Unreadable, match="no regular file"):
            read_regular(tmp_path, "a.png", LIMIT)


def test_a_file_that_may_not_be_read_is_told() -> None:
    with reachable_folder() as folder:
        (folder / "a.png").write_bytes(b"bytes")
        (folder / "a.png").chmod(0)

        with without_rights(), pytest.raises(Unreadable, match="may not be read"):
            read_regular(folder, "a.png", LIMIT)


def test_a_device_is_not_read() -> None:
    with pytest.raises(Unreadable, match="no regular file"):
        read_regular(Path("/dev"), "zero", LIMIT)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real.png").write_bytes(b"bytes")
    (tmp_path / "a.png").symlink_to("real.png")

    with pytest.raises(Unreadable, match="link"):
        read_regular(tmp_path, "a.png", LIMIT)


def test_a_folder_that_was_swapped_for_a_link_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/secret.png").write_bytes(b"secret")
    (tmp_path / "src").mkdir()
    (tmp_path / "src/sub").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(Unreadable, match="link"):
        read_regular(tmp_path / "src", "sub/secret.png", LIMIT)


@pytest.mark.parametrize("key", ["../x.png", "/etc/passwd", "a/../../x", ""])
def test_a_key_that_leads_out_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(Unreadable, match="leads out"):
        read_regular(tmp_path, key, LIMIT)


def test_an_empty_file_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()

    with pytest.raises(Unreadable, match="is empty"):
        read_regular(tmp_path, "a.png", LIMIT)


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(bytes(LIMIT + 1))

    with pytest.raises(NotSupported, match=r"load\.max_file_mib"):
        read_regular(tmp_path, "a.png", LIMIT)


def test_a_folder_of_that_name_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()

    with pytest.raises(Unreadable, match="no regular file"):
        read_regular(tmp_path, "a.png", LIMIT)


def test_a_file_that_shrinks_while_it_is_read_has_changed() -> None:
    # The files of /proc say that they are empty and then give bytes.
    with pytest.raises(PictureChanged, match="changed while it was read"):
        read_regular(Path("/proc/self"), "status", 100_000)


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        with pytest.raises(Unreadable):
            read_regular(tmp_path, "gone.png", LIMIT)

    assert len(list(Path("/proc/self/fd").iterdir())) == before
