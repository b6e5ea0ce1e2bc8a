"""Choose from what was found the pictures that a run works on."""

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pathspec

from pipeline.errors import UsageError
from pipeline.records import Found, Odd, Plan


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several runs that share the pictures of a folder between them."""

    number: int
    """From 1."""

    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def takes(self, key: str) -> bool:
        """Tell whether a picture belongs to this shard; the same on every machine."""
        digest = hashlib.sha256(os.fsencode(key)).digest()
        return int.from_bytes(digest[:8]) % self.of == self.number - 1


@dataclass(frozen=True, slots=True)
class Selection:
    """Which pictures of the sources are wanted; without any field, all of them."""

    include: tuple[str, ...] = ()
    """Globs as in a .gitignore file; with any, only what one of them matches."""

    exclude: tuple[str, ...] = ()
    """Globs as in a .gitignore file; what they match is left out."""

    changed_since: datetime | str = ""
    """A date with its zone: files written since. A text: a git revision."""

    shard: Shard | None = None
    base: Path | None = None
    """The folder below which files that are sources themselves are named."""

    listed: tuple[Path, ...] | None = None
    """When given, only these files of the sources."""

    @property
    def may_be_empty(self) -> bool:
        """Tell whether choosing nothing from something that was found is no mistake."""
        return bool(self.changed_since) or self.shard is not None


ChangedFiles = Callable[[Sequence[Path], str], frozenset[str]]
"""Given folders and a git revision, returns the paths that differ from it."""


def choose_files(plan: Plan, wanted: Selection, changed_files: ChangedFiles) -> Plan:
    """Return the part of the plan that is wanted.

    Args:
        plan: All that was found; it stays in its order.
        wanted: What to choose by.
        changed_files: Asks git; called only for a revision, and then once.

    Raises:
        UsageError: a glob cannot be read, or git cannot answer.
    """
    globs = _Globs(wanted.include, wanted.exclude)
    found: Iterable[Found] = (one for one in plan.found if globs.take(one.key))
    odd: Iterable[Odd] = (
        one for one in plan.odd if globs.take(_below(one.path, plan.found))
    )
    if isinstance(wanted.changed_since, datetime):
        since_s = wanted.changed_since.timestamp()
        found = (one for one in found if _written_s(one.root / one.key) >= since_s)
    elif wanted.changed_since:
        chosen = list(found)
        roots = sorted({one.root for one in chosen})
        paths = changed_files(roots, wanted.changed_since)
        found = (one for one in chosen if str(one.root / one.key) in paths)
        odd = (one for one in odd if one.path in paths)
    shard = wanted.shard
    if shard is not None:
        found = (one for one in found if shard.takes(one.key))
        odd = (one for one in odd if shard.takes(one.path))
    found = tuple(found)
    keys = {one.key for one in found}
    twins = tuple(group for group in plan.twins if keys.issuperset(group))
    return replace(plan, found=found, odd=tuple(odd), twins=twins)


class _Globs:
    """What to take and what to leave, by the path below its source."""

    def __init__(self, include: Sequence[str], exclude: Sequence[str]) -> None:
        self._include = _compiled(include, "--include") if include else None
        self._exclude = _compiled(exclude, "--exclude") if exclude else None

    def take(self, key: str) -> bool:
        if self._exclude is not None and self._exclude.match_file(key):
            return False
        return self._include is None or self._include.match_file(key)


def _compiled(globs: Sequence[str], option: str) -> pathspec.GitIgnoreSpec:
    try:
        return pathspec.GitIgnoreSpec.from_lines(globs)
    except ValueError as error:
        raise UsageError(f"{option}: {error}; write globs as in .gitignore") from error


def _below(path: str, found: Sequence[Found]) -> str:
    """Return a path as a key; as it is when it lies below no known source."""
    for root in {one.root for one in found}:
        if path.startswith(f"{root}{os.sep}"):
            return path[len(str(root)) + 1 :]
    return path.lstrip(os.sep)


def _written_s(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return float("inf")  # Gone by now; the run names what is wrong with it.
