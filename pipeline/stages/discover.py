"""Walk folders and list the pictures in them, without opening any."""

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.names import shown
from pipeline.records import Found, Odd, Plan, Status

SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp")
"""What a picture's name ends with, in any mix of upper and lower case."""

_LINK = "is a link; links are not followed"
_NO_FILE = "is no regular file"


def discover(sources: Sequence[Path], *, exclude: tuple[Path, ...] = ()) -> Plan:
    """List every picture in the sources, sorted by key.

    A folder is walked whole; below it, links are named but not followed, and names that
    begin with a dot are left alone, as a shell's `*` leaves them. A source may be a
    file too; its key is its name. A source that is a link is followed: it was asked
    for.

    Args:
        sources: Folders and files.
        exclude: Folders that are not entered, such as the output folder.

    Returns:
        The plan. A picture that is reached twice is listed once. When two pictures have
        one key, because two sources hold the same name, the first source wins and the
        other is named among the odd ones.

    Raises:
        UsageError: a source does not exist.
    """
    walk = _Walk(exclude)
    for source in sources:
        walk.take(source)
    found = sorted(walk.found.values(), key=lambda one: one.key)
    odd = sorted(walk.odd, key=lambda one: one.path)
    return Plan(tuple(found), tuple(odd), _twins(walk.found))


def is_picture_name(name: str) -> bool:
    """Tell by its name whether a file claims to be a picture that can be read."""
    return name.lower().endswith(SUFFIXES)


class _Walk:
    """What was seen so far."""

    def __init__(self, exclude: tuple[Path, ...]) -> None:
        self.found: dict[str, Found] = {}
        self.odd: list[Odd] = []
        self._exclude = {os.path.realpath(folder) for folder in exclude}

    def take(self, source: Path) -> None:
        """Add one source."""
        # Resolved once, so that one file reached by two ways has one path.
        real = Path(os.path.realpath(source))
        if real.is_dir():
            for folder, prefix in self._folders(real):
                self._list(real, folder, prefix)
        elif not real.exists():
            raise UsageError(f"there is no file or folder {shown(source)}; check it")
        elif not real.is_file():
            self.odd.append(Odd(str(source), _NO_FILE))
        elif is_picture_name(real.name):
            self._add(real.parent, real.name)
        else:
            self.odd.append(Odd(str(source), "is no PNG, JPEG or WebP by its name"))

    def _folders(self, root: Path) -> Iterator[tuple[str, str]]:
        """Yield each folder below the root as (path, key prefix), the root first."""
        waiting = [(str(root), "")]
        while waiting:
            folder, prefix = waiting.pop()
            yield folder, prefix
            waiting.extend(self._below(folder, prefix))

    def _below(self, folder: str, prefix: str) -> list[tuple[str, str]]:
        try:
            with os.scandir(folder) as entries:
                return [
                    (entry.path, f"{prefix}{entry.name}/")
                    for entry in entries
                    if not entry.name.startswith(".")
                    and entry.is_dir(follow_symlinks=False)
                    and entry.path not in self._exclude
                ]
        except OSError:
            return []  # `_list` has named the folder.

    def _list(self, root: Path, folder: str, prefix: str) -> None:
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if not entry.name.startswith("."):
                        self._look(root, entry, prefix)
        except OSError as error:
            reason = f"cannot be listed ({error.strerror})"
            self.odd.append(Odd(folder, reason, Status.UNREADABLE))

    def _look(self, root: Path, entry: os.DirEntry[str], prefix: str) -> None:
        if entry.is_symlink():
            if is_picture_name(entry.name) or entry.is_dir():
                self.odd.append(Odd(entry.path, _LINK))
        elif entry.is_dir(follow_symlinks=False) or not is_picture_name(entry.name):
            return
        elif entry.is_file(follow_symlinks=False):
            self._add(root, prefix + entry.name)
        else:
            self.odd.append(Odd(entry.path, _NO_FILE))

    def _add(self, root: Path, key: str) -> None:
        standing = self.found.setdefault(key, Found(root, key))
        if standing.root != root:
            reason = (
                f"would be written to the same place as {shown(standing.root / key)}"
            )
            self.odd.append(Odd(str(root / key), reason, Status.FAILED))


def _twins(keys: dict[str, Found]) -> tuple[tuple[str, ...], ...]:
    groups: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        folded = key if key.isascii() else unicodedata.normalize("NFC", key)
        groups[folded.casefold()].append(key)
    return tuple(sorted(tuple(sorted(g)) for g in groups.values() if len(g) > 1))
