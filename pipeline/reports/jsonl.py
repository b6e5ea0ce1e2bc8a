"""RunSummary -> JSON Lines, the stable machine format.

A header line, one line a picture sorted by key, a closing line with the counts. A file
without the closing line was cut off. Fields are only ever added. Every line is ASCII; a
name that is not UTF-8 is shown with escapes, and its bytes stand beside it in base64.
"""

import base64
import json
import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from detectors.findings import Severity
from pipeline.names import shown
from pipeline.records import Outcome, RunSummary
from pipeline.wire import to_plain

SCHEMA = "nightmend-results-1"
INTERNAL = ("staged", "preview_before", "preview_after", "checkpoints")
"""Fields of an outcome that mean nothing outside the state folder."""


def render(summary: RunSummary, header: dict[str, str] | None = None) -> str:
    """Return the whole file.

    Args:
        summary: The run.
        header: More hashes for the header line, such as those of the models.
    """
    lines = (
        json.dumps(line, sort_keys=False, allow_nan=False)
        for line in _lines(summary, header or {})
    )
    return "".join(f"{line}\n" for line in lines)


def _lines(summary: RunSummary, header: dict[str, str]) -> Iterator[dict[str, Any]]:
    info = summary.info
    yield {
        "type": "header",
        "schema": SCHEMA,
        "tool": "nightmend",
        "version": info.version,
        "command": info.command,
        "run": info.run_id,
        "started": info.started,
        "engine": info.engine,
        **header,
    }
    for outcome in summary.outcomes:
        yield {"type": "picture", **_picture(outcome)}
    counts = Counter(outcome.status.value for outcome in summary.outcomes)
    yield {
        "type": "summary",
        "planned": info.planned,
        "pictures": len(summary.outcomes),
        "statuses": dict(sorted(counts.items())),
        "kinds": dict(sorted(_kinds(summary.outcomes).items())),
        "finished": info.finished,
        "ended_by": info.ended_by,
    }


def _picture(outcome: Outcome) -> dict[str, Any]:
    plain: dict[str, Any] = to_plain(outcome)
    for name in INTERNAL:
        del plain[name]
    for row in (*plain["findings"], *plain["remaining"]):
        row["severity"] = Severity(row["severity"]).name.lower()
    picture: dict[str, Any] = _harmless(plain)
    for field in ("key", "output"):
        raw = os.fsencode(plain[field])
        if not _is_utf8(raw):
            picture[f"{field}_b64"] = base64.b64encode(raw).decode()
    return picture


def _harmless(value: Any) -> Any:
    """Escape what other readers of JSON refuse: lone surrogates, infinite numbers."""
    if isinstance(value, str):
        return value if _is_utf8(value.encode(errors="surrogatepass")) else shown(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _harmless(inner) for key, inner in value.items()}
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
