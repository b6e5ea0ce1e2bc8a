"""Problems that were there before: they are excused, so that only new ones fail.

An entry names a rule, the content of a file by its digest, and a place in the picture.
So it holds when the file is moved or renamed, and it does not when the picture is
replaced by another. A place that has shifted a little, as after an update of a
detector, is the same place.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from detectors.geometry import Box
from pipeline.gate.problem import OPEN_FAMILIES, Problem
from pipeline.names import shown

SAME_PLACE = 0.3
"""Overlap (IoU) from which two boxes of one rule in one picture are one place."""

PER_COPY = frozenset({"NM221"})
"""Rules of which one content can have several problems, told apart by fingerprint."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One problem that does not count."""

    rule: str
    kind: str
    digest: str
    """SHA-256 of the file in hex; "" for one that could not be read: then by path."""

    path: str
    """The key under which the file was last seen; for people."""

    box: Box | None
    fingerprint: str
    reason: str = ""
    expires: date | None = None
    """The last day on which the entry holds; None means for good."""

    added: date | None = None

    def holds_on(self, day: date) -> bool:
        """Tell whether the entry has not expired."""
        return self.expires is None or day <= self.expires

    def names(self, problem: Problem) -> bool:
        """Tell whether the entry is about this problem, expired or not."""
        if self.fingerprint == problem.fingerprint:
            return True
        if self.rule in PER_COPY or not self._of_rule(problem):
            return False
        return self._of_content(problem) and self._at_place(problem.box)

    def _of_rule(self, problem: Problem) -> bool:
        if self.rule in OPEN_FAMILIES and self.kind != problem.rule.kind:
            return False
        return self.rule == problem.rule.code

    def _of_content(self, problem: Problem) -> bool:
        if self.digest:
            return self.digest == problem.digest
        return not problem.digest and self.path == shown(problem.key)

    def _at_place(self, box: Box | None) -> bool:
        if self.box is None or box is None:
            return self.box is box
        return self.box.overlap(box) >= SAME_PLACE


class Baseline:
    """All entries of a file; knows which problems they excuse on one day."""

    def __init__(self, entries: Iterable[Entry], today: date) -> None:
        self.entries = tuple(sorted(entries, key=_rank))
        self._today = today
        self._by_content: Mapping[str, list[Entry]] = _by_content(self.entries)

    def entry_for(self, problem: Problem) -> Entry | None:
        """Return the entry about a problem, expired or not; the surest one."""
        held = self._by_content.get(problem.digest, ())
        named = [entry for entry in held if entry.names(problem)]
        return max(named, key=lambda entry: self._fitness(entry, problem), default=None)

    def reason_for(self, problem: Problem) -> str:
        """Return why a problem does not count; "" when it does."""
        entry = self.entry_for(problem)
        if entry is None or not entry.holds_on(self._today):
            return ""
        return f"baseline: {entry.reason}" if entry.reason else "baseline"

    def expired(self) -> tuple[Entry, ...]:
        """Return the entries that no longer hold."""
        return tuple(one for one in self.entries if not one.holds_on(self._today))

    def matched(self, problems: Iterable[Problem]) -> frozenset[Entry]:
        """Return the entries that are about any of the problems, expired or not."""
        found = (self.entry_for(problem) for problem in problems)
        return frozenset(entry for entry in found if entry is not None)

    def with_problems(
        self, problems: Iterable[Problem], reason: str, expires: date | None
    ) -> "Baseline":
        """Return a baseline that also excuses these.

        An entry that is about one of them already keeps its reason and its day of
        expiry, and learns the file's new name and the place as it is seen now. One that
        has expired is written anew, with the reason it had unless there is another.
        """
        kept = dict.fromkeys(self.entries)
        for problem in problems:
            known = self.entry_for(problem)
            if known is not None and known.holds_on(self._today):
                kept.pop(known, None)
                kept[_refreshed(known, problem)] = None
                continue
            why = reason
            if known is not None:
                kept.pop(known, None)
                why = reason or known.reason
            kept[_entry(problem, why, expires, self._today)] = None
        return Baseline(kept, self._today)

    def without(self, gone: Iterable[Entry]) -> "Baseline":
        """Return a baseline that lacks these entries."""
        left = set(gone)
        kept = (entry for entry in self.entries if entry not in left)
        return Baseline(kept, self._today)

    def _fitness(self, entry: Entry, problem: Problem) -> tuple[bool, bool, float]:
        overlap = (
            entry.box.overlap(problem.box)
            if entry.box is not None and problem.box is not None
            else 1.0
        )
        same = entry.fingerprint == problem.fingerprint
        return entry.holds_on(self._today), same, overlap


def _by_content(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[entry.digest].append(entry)
    return groups


def _entry(problem: Problem, reason: str, expires: date | None, today: date) -> Entry:
    return Entry(
        problem.rule.code,
        problem.rule.kind,
        problem.digest,
        shown(problem.key),
        problem.box,
        problem.fingerprint,
        reason,
        expires,
        today,
    )


def _refreshed(entry: Entry, problem: Problem) -> Entry:
    return replace(
        entry,
        path=shown(problem.key),
        box=problem.box,
        fingerprint=problem.fingerprint,
    )


def _rank(entry: Entry) -> tuple[str, str, str, tuple[int, ...], str, str]:
    box = entry.box
    corner = (box.y0, box.x0, box.y1, box.x1) if box is not None else ()
    return entry.path, entry.rule, entry.kind, corner, entry.digest, entry.fingerprint
