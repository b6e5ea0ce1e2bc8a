"""A file of decisions is read strictly, and refused in one sentence."""

import json
from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.review import forms

ONE = {"digest": "a" * 64, "verdict": "accept"}


def file_of(*decisions: object, **changes: object) -> bytes:
    whole = {"format": "nightmend-review-1", "decisions": decisions, **changes}
    return json.dumps(whole).encode()


def test_what_the_page_saves_is_read(tmp_path: Path) -> None:
    path = tmp_path / "review.json"
    path.write_bytes(file_of(ONE, run="r1"))

    assert forms.read(path).decisions[0].verdict == "accept"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        file_of(ONE, format="other"),
        file_of({**ONE, "digest": "../../etc"}),
        file_of({**ONE, "verdict": "delete"}),
        file_of({**ONE, "key": "x"}),
        file_of({**ONE, "picks": [{"pass_number": -1, "patch": 0}]}),
        file_of({**ONE, "not_flaws": [{"kind": "x", "box": [1, 2, 3]}]}),
        b"[" * 100_000,
    ],
)
def test_anything_else_is_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(UsageError, match="the file is not a file of decisions"):
        forms.parse(data, "the file")


def test_a_file_that_is_too_large_or_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="larger than"):
        forms.parse(b" " * (forms.MAX_BYTES + 1), "x")
    with pytest.raises(UsageError, match="cannot read"):
        forms.read(tmp_path / "none.json")
