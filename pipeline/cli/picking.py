"""Turn the options that pick files, and that end a run, into what a run is told."""

import os
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.cli.quantities import duration_s, next_time, size_mib
from pipeline.errors import UsageError
from pipeline.names import shown
from pipeline.runner.limits import Limits
from pipeline.stages.choose_files import Selection, Shard

_ADDRESSES = re.compile(r"(\bnight\.notify\s*=).*", re.DOTALL)
_LIST_LIMIT = 1 << 30
"""Bytes of a list of files; a longer one is a mistake, such as a picture."""


def selection(
    include: Sequence[str] | None,
    exclude: Sequence[str] | None,
    changed_since: str | None,
    files_from: str | None,
    shard: str | None = None,
) -> Selection:
    """Return which pictures are wanted.

    Raises:
        UsageError: an option cannot be understood, or the list cannot be read.
    """
    return Selection(
        tuple(include or ()),
        tuple(exclude or ()),
        since(changed_since, datetime.now(UTC)) if changed_since else "",
        parse_shard(shard) if shard else None,
        Path.cwd(),
        read_list(files_from) if files_from else None,
    )


def sources(given: Sequence[Path] | None, wanted: Selection) -> tuple[Path, ...]:
    """Return where to look; the current folder where the files are named otherwise.

    Raises:
        UsageError: nothing was named at all.
    """
    if given:
        return tuple(given)
    if wanted.listed is not None or wanted.changed_since:
        return (Path(),)
    raise UsageError("name a folder or a picture, or give a list by --files-from")


def command_line(words: Sequence[str]) -> tuple[str, ...]:
    """Return the command line as the ledger may keep it: without addresses."""
    return tuple(_ADDRESSES.sub(r"\1(hidden)", word) for word in words)


def limits(budget: str | None, stop_at: str | None, max_pictures: int | None) -> Limits:
    """Return when the run shall end.

    Raises:
        UsageError: an option cannot be understood.
    """
    return Limits(
        duration_s(budget, "--budget") if budget else None,
        next_time(stop_at, datetime.now(UTC), "--stop-at") if stop_at else None,
        max_pictures,
    )


def min_free_mib(text: str | None) -> int | None:
    """Return the room that must stay free; None when nothing was said.

    Raises:
        UsageError: it cannot be understood.
    """
    return size_mib(text, "--min-free") if text else None


def since(text: str, now: datetime) -> datetime | str:
    """Read a date, or a time that has passed since; anything else is a revision.

    Args:
        text: "2026-11-20", "2026-11-20T07:00", "12h" or a git revision.
        now: With its zone.

    Raises:
        UsageError: it could be taken for an option.
    """
    if text.startswith("-"):
        raise UsageError(f"--changed-since {shown(text)}: no revision begins with -")
    if re.fullmatch(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?", text):
        try:
            # Without a zone of its own it is meant in the one of this machine.
            return datetime.fromisoformat(text).astimezone()
        except ValueError as error:
            raise UsageError(f"--changed-since {shown(text)}: {error}") from error
    if re.fullmatch(r"(\d+[smhd])+", text):
        return now - timedelta(seconds=duration_s(text, "--changed-since"))
    return text


def parse_shard(text: str) -> Shard:
    """Read "2/5".

    Raises:
        UsageError: it is not that.
    """
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if match is not None and 1 <= int(match[1]) <= int(match[2]):
        return Shard(int(match[1]), int(match[2]))
    raise UsageError(
        f"--shard {shown(text)}: write i/n with i from 1 to n, such as 1/4"
    )


def read_list(name: str) -> tuple[Path, ...]:
    """Read a list of files, one a line; or each ended by a NUL, when there is one.

    Args:
        name: A file; "-" is the standard input.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        if name == "-":
            content = sys.stdin.buffer.read(_LIST_LIMIT + 1)
        else:
            with Path(name).open("rb") as opened:
                content = opened.read(_LIST_LIMIT + 1)
    except OSError as error:
        raise UsageError(
            f"--files-from {shown(name)} cannot be read: {error.strerror}"
        ) from error
    if len(content) > _LIST_LIMIT:
        raise UsageError(f"--files-from {shown(name)}: that is no list of files")
    if b"\0" in content:
        entries = content.split(b"\0")
    else:
        entries = content.replace(b"\r\n", b"\n").split(b"\n")
    return tuple(Path(os.fsdecode(entry)) for entry in entries if entry)
