"""Remember what was seen in pictures, so that an unchanged one is not looked at again.

What was seen is kept by the digest of the file and a basis: a digest of the settings
that matter, the weights and the code that looks. So it holds wherever the picture lies
and whatever it is called. To know the digest without reading the file, the memory also
keeps what `stat` said when it was last read: size, time of writing, time of change and
inode, as git and other tools do. A file that was written so shortly before it was read
that a later change could bear the same times is read again.

This is a cache: where it cannot be used, the picture is looked at, and that is all.
"""

import logging
import os
import stat
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Protocol

from detectors.findings import Severity
from pipeline.errors import PictureProblem
from pipeline.files import digest_bytes
from pipeline.finish import doubts
from pipeline.gate.memory_store import Store, StoreTrouble
from pipeline.reading import read_regular
from pipeline.records import Outcome, Status
from pipeline.settings import Settings

log = logging.getLogger(__name__)

RACY_NS = 2 * 10**9
"""Files written less than this before they were read are read again; file systems
count time in steps of up to two seconds (FAT)."""

OF_THE_CONTENT = frozenset(
    {"file/truncated", "file/damaged", "file/wrong-suffix", "file/not-supported"}
)
"""Troubles that lie in the file's bytes and its name, and so come again."""


class Placed(Protocol):
    """A picture file to look at, such as a `Job`."""

    @property
    def root(self) -> Path: ...
    @property
    def key(self) -> str: ...
    @property
    def path(self) -> Path: ...


@dataclass(frozen=True, slots=True)
class Seen:
    """What tells without reading whether a file is still the one that was read."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @classmethod
    def at(cls, path: Path) -> "Seen | None":
        """Return what `stat` says about a regular file; None when it says nothing."""
        try:
            status = os.lstat(path)
        except OSError:
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        return cls(
            status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
        )

    def settled(self, at_ns: int) -> bool:
        """Tell whether a change after `at_ns` would show in its times."""
        return max(self.mtime_ns, self.ctime_ns) + RACY_NS < at_ns


class Memory:
    """What one check remembers of the ones before, and leaves to the ones after."""

    def __init__(self, file: Path, basis: str, settings: Settings) -> None:
        """Open the memory of this machine, or make it.

        Args:
            file: The SQLite file.
            basis: Digest of everything but the picture that an outcome depends on.
            settings: Of the check; what they call flawed is worked out afresh.
        """
        self._basis, self._settings = basis, settings
        self._store = Store.opened(file)
        self._asked: dict[str, tuple[Path, Seen | None, int]] = {}
        self._recalled: set[str] = set()

    def close(self) -> None:
        """Close the file; calling it twice does no harm."""
        self._store.close()

    def recall(self, jobs: Sequence[Placed]) -> Mapping[str, Outcome]:
        """Return what is known about pictures, by key."""
        known: dict[str, Outcome] = {}
        try:
            with self._store.reading():
                worth_reading = self._store.knows_any(self._basis)
                for job in jobs:
                    outcome = self._recall(job, worth_reading)
                    if outcome is not None:
                        known[job.key] = outcome
        except StoreTrouble as error:
            log.warning("%s; every picture is looked at", error)
            known = {}
        self._recalled = set(known)
        self._flush()
        return known

    def remember(self, outcomes: Iterable[Outcome]) -> None:
        """Keep what came of the pictures that `recall` was asked about."""
        for outcome in outcomes:
            asked = self._asked.get(outcome.key)
            if asked is not None and outcome.key not in self._recalled:
                self._keep(outcome, *asked)
        self._flush()

    def _flush(self) -> None:
        try:
            self._store.flush()
            self._store.trim()
        except StoreTrouble as error:
            log.warning("%s; what was seen now is not kept", error)

    def _recall(self, job: Placed, worth_reading: bool) -> Outcome | None:
        now = time.time_ns()
        seen = Seen.at(job.path)
        self._asked[job.key] = (job.path, seen, now)
        if seen is None or not worth_reading:
            return None
        digest = self._store.digest_of(job.path, seen) or self._read(job, seen, now)
        outcome = self._store.outcome_of(digest, self._basis) if digest else None
        if outcome is None or not _told_of(outcome, job.key):
            return None
        return restated(replace(outcome, key=job.key), self._settings)

    def _read(self, job: Placed, seen: Seen, now: int) -> str:
        try:
            limit = self._settings.load.max_file_mib * 2**20
            digest = digest_bytes(read_regular(job.root, job.key, limit))
        except PictureProblem:
            return ""
        if seen.settled(now) and Seen.at(job.path) == seen:
            self._store.keep_file(job.path, seen, digest)
        return digest

    def _keep(self, outcome: Outcome, path: Path, seen: Seen | None, then: int) -> None:
        if not outcome.digest or not _lasts(outcome):
            return
        self._store.keep_outcome(outcome, self._basis)
        if seen is not None and seen.settled(then) and Seen.at(path) == seen:
            self._store.keep_file(path, seen, outcome.digest)


def restated(outcome: Outcome, settings: Settings) -> Outcome:
    """Return what was seen as these settings put it: `fail_on` decides on flawed."""
    if outcome.status not in (Status.CLEAN, Status.FLAWED):
        return outcome
    least = Severity[settings.run.fail_on.upper()]
    if any(
        row.severity >= least and row.confidence >= settings.detect.min_confidence
        for row in outcome.findings
    ):
        return replace(outcome, status=Status.FLAWED, problem="")
    noted = (row.kind for row in outcome.findings if row.severity is Severity.NOTE)
    return replace(outcome, status=Status.CLEAN, problem=doubts(noted))


def _told_of(outcome: Outcome, key: str) -> bool:
    """Tell whether what was seen holds for the same bytes under another name.

    A sound picture whose suffix now says something else is to be objected to, and what
    is told about a broken file names it.
    """
    if outcome.trouble:
        return outcome.key == key
    was, is_now = (PurePosixPath(one).suffix.lower() for one in (outcome.key, key))
    return was == is_now


def _lasts(outcome: Outcome) -> bool:
    """Tell whether looking again would give the same."""
    if outcome.status in (Status.CLEAN, Status.FLAWED):
        return not outcome.detector_failures
    return outcome.trouble in OF_THE_CONTENT
