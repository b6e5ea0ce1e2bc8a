"""Where pictures lie, as the readers of a build's results expect to be told."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pipeline.names import shown


class Places:
    """Turns the key of a picture into its path below the repository's root.

    A key is a path below the source that the picture was found in. Build servers want
    paths below the root of the repository, or else the folder that the check ran in.
    """

    def __init__(
        self,
        sources: Sequence[str],
        folder: Path,
        roots: Mapping[str, Path] | None = None,
    ) -> None:
        """Take note of where the pictures were looked for.

        Args:
            sources: The folders and files of the run, as they were given.
            folder: The folder that relative sources start from.
            roots: The folder that each picture was found in, by its key, as far as it
                is known; of others the sources are tried in turn.
        """
        self._roots = roots or {}
        self._folder = Path(os.path.realpath(folder))
        self._root = _repository_of(self._folder)
        real = [Path(os.path.realpath(folder / one)) for one in sources]
        self._folders = [one for one in real if not one.is_file()]
        self._files = {one.name: one for one in reversed(real) if one.is_file()}
        self._known: dict[str, str] = {}

    def path(self, key: str) -> str:
        """Return the picture's path with `/`: below the root, or absolute outside."""
        if key not in self._known:
            path = self._find(key)
            inside = path.is_relative_to(self._root)
            place = path.relative_to(self._root) if inside else path
            self._known[key] = place.as_posix()
        return self._known[key]

    def text(self, key: str) -> str:
        """Return the same as text that any reader takes, and as it is where it can be.

        A name with line breaks, controls or bytes that are not UTF-8 is escaped. Such a
        file cannot be found by its text, but a person sees which one is meant.
        """
        path = self.path(key)
        escaped = shown(path)
        return path if escaped == path.replace("\\", "\\\\") else escaped

    def _find(self, key: str) -> Path:
        """Return the absolute path of a key; the likeliest when no file is there."""
        if key in self._roots:
            return self._folder / self._roots[key] / key
        ways = list(self._ways(key))
        return next((way for way in ways if os.path.lexists(way)), ways[0])

    def _ways(self, key: str) -> Iterator[Path]:
        yield from (folder / key for folder in self._folders)
        # A source that is a file has its path or its own name for a key.
        yield self._folder / key
        if key in self._files:
            yield self._files[key]


def _repository_of(folder: Path) -> Path:
    """Return the closest folder upwards that holds `.git`, else the folder itself."""
    upwards = (folder, *folder.parents)
    return next((one for one in upwards if (one / ".git").exists()), folder)
