"""A table that a spreadsheet opens and does not run."""

import csv
import io

import pytest

from pipeline.reports import csv_table
from tests.support.readers import Refused, read_csv
from tests.support.weighed import DIGIT, PLACES, an_ordinary_check, flawed, weigh


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_every_problem_has_a_row_and_every_clean_picture_one_too() -> None:
    rows = rows_of(csv_table.render(an_ordinary_check(), PLACES))

    assert [(row["path"], row["code"], row["fails"]) for row in rows] == [
        ("pictures/a/clean.png", "", ""),
        ("pictures/a/hand.png", "NM101", "yes"),
        ("pictures/a/hand.png", "NM112", "no"),
        ("pictures/b/small face.png", "NM112", "no"),
        ("pictures/b/strip.png", "NM212", "no"),
        ("pictures/broken.png", "NM302", "yes"),
        ("pictures/doubt.png", "NM109", "no"),
    ]
    hand = rows[1]
    assert [hand[name] for name in ("x0", "y0", "x1", "y1")] == [
        *("10", "20", "110", "220")
    ]
    assert (hand["width"], hand["height"]) == ("640", "480")


@pytest.mark.parametrize("sign", ["=", "+", "-", "@"])
def test_a_cell_that_begins_like_a_formula_is_made_text(sign: str) -> None:
    check = weigh([flawed("a.png", DIGIT, message=f"{sign}cmd|' /C calc'!A0")])

    (row,) = rows_of(csv_table.render(check, PLACES))

    assert row["message"].startswith(f"'{sign}cmd")


def test_the_reader_sees_a_formula() -> None:
    text = csv_table.render(weigh([flawed("a.png", DIGIT)]), PLACES)
    read_csv(text)

    with pytest.raises(Refused, match="a formula"):
        read_csv(text.replace("6 digits seen", "=1+1"))
