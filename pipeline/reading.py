"""Read a file of unknown nature: no link is followed, nothing is waited for."""

import errno
import os
import stat
from pathlib import Path, PurePosixPath

from pipeline.errors import PictureChanged, TooLarge, Unreadable
from pipeline.names import shown


def read_regular(root: Path, key: str, max_bytes: int) -> bytes:
    """Read a whole regular file below `root`, following no link, never waiting.

    Every folder on the way is opened by itself, so that a link put there after the
    folders were walked leads nowhere; a FIFO or a device is never read.

    Args:
        root: The folder; it may be reached by links itself.
        key: Path below it, with `/`.
        max_bytes: Larger files are not read.

    Raises:
        Unreadable: it is gone, is a link or no regular file, or may not be read.
        TooLarge: it is larger than `max_bytes`.
        PictureChanged: it changed while it was read.
    """
    path = shown(root / key)
    parts = PurePosixPath(key).parts
    if not parts or ".." in parts or key.startswith("/"):
        raise Unreadable(f"{path} leads out of its folder; it is not opened")
    opened: list[int] = []
    try:
        opened.append(os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        for part in parts[:-1]:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            opened.append(os.open(part, flags, dir_fd=opened[-1]))
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        opened.append(os.open(parts[-1], flags, dir_fd=opened[-1]))
        return _read_opened(opened[-1], path, max_bytes)
    except OSError as error:
        raise Unreadable(f"{path} {_why_unread(error)}") from error
    finally:
        for descriptor in opened:
            os.close(descriptor)


def _read_opened(descriptor: int, path: str, max_bytes: int) -> bytes:
    before = os.fstat(descriptor)
    if not stat.S_ISREG(before.st_mode):
        raise Unreadable(f"{path} is no regular file; it is not opened")
    if before.st_size > max_bytes:
        raise TooLarge(
            f"{path} is larger than {max_bytes / 2**20:.0f} MiB; "
            "raise load.max_file_mib to take it"
        )
    with os.fdopen(os.dup(descriptor), "rb") as opened:
        data = opened.read(max_bytes + 1)
    after = os.fstat(descriptor)
    same = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
    if not same or len(data) != after.st_size:
        raise PictureChanged(f"{path} changed while it was read; it is left for later")
    if not data:
        raise Unreadable(f"{path} is empty")
    return data


def _why_unread(error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return "is gone"
    if error.errno in {errno.ELOOP, errno.ENOTDIR, errno.EMLINK}:
        return "is a link, or lies behind one; links are not followed"
    if error.errno in {errno.EACCES, errno.EPERM}:
        return "may not be read by this user"
    if error.errno == errno.ENXIO:
        return "is no regular file; it is not opened"
    return f"cannot be read ({error.strerror})"
