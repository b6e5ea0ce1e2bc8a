"""Checked -> SARIF 2.1.0, the format of code scanning.

A region in SARIF is a place in a text, so every result points at the first character of
its picture, which is where GitHub shows it; the rectangle is in the result's attachment
and in its properties.
"""

import json
import os
from typing import Any, TypeAlias
from urllib.parse import quote

from pipeline.gate.problems import Checked, Problem
from pipeline.gate.rules import RULES, Rule
from pipeline.names import harmless
from pipeline.records import RunInfo
from pipeline.reports.places import Places
from pipeline.reports.telling import finished, level, sentence, told, utc, worst_first

Json: TypeAlias = dict[str, Any]

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
BASE = "SRCROOT"
MAX_RESULTS = 25_000
"""GitHub refuses a run with more (docs.github.com, "SARIF support", read 2026-11)."""

_INDEX = {rule.code: number for number, rule in enumerate(RULES)}
_FIRST_CHARACTER = {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 2}


def render(checked: Checked, places: Places) -> str:
    """Return the whole file; ASCII, and the worst results first."""
    problems = worst_first(told(checked))
    kept, left_out = problems[:MAX_RESULTS], problems[MAX_RESULTS:]
    marked = any(problem.excused for problem in kept)
    run = {
        "tool": {"driver": _driver(checked.summary.info)},
        "automationDetails": {"id": "nightmend/"},
        "originalUriBaseIds": {
            BASE: {"description": {"text": "The root of the repository."}}
        },
        "columnKind": "utf16CodeUnits",
        "invocations": [_invocation(checked, places, len(left_out))],
        "results": [_result(problem, places, marked=marked) for problem in kept],
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=1, allow_nan=False) + "\n"


def _driver(info: RunInfo) -> Json:
    return {
        "name": "nightmend",
        "version": info.version,
        "rules": [_rule(rule) for rule in RULES],
    }


def _rule(rule: Rule) -> Json:
    severity = rule.severity.name.lower()
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": rule.sentence},
        "fullDescription": {"text": rule.explanation},
        "help": {
            "text": f"{rule.sentence}\n\n{rule.explanation}",
            "markdown": f"**{rule.sentence}**\n\n{rule.explanation}",
        },
        "defaultConfiguration": {"level": severity},
        "properties": {
            "tags": ["picture-quality", rule.group],
            # GitHub's own word for a note.
            "problem.severity": severity.replace("note", "recommendation"),
        },
    }


def _result(problem: Problem, places: Places, *, marked: bool) -> Json:
    result: Json = {
        "ruleId": problem.rule.code,
        "ruleIndex": _INDEX[problem.rule.code],
        "level": level(problem),
        "message": {"text": sentence(problem)},
        "locations": [_location(problem.key, places)],
        "partialFingerprints": {
            # The only one that GitHub reads; the other is the name we give it.
            "primaryLocationLineHash": problem.fingerprint,
            "nightmend/v1": problem.fingerprint,
        },
        "properties": {"kind": harmless(problem.rule.kind), "sha256": problem.digest},
    }
    if problem.confidence is not None:
        result["rank"] = round(100 * problem.confidence, 2)
        result["properties"]["confidence"] = problem.confidence
    if problem.box is not None:
        result["attachments"] = [_attachment(problem, places)]
    if marked:
        # Where one result has this property, all must (SARIF 2.1.0, section 3.27.23).
        result["suppressions"] = _suppressions(problem)
    return result


def _attachment(problem: Problem, places: Places) -> Json:
    assert problem.box is not None  # noqa: S101  asked before
    box = problem.box
    rectangle = {
        "left": box.x0,
        "top": box.y0,
        "right": box.x1,
        "bottom": box.y1,
        "message": {"text": sentence(problem)},
    }
    return {
        "description": {"text": f"{level(problem)}, in picture pixels"},
        "artifactLocation": _artifact(problem.key, places),
        "rectangles": [rectangle],
    }


def _suppressions(problem: Problem) -> list[Json]:
    if not problem.excused:
        return []
    why = harmless(problem.excused)
    return [{"kind": "external", "status": "accepted", "justification": why}]


def _location(key: str, places: Places) -> Json:
    return {
        "physicalLocation": {
            "artifactLocation": _artifact(key, places),
            "region": dict(_FIRST_CHARACTER),
        }
    }


def _artifact(key: str, places: Places) -> Json:
    """Return where the picture is; its bytes percent-encoded, so no name can break."""
    path = places.path(key)
    uri = quote(os.fsencode(path))
    if path.startswith("/"):
        return {"uri": f"file://{uri}"}
    # A colon before the first slash would read as the scheme of an absolute address.
    return {"uri": uri.replace(":", "%3A"), "uriBaseId": BASE}


def _invocation(checked: Checked, places: Places, left_out: int) -> Json:
    info = checked.summary.info
    notes = [
        _blind(problem, places) for problem in checked.problems if problem.unjudged
    ]
    if left_out:
        text = f"{left_out} more problems, none worse than these, were left out"
        notes.append({"level": "warning", "message": {"text": text}})
    if not finished(checked):
        text = f"the check was ended early: {harmless(info.ended_by) or 'killed'}"
        notes.append({"level": "error", "message": {"text": text}})
    if checked.reason:
        text = harmless(checked.reason)
        notes.append({"level": "error", "message": {"text": text}})
    invocation: Json = {
        "executionSuccessful": finished(checked),
        "toolExecutionNotifications": notes,
    }
    for name, text in (("startTimeUtc", info.started), ("endTimeUtc", info.finished)):
        if time := utc(text):
            invocation[name] = time
    return invocation


def _blind(problem: Problem, places: Places) -> Json:
    return {
        "level": "note" if problem.excused else "error",
        "message": {"text": sentence(problem)},
        "locations": [_location(problem.key, places)],
        "associatedRule": {
            "id": problem.rule.code,
            "index": _INDEX[problem.rule.code],
        },
    }
