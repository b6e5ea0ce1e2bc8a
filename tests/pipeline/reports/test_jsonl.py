"""JSON Lines that any reader takes, with nothing lost."""

import base64
import json
import math
import os

from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.findings import Severity
from detectors.geometry import Box, Size
from pipeline.records import (
    Attempt,
    Cost,
    FindingRow,
    Outcome,
    RunInfo,
    RunSummary,
    Status,
)
from pipeline.reports import jsonl

INFO = RunInfo(
    "r1", "check", ("x",), ("in",), "", "then", "now", "done", "", "{}", "0.1.0", 2
)


def lines_of(*outcomes: Outcome, info: RunInfo = INFO) -> list[dict[str, object]]:
    text = jsonl.render(RunSummary(info, outcomes))
    assert text.isascii()
    assert text.endswith("\n")

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return [json.loads(line, parse_constant=refuse) for line in text.splitlines()]


def test_a_header_the_pictures_and_a_closing_line() -> None:
    row = FindingRow(
        "hands", "hand/surplus", Box(1, 2, 3, 4), 0.9, severity=Severity.ERROR
    )
    fine = FindingRow("hands", "hand/ok", Box(0, 0, 1, 1), 0.1, severity=Severity.FINE)

    header, first, second, closing = lines_of(
        Outcome("a.png", "d1", Status.FLAWED, Size(8, 9), findings=(row, fine)),
        Outcome("b.png", "d2", Status.CLEAN),
    )

    assert header["schema"] == jsonl.SCHEMA
    assert (header["type"], header["run"], header["version"]) == (
        "header",
        "r1",
        "0.1.0",
    )
    assert (first["type"], first["key"], first["digest"]) == ("picture", "a.png", "d1")
    assert first["size"] == {"width": 8, "height": 9}
    assert isinstance(first["findings"], list)
    assert first["findings"][0]["severity"] == "error"
    assert first["findings"][0]["box"] == {"x0": 1, "y0": 2, "x1": 3, "y1": 4}
    assert second["status"] == "clean"
    assert closing["type"] == "summary"
    assert closing["statuses"] == {"clean": 1, "flawed": 1}
    assert closing["kinds"] == {"hand/surplus": 1}


def test_an_empty_run_still_has_both_ends() -> None:
    assert [line["type"] for line in lines_of()] == ["header", "summary"]


def test_a_name_that_is_not_utf8_stands_beside_its_bytes() -> None:
    raw = b"caf\xe9\x1b.png"
    _, line, _ = lines_of(Outcome(os.fsdecode(raw), "", Status.CLEAN))

    assert line["key"] == "caf\\xe9\\u001b.png"
    assert base64.b64decode(str(line["key_b64"])) == raw


def test_an_ordinary_name_needs_no_bytes() -> None:
    _, line, _ = lines_of(Outcome("schön/日本.png", "", Status.CLEAN))

    assert line["key"] == "schön/日本.png"
    assert "key_b64" not in line


def test_infinite_costs_become_null() -> None:
    cost = Cost(math.inf, 0, 0, math.inf)
    attempt = Attempt(1, 0, 0, 7, 0.75, cost, 1.0)
    _, line, _ = lines_of(Outcome("a", "", Status.KEPT, attempts=(attempt,)))

    assert isinstance(line["attempts"], list)
    assert line["attempts"][0]["cost"]["total"] is None


@settings(max_examples=200)
@given(st.binary(min_size=1, max_size=60))
def test_no_name_breaks_a_line_or_a_reader(raw: bytes) -> None:
    name = os.fsdecode(raw.replace(b"\0", b"-"))

    lines = lines_of(Outcome(name, "", Status.FAILED, problem=f"{name} is bad"))

    assert [line["type"] for line in lines] == ["header", "picture", "summary"]
