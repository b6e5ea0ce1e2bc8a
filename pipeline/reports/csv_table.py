"""Checked -> CSV: a row for each problem, and one for each picture without any."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator

from pipeline.gate.problems import Checked, Problem
from pipeline.names import harmless, shown
from pipeline.records import Outcome
from pipeline.reports.places import Places
from pipeline.reports.telling import level, told

COLUMNS = (
    "path",
    "status",
    "width",
    "height",
    "code",
    "kind",
    "severity",
    "fails",
    "excused",
    "confidence",
    "x0",
    "y0",
    "x1",
    "y1",
    "message",
    "sha256",
    "fingerprint",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters that make a spreadsheet take a cell for a formula (OWASP, "CSV
injection")."""


def render(checked: Checked, places: Places) -> str:
    """Return the whole table with its head; lines end as RFC 4180 has it."""
    by_key: dict[str, list[Problem]] = defaultdict(list)
    for problem in told(checked):
        by_key[problem.key].append(problem)
    failing = {problem.fingerprint for problem in checked.failing}
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for outcome in checked.summary.outcomes:
        path = shown(places.path(outcome.key))
        for row in _rows(outcome, by_key[outcome.key], failing):
            table.writerow([_cell(path), *map(_cell, row)])
    return text.getvalue()


def _rows(
    outcome: Outcome, problems: list[Problem], failing: set[str]
) -> Iterator[list[object]]:
    known = [outcome.status.value, outcome.size.width, outcome.size.height]
    if not problems:
        yield [*known, *([""] * 11), outcome.digest, ""]
    for problem in problems:
        box = problem.box
        yield [
            *known,
            problem.rule.code,
            harmless(problem.rule.kind),
            level(problem),
            "yes" if problem.fingerprint in failing else "no",
            harmless(problem.excused),
            "" if problem.confidence is None else f"{problem.confidence:.4f}",
            *(("",) * 4 if box is None else (box.x0, box.y0, box.x1, box.y1)),
            harmless(problem.message),
            problem.digest,
            problem.fingerprint,
        ]


def _cell(value: object) -> object:
    """Keep a spreadsheet from running a stranger's text; numbers stay numbers."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
