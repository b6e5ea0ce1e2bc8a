"""Checked -> JSON Lines, the stable machine format.

A header line, one line a picture sorted by key, a closing line with the counts. A file
without the closing line was cut off. Fields are only ever added. Every line is ASCII; a
name that is not UTF-8 is shown with escapes, and its bytes stand beside it in base64.
`nightmend schema` prints the schema.
"""

import base64
import dataclasses
import hashlib
import json
import math
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from detectors.findings import Severity
from pipeline.gate.problems import Checked, Problem
from pipeline.names import shown
from pipeline.records import Outcome, RunInfo
from pipeline.reports.jsonl_lines import (
    SCHEMA,
    HeaderLine,
    PictureExtras,
    ProblemEntry,
    SummaryLine,
)
from pipeline.reports.places import Places
from pipeline.wire import to_plain

__all__ = ["INTERNAL", "SCHEMA", "render"]

INTERNAL = (
    "staged",
    "preview_before",
    "preview_after",
    "checkpoints",
    "likeness",
)
"""Fields of an outcome that mean nothing outside the state folder."""


def render(checked: Checked, places: Places) -> str:
    """Return the whole file."""
    lines = (json.dumps(line, allow_nan=False) for line in _lines(checked, places))
    return "".join(f"{line}\n" for line in lines)


def _lines(checked: Checked, places: Places) -> Iterator[dict[str, Any]]:
    yield _plain(_header(checked.summary.info))
    by_key: dict[str, list[Problem]] = defaultdict(list)
    for problem in checked.problems:
        by_key[problem.key].append(problem)
    failing = {problem.fingerprint for problem in checked.failing}
    for outcome in checked.summary.outcomes:
        path = places.path(outcome.key)
        yield _picture(outcome, path, by_key[outcome.key], failing)
    yield _plain(_summary(checked))


def _header(info: RunInfo) -> HeaderLine:
    command: Literal["check", "repair"]
    command = "repair" if info.command == "repair" else "check"
    return HeaderLine(
        "header",
        SCHEMA,
        "nightmend",
        info.version,
        command,
        info.run_id,
        info.started,
        info.engine,
        hashlib.sha256(info.settings_json.encode(errors="replace")).hexdigest(),
    )


def _summary(checked: Checked) -> SummaryLine:
    info, outcomes = checked.summary.info, checked.summary.outcomes
    statuses = Counter(outcome.status.value for outcome in outcomes)
    codes = Counter(problem.rule.code for problem in checked.counting)
    return SummaryLine(
        "summary",
        planned=info.planned,
        pictures=len(outcomes),
        statuses=dict(sorted(statuses.items())),
        kinds=dict(sorted(_kinds(outcomes).items())),
        codes=dict(sorted(codes.items())),
        failing=len(checked.failing),
        excused=len(checked.excused),
        code=int(checked.code),
        reason=checked.reason,
        finished=info.finished,
        ended_by=info.ended_by,
    )


def _picture(
    outcome: Outcome, path: str, problems: Sequence[Problem], failing: set[str]
) -> dict[str, Any]:
    plain: dict[str, Any] = to_plain(outcome)
    for name in INTERNAL:
        del plain[name]
    entries = tuple(_entry(one, one.fingerprint in failing) for one in problems)
    extras = to_plain(PictureExtras("picture", path, entries))
    for row in (*plain["findings"], *plain["remaining"], *extras["problems"]):
        row["severity"] = Severity(row["severity"]).name.lower()
    whole = {"type": extras["type"], "path": path, **plain, **extras}
    picture: dict[str, Any] = _harmless(whole)
    for field in ("path", "key", "output"):
        raw = os.fsencode(whole[field])
        if not _is_utf8(raw):
            picture[f"{field}_b64"] = base64.b64encode(raw).decode()
    return picture


def _entry(problem: Problem, fails: bool) -> ProblemEntry:
    return ProblemEntry(
        problem.rule.code,
        problem.rule.kind,
        problem.severity,
        problem.box,
        problem.message,
        problem.confidence,
        problem.fingerprint,
        problem.unjudged,
        fails,
        problem.excused,
    )


def _plain(line: HeaderLine | SummaryLine) -> dict[str, Any]:
    plain: dict[str, Any] = _harmless(dataclasses.asdict(line))
    return plain


def _harmless(value: Any) -> Any:
    """Escape what other readers of JSON refuse: lone surrogates, infinite numbers."""
    if isinstance(value, str):
        if value.isascii():
            return value
        return value if _is_utf8(value.encode(errors="surrogatepass")) else shown(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {_harmless(key): _harmless(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_harmless(inner) for inner in value]
    return value


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _kinds(outcomes: Iterable[Outcome]) -> Counter[str]:
    """Count the findings that are not in order, by kind."""
    return Counter(
        row.kind
        for outcome in outcomes
        for row in outcome.findings
        if row.severity > Severity.FINE
    )
