"""Digest a file; write a file wholly or not at all.

The way to publish a result: `stage_file` writes a temporary file in the folder of the
target and makes sure that the disk has it; `publish` gives it its name in one step that
never replaces a file of somebody else, and makes sure that the disk has the name too.
A crash at any point leaves the target whole or absent, and at worst a `.nm-*.part`
beside it.
"""

import contextlib
import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import OutputTaken, OutputTrouble, PictureProblem
from pipeline.names import shown

PART_PREFIX, PART_SUFFIX = ".nm-", ".part"
"""Temporary files are `.nm-<id>.part`: short, so that NAME_MAX is never met."""

_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS}
_SAYS = {
    errno.ENOSPC: "has no room left; make some",
    errno.EDQUOT: "is over its quota; make some room",
    errno.EFBIG: "takes no file of that size (ulimit -f); raise the limit",
    errno.EROFS: "can only be read; make it writable",
    errno.EACCES: "may not be written to; give this user the right to",
    errno.EPERM: "may not be written to; give this user the right to",
    errno.ENOENT: "is gone; bring it back",
    errno.ENOTDIR: "is not a folder; move the file of that name away",
    errno.EIO: "answers with an I/O error; check the disk",
}


@dataclass(frozen=True, slots=True)
class Disk:
    """The calls that change a disk; tests pass their own to make each of them fail."""

    open: Callable[..., int] = os.open
    write: Callable[[int, memoryview], int] = os.write
    fsync: Callable[[int], None] = os.fsync
    close: Callable[[int], None] = os.close
    link: Callable[[Path, Path], None] = os.link
    rename: Callable[[Path, Path], None] = os.replace
    unlink: Callable[[Path], None] = os.unlink
    mkdir: Callable[[Path], None] = os.mkdir


REAL_DISK = Disk()


def digest_bytes(data: bytes) -> str:
    """Return the SHA-256 of the bytes in hex."""
    return hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file in hex, without holding the file in memory."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def short_id_of(key: str, run_id: str, lane: str = "") -> str:
    """Return a `short_id` that no other picture of this run has, nor of another run.

    It begins with the lane of the run, by which runs that share a folder tell their
    temporary files from those of the others.
    """
    text = f"{run_id}:{key}".encode("utf-8", "surrogateescape")
    return lane + hashlib.sha256(text).hexdigest()[:16]


def part_name(short_id: str) -> str:
    """Return the name that a temporary file has until it is published."""
    return f"{PART_PREFIX}{short_id}{PART_SUFFIX}"


def make_folder(folder: Path, disk: Disk = REAL_DISK) -> None:
    """Make a folder and its parents, and make sure that the disk has them.

    Raises:
        OutputTrouble: it cannot be made.
    """
    if folder.is_dir():
        return
    try:
        make_folder(folder.parent, disk)
        with contextlib.suppress(FileExistsError):
            disk.mkdir(folder)
        _sync_folder(folder.parent, disk)
    except OSError as error:
        raise _trouble(folder, error) from error


def check_there(folder: Path) -> None:
    """Refuse to go on without a folder that a run began with.

    Were it made again, what is written would lie beside what was written before, or on
    another disk.

    Raises:
        OutputTrouble: it is gone.
    """
    if not folder.is_dir():
        raise _trouble(folder, FileNotFoundError(errno.ENOENT, "it is gone"))


def stage_file(
    folder: Path, short_id: str, data: bytes, disk: Disk = REAL_DISK
) -> Path:
    """Write a temporary file, make sure the disk has it, and compare it.

    Args:
        folder: Where the target will be; it is made when it is missing.
        short_id: What tells this file from others of the run; letters, digits and "-".
        data: The whole content.
        disk: The calls to use.

    Returns:
        The path of the temporary file, `.nm-<short_id>.part`.

    Raises:
        OutputTrouble: the folder takes no file, or gave back other bytes than it got.
    """
    make_folder(folder, disk)
    temp = folder / part_name(short_id)
    try:
        _write_new(temp, data, disk)
        if temp.read_bytes() != data:
            raise OSError(errno.EIO, "it gave back other bytes than it was given")
    except OSError as error:
        with contextlib.suppress(OSError):
            disk.unlink(temp)
        raise _trouble(folder, error) from error
    return temp


