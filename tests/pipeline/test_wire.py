"""Records survive the way to JSON and back."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.findings import Mark, Severity
from detectors.geometry import Box, Size
from pipeline.records import (
    Attempt,
    Choice,
    Cost,
    FindingRow,
    ImageRef,
    Outcome,
    RunInfo,
    Status,
)
from pipeline.wire import from_plain, from_text, to_plain, to_text

st.register_type_strategy(float, st.floats(allow_nan=False))
st.register_type_strategy(
    Box,
    st.builds(
        lambda x, y, w, h: Box(x, y, x + w, y + h),
        st.integers(-9, 999),
        st.integers(-9, 999),
        st.integers(0, 999),
        st.integers(0, 999),
    ),
)
# Names that are not UTF-8 reach us with lone surrogates, as os.fsdecode makes them.
st.register_type_strategy(str, st.text(st.characters()))


@pytest.mark.parametrize(
    "kind", [FindingRow, Attempt, Cost, Choice, RunInfo], ids=lambda kind: kind.__name__
)
def test_a_record_comes_back_as_it_went(kind: type[Any]) -> None:
    @settings(max_examples=30)
    @given(st.from_type(kind))
    def check(record: Any) -> None:
        assert from_text(kind, to_text(record)) == record

    check()


@settings(max_examples=30)
@given(st.from_type(Outcome))
def test_an_outcome_comes_back_as_it_went(outcome: Outcome) -> None:
    text = to_text(outcome)

    assert from_text(Outcome, text) == outcome
    assert text.isascii()


def test_types_are_kept_not_only_values() -> None:
    row = FindingRow("hands", "hand/x", Box(0, 1, 2, 3), 1.0, "", (Mark("a", 1, 2),))
    outcome = Outcome("a.png", "d", Status.KEPT, Size(3, 4), findings=(row,))

    back = from_plain(Outcome, json.loads(json.dumps(to_plain(outcome))))

    assert isinstance(back.status, Status)
    assert isinstance(back.size, Size)
    assert isinstance(back.findings[0].marks[0], Mark)
    assert isinstance(back.findings[0].severity, Severity)


def test_a_name_that_is_not_utf8_survives() -> None:
    outcome = Outcome(b"caf\xe9.png".decode(errors="surrogateescape"), "", Status.CLEAN)

    assert from_text(Outcome, to_text(outcome)).key == outcome.key


def test_infinite_costs_survive() -> None:
    cost = Cost(math.inf, 0.0, 0.0, math.inf)

    assert from_text(Cost, to_text(cost)) == cost


def test_a_path_survives() -> None:
    ref = ImageRef(Path("/pictures"), "a/b.png", "ab")

    assert from_text(ImageRef, to_text(ref)) == ref


def test_fields_that_an_older_version_did_not_write_take_their_defaults() -> None:
    outcome = from_text(Outcome, '{"key":"a","digest":"b","status":"clean"}')

    assert outcome == Outcome("a", "b", Status.CLEAN)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"key":"a"}',
        '{"key":"a","digest":"b","status":"splendid"}',
        '{"key":7,"digest":"b","status":"clean"}',
    ],
)
def test_what_is_not_such_a_record_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        from_text(Outcome, text)
