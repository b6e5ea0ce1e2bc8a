"""JSON Lines that any reader takes, with nothing lost."""

import base64
import json
import math
import os
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.findings import Severity
from detectors.geometry import Box, Size
from pipeline.records import (
    Attempt,
    Cost,
    FindingRow,
    Outcome,
    Status,
)
from pipeline.reports import jsonl, jsonl_schema
from tests.support.weighed import DIGIT, FACE, PLACES, flawed, unreadable, weigh


def lines_of(*outcomes: Outcome) -> list[dict[str, Any]]:
    text = jsonl.render(weigh(outcomes), PLACES)
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
    assert (header["type"], header["run"]) == ("header", "run-1")
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
    name = os.fsdecode(b"p" + raw.replace(b"\0", b"-"))

    lines = lines_of(Outcome(name, "", Status.FAILED, problem=f"{name} is bad"))

    assert [line["type"] for line in lines] == ["header", "picture", "summary"]


def test_a_picture_names_its_problems_and_the_summary_counts_them() -> None:
    _, bad, flaw, closing = lines_of(
        flawed("b.png", DIGIT, FACE), unreadable("a.png", "it ends early")
    )

    assert [(one["code"], one["fails"]) for one in flaw["problems"]] == [
        ("NM101", True),
        ("NM112", True),
    ]
    assert [one["unjudged"] for one in bad["problems"]] == [True]
    assert flaw["path"] == "pictures/b.png"
    assert closing["codes"] == {"NM101": 1, "NM112": 1, "NM302": 1}
    assert (closing["failing"], closing["excused"], closing["code"]) == (3, 0, 3)


def test_the_published_schema_is_fresh() -> None:
    assert jsonl_schema.FILE.read_text("utf-8") == jsonl_schema.text(), (
        "stale; run: python -m pipeline.reports.jsonl_schema"
    )


def test_the_schema_tells_what_every_field_of_a_line_means() -> None:
    picture = jsonl_schema.schema()["$defs"]["Picture"]

    assert picture["properties"]["remaining"]["description"].startswith("What is there")
    assert set(picture["required"]) >= {"path", "key", "status", "problems"}
    assert not set(picture["properties"]) & set(jsonl.INTERNAL)


@pytest.mark.parametrize(
    ("field", "value"),
    [("status", "fine"), ("took_s", "long"), ("size", [1, 2]), ("problems", {})],
)
def test_the_schema_refuses_a_line_with_a_wrong_field(field: str, value: Any) -> None:
    _, line, _ = lines_of(flawed("a.png", DIGIT))
    validator = jsonschema.Draft202012Validator(jsonl_schema.schema())

    assert validator.is_valid(line)
    assert not validator.is_valid({**line, field: value})
    assert not validator.is_valid({k: v for k, v in line.items() if k != field})
