"""Checked -> GitLab's code quality report.

GitLab compares the report of a merge request with that of its target branch by the
fingerprints. It knows no excuse, so what is excused is left out, unless nobody could
look at the picture.
"""

import hashlib
import json
from typing import Any

from detectors.findings import Severity
from pipeline.gate.problems import Checked, Problem
from pipeline.names import harmless
from pipeline.reports.places import Places
from pipeline.reports.telling import (
    finished,
    sentence,
    standing,
    title,
    verdict,
    worst_first,
)

_SEVERITIES = {
    Severity.FINE: "info",
    Severity.NOTE: "info",
    Severity.WARNING: "minor",
    Severity.ERROR: "major",
}


def render(checked: Checked, places: Places) -> str:
    """Return the whole file; ASCII, and the worst problems first."""
    issues = [_issue(problem, places) for problem in worst_first(standing(checked))]
    if not checked.failing and (checked.code or not finished(checked)):
        issues.insert(0, _not_green(verdict(checked)))
    return json.dumps(issues, indent=1, allow_nan=False) + "\n"


def _issue(problem: Problem, places: Places) -> dict[str, Any]:
    severity = _SEVERITIES[problem.severity]
    if problem.unjudged:
        # Nobody knows what is in a picture that could not be judged.
        severity = "info" if problem.excused else "critical"
    return {
        "description": f"{title(problem)}: {sentence(problem)}",
        "check_name": f"{problem.rule.code}/{harmless(problem.rule.name)}",
        "fingerprint": problem.fingerprint,
        "severity": severity,
        "location": {
            "path": places.text(problem.key),
            # GitLab wants a line; a picture has one.
            "lines": {"begin": 1},
        },
    }


def _not_green(reason: str) -> dict[str, Any]:
    """Return an issue for a check that fails although no picture is to blame."""
    return {
        "description": reason,
        "check_name": "nightmend",
        "fingerprint": hashlib.sha256(reason.encode()).hexdigest()[:32],
        "severity": "blocker",
        "location": {"path": ".", "lines": {"begin": 1}},
    }
