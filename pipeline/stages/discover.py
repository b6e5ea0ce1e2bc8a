"""Walk folders and list the pictures in them, without opening any."""

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.errors import NotSupported, UsageError
from pipeline.names import shown
from pipeline.records import Found, Odd, Plan, Status

SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp")
"""What a picture's name ends with, in any mix of upper and lower case."""

OTHERS = (".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".heif", ".jxl", ".apng")
"""What the names of other pictures end with; they are named, and not opened."""

_LINK = "is a link; links are not followed"
_NO_FILE = "is no regular file"
_OTHER = "is left as it is; only PNG, JPEG and WebP are opened"


def discover(
    sources: Sequence[Path],
    *,
    exclude: tuple[Path, ...] = (),
    base: Path | None = None,
    listed: Sequence[Path] | None = None,
) -> Plan:
    """List every picture in the sources, sorted by key.

    A folder is walked whole; below it, links are named but not followed, and names that
    begin with a dot are left alone, as a shell's `*` leaves them. Pictures of formats
    that are not opened are named by what their names end with. A source may be a file
    too. Its key is its path below the folder among the sources that holds it, else
    below `base`, else its name. A source that is a link is followed: it was asked for.

    Args:
        sources: Folders and files.
        exclude: Folders that are not entered, such as the output folder.
        base: The folder below which single files are named; usually the current one.
        listed: When given, nothing is walked: of the folders among the sources, only
            these files are taken. What is no picture by its name is passed over, and
            so is what lies in no source. Links are not followed on any part of the
            way below a source.

    Returns:
        The plan. A picture that is reached twice is listed once. When two pictures have
        one key, because two sources hold the same name, the first source wins and the
        other is named among the odd ones.

    Raises:
        UsageError: a source does not exist.
    """
    walk = _Walk(exclude, base)
    for source in sorted(sources, key=Path.is_file):
        walk.take(source, whole=listed is None)
    for path in listed or ():
        walk.take_listed(path)
    found = sorted(walk.found.values(), key=lambda one: one.key)
    odd = sorted(walk.odd, key=lambda one: one.path)
    return Plan(tuple(found), tuple(odd), _twins(walk.found))


def is_picture_name(name: str) -> bool:
    """Tell by its name whether a file claims to be a picture that can be read."""
    return name.lower().endswith(SUFFIXES)


class _Walk:
    """What was seen so far."""

    def __init__(self, exclude: tuple[Path, ...], base: Path | None) -> None:
        self.found: dict[str, Found] = {}
        self.odd: list[Odd] = []
        self._exclude = {os.path.realpath(folder) for folder in exclude}
        self._roots: dict[Path, Path] = {}
        self._base = base

    def take(self, source: Path, *, whole: bool) -> None:
        """Add one source; a folder's pictures only when it is wanted whole."""
        # Resolved once, so that one file reached by two ways has one path.
        real = Path(os.path.realpath(source))
        if real.is_dir():
            self._roots.setdefault(Path(os.path.abspath(source)), real)  # noqa: PTH100
            for folder, prefix in self._folders(real) if whole else ():
                self._list(real, folder, prefix)
        elif not real.exists():
            raise UsageError(f"there is no file or folder {shown(source)}; check it")
        elif not real.is_file():
            self.odd.append(Odd(str(source), _NO_FILE))
        elif is_picture_name(real.name):
            self._add(*self._placed(real))
        else:
            self.odd.append(Odd(str(source), "is no PNG, JPEG or WebP by its name"))

    def take_listed(self, path: Path) -> None:
        """Add one file of a list, if it is a picture of a folder among the sources."""
        # Not resolved: a list is made by programs, and a link in it asks for nothing.
        plain = os.path.abspath(path)  # noqa: PTH100
        if not is_picture_name(plain):
            return
        for given, real in self._roots.items():
            for folder in dict.fromkeys((given, real)):
                if plain.startswith(os.path.join(folder, "")):  # noqa: PTH118
                    self._look_listed(real, os.path.relpath(plain, folder))
                    return

    def _look_listed(self, root: Path, key: str) -> None:
        path = str(root / key)
        if any(os.path.commonpath([path, out]) == out for out in self._exclude):
            return
        try:
            real = os.path.realpath(path, strict=True)
        except OSError as error:
            reason = f"was listed, and cannot be found ({error.strerror})"
            self.odd.append(Odd(path, reason, Status.UNREADABLE))
            return
        if real != path:
            self.odd.append(Odd(path, _LINK))
        elif Path(path).is_file():
            self._add(root, key)
        else:
            self.odd.append(Odd(path, _NO_FILE))

    def _placed(self, real: Path) -> tuple[Path, str]:
        """Return the root and the key of a single file."""
        roots = [*self._roots.values()]
        roots += [Path(os.path.realpath(self._base))] if self._base else []
        for root in roots:
            if real.is_relative_to(root):
                return root, str(real.relative_to(root))
        return real.parent, real.name

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
        elif entry.is_dir(follow_symlinks=False):
            return
        elif not is_picture_name(entry.name):
            if entry.name.lower().endswith(OTHERS):
                self.odd.append(Odd(entry.path, _OTHER, kind=NotSupported.kind))
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
