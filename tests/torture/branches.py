"""Tell which branches of what must not lose a picture no test goes through."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.photographs import ROOT
from tests.torture.rows import Row

PROMISE = "branches tested"
TESTS = (
    "tests/pipeline/ledger",
    "tests/pipeline/test_files.py",
    "tests/pipeline/runner/test_child.py",
    "tests/pipeline/runner/test_deaths.py",
    "tests/pipeline/runner/test_letting_go.py",
    "tests/pipeline/runner/test_lock.py",
    "tests/pipeline/runner/test_messages.py",
    "tests/pipeline/runner/test_processes.py",
    "tests/pipeline/runner/test_settling.py",
    "tests/pipeline/runner/test_supervisor.py",
    "tests/pipeline/review",
    "tests/end_to_end/test_any_end.py",
    "tests/end_to_end/test_executors.py",
    "tests/end_to_end/test_interrupt.py",
    "tests/end_to_end/test_mend_folder.py",
    "tests/end_to_end/test_resume.py",
    "tests/end_to_end/test_shards.py",
    "tests/end_to_end/test_stopping.py",
)
"""The tests of the files that `tool.coverage.run.include` in pyproject.toml names."""


def run(scale: float, folder: Path) -> list[Row]:
    """Run the tests under coverage; return a row for each file.

    Args:
        scale: Of no effect; all of these tests are needed for a figure.
        folder: Where the data goes.
    """
    environment = os.environ | {"COVERAGE_FILE": str(folder / "coverage")}
    told = folder / "coverage.json"

    def coverage(*words: str) -> int:
        command = [sys.executable, "-m", "coverage", *words]
        return subprocess.run(
            command, check=False, cwd=ROOT, env=environment, stdout=sys.stderr
        ).returncode

    code = coverage("run", "-m", "pytest", "-q", "-m", "not ray", *TESTS)
    coverage("combine", "-q")
    coverage("json", "-q", "-o", str(told))
    rows = [
        _row(name, entry)
        for name, entry in json.loads(told.read_text())["files"].items()
    ]
    tests = Row("the tests under coverage pass", 1, int(code == 0), f"exit {code}")
    return [tests, *(row for row in rows if row.tried)]


def _row(name: str, entry: dict[str, Any]) -> Row:
    """Return the lines and branches of one file, and those that are missing."""
    summary = entry["summary"]
    tried = summary["num_statements"] + summary["num_branches"]
    held = summary["covered_lines"] + summary["covered_branches"]
    lines = [str(line) for line in entry["missing_lines"]]
    jumps = [f"{a}->{b}" for a, b in entry["missing_branches"]]
    missing = ", ".join([*lines, *jumps])
    note = f"{summary['percent_covered']:.1f} %, {summary['num_branches']} branches"
    broken = (f"{name} lacks {missing}",) if missing else ()
    return Row(name, tried, held, note, broken)