def publish(
    temp: Path,
    target: Path,
    *,
    ours: frozenset[str] = frozenset(),
    source: Path | None = None,
    disk: Disk = REAL_DISK,
) -> None:
    """Give a staged file its final name; the target is whole or absent at any time.

    Args:
        temp: What `stage_file` returned; gone afterwards.
        target: The final path, in the same folder.
        ours: Digests of files that this tool wrote under that name before; only such a
            file is replaced. One that already holds the same bytes is left as it is.
        source: The input file; it is never replaced, however the folders are linked.
        disk: The calls to use.

    Raises:
        OutputTaken: a file of somebody else stands there, or the input itself.
        OutputTrouble: the folder cannot be written to.
    """
    folder = target.parent
    try:
        standing = _digest_standing(target, source)
        if standing is None:
            _give_name(temp, target, disk)
        elif standing == digest_file(temp):
            disk.unlink(temp)
        elif standing in ours:
            disk.rename(temp, target)
        else:
            raise FileExistsError(target)
        _sync_folder(folder, disk)
    except FileExistsError as error:
        with contextlib.suppress(OSError):
            disk.unlink(temp)
        raise OutputTaken(_taken(target)) from error
    except OSError as error:
        raise _trouble(folder, error) from error


def write_whole(path: Path, data: bytes, disk: Disk = REAL_DISK) -> None:
    """Write a file of our own, such as a report; readers see the old one or the new.

    Raises:
        OutputTrouble: the folder cannot be written to.
    """
    temp = stage_file(path.parent, secrets.token_hex(6), data, disk)
    try:
        disk.rename(temp, path)
        _sync_folder(path.parent, disk)
    except OSError as error:
        with contextlib.suppress(OSError):
            disk.unlink(temp)
        raise _trouble(path.parent, error) from error


def _write_new(temp: Path, data: bytes, disk: Disk) -> None:
    # One left behind under the same name is of an attempt that died: the run is locked.
    with contextlib.suppress(FileNotFoundError):
        disk.unlink(temp)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = disk.open(temp, flags, 0o666)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[disk.write(descriptor, rest) :]
        # When this fails it is never tried again: the pages may be marked as written
        # although they are lost (Rebello et al., USENIX ATC 2020). The file is dropped.
        disk.fsync(descriptor)
    finally:
        disk.close(descriptor)


def _digest_standing(target: Path, source: Path | None) -> str | None:
    """Return the digest of the file that stands at the target; None when it is free.

    Raises:
        FileExistsError: what stands there is no file, or it is the input.
    """
    try:
        standing = target.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(standing.st_mode):
        raise FileExistsError(target)
    if source is not None and source.exists() and source.samefile(target):
        raise FileExistsError(target)
    return digest_file(target)


def _give_name(temp: Path, target: Path, disk: Disk) -> None:
    """Name a file that has no name yet; a name taken in between is not overwritten."""
    try:
        disk.link(temp, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # exFAT, some network and FUSE folders have no links. The name was free a moment
        # ago and the folder is locked against other runs.
        disk.rename(temp, target)
        return
    disk.unlink(temp)


def _sync_folder(folder: Path, disk: Disk) -> None:
    descriptor = disk.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        disk.fsync(descriptor)
    except OSError as error:
        # Some network folders cannot be synced and say so; that is no lost write.
        if error.errno not in {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}:
            raise
    finally:
        disk.close(descriptor)


def _trouble(folder: Path, error: OSError) -> OutputTrouble | PictureProblem:
    if error.errno == errno.ENAMETOOLONG:
        return PictureProblem(
            f"the name is too long for {shown(folder)}; choose a shorter path"
        )
    cause = _SAYS.get(error.errno or 0, f"cannot be written to ({error.strerror})")
    return OutputTrouble(
        f"{shown(folder)} {cause}, then run the same command again to go on"
    )


def _taken(target: Path) -> str:
    return (
        f"{shown(target)} was not written by this tool and is left as it is; "
        "move it away, or choose another output folder"
    )
