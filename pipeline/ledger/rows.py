"""What the ledger holds about one picture."""

import json
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.records import RunInfo


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells without reading whether a file is still the one that was seen."""

    size: int
    mtime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Stamp":
        """Return the stamp of a file from what `stat` said."""
        return cls(status.st_size, status.st_mtime_ns)


NO_STAMP = Stamp(-1, -1)


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger holds about one picture."""

    key: str
    root: Path
    state: str
    run_id: str
    attempt: int
    """How often it was claimed since it was last done."""

    stamp: Stamp
    """Of the input, when it was claimed."""

    digest: str
    basis: str
    """Digest of everything but the picture that its result depends on."""

    status: str
    severity: int
    """Of the worst finding that is still there; `Severity.FINE` when there is none."""

    output: str
    """Path below the output folder; "" when nothing was written."""

    output_digest: str
    output_stamp: Stamp
    losses: int = 0
    """How many workers died over it since it was last done."""

    orphaned: int = 0
    """How many runs died while it was worked on since it was last done."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What is written down about a picture when work on it begins."""

    key: str
    root: Path
    stamp: Stamp
    basis: str
    worker: str
    """Who works on it; for people."""


class Ending(NamedTuple):
    """How it ended for one picture; the least that the exit code needs."""

    key: str
    status: str
    severity: int


def run_row(info: RunInfo) -> tuple[str | int, ...]:
    """Return a run as it stands in the table `runs`."""
    return (
        info.run_id,
        info.command,
        json.dumps(info.argv),
        json.dumps(info.sources),
        json.dumps(info.output),
        info.started,
        info.finished,
        info.ended_by,
        info.engine,
        info.settings_json,
        info.version,
        info.planned,
    )


KNOWN_COLUMNS = (
    "key, root, state, run_id, attempt, size, mtime_ns, digest, basis, status, "
    "severity, output, output_digest, output_size, output_mtime_ns, losses, orphaned"
)


def known_from(row: tuple[Any, ...]) -> Known:
    """Return what one row of `KNOWN_COLUMNS` says."""
    key, root, state, run_id, attempt, size, mtime_ns, digest, basis, *rest = row
    status, severity, output, output_digest, *rest = rest
    output_size, output_mtime_ns, losses, orphaned = rest
    return Known(
        os.fsdecode(key),
        _root(root),
        state,
        run_id,
        attempt,
        Stamp(size, mtime_ns),
        digest,
        basis,
        status,
        severity,
        os.fsdecode(output),
        output_digest,
        Stamp(output_size, output_mtime_ns),
        losses,
        orphaned,
    )


@lru_cache(maxsize=64)
def _root(root: bytes) -> Path:
    """Return the path; a ledger has many pictures and few roots."""
    return Path(os.fsdecode(root))
