"""JUnit XML: a suite a folder, a case a picture, and what its readers make of it."""

import junitparser
import pytest

from pipeline.reports import junit
from tests.support.readers import Refused, read_junit
from tests.support.weighed import (
    DIGIT,
    DOUBT,
    FACE,
    PLACES,
    an_ordinary_check,
    flawed,
    unreadable,
    weigh,
)


def suites_of(text: str) -> dict[str, junitparser.TestSuite]:
    return {suite.name: suite for suite in junitparser.JUnitXml.fromstring(text)}


def test_every_folder_is_a_suite_and_every_picture_a_case() -> None:
    suites = suites_of(junit.render(an_ordinary_check(), PLACES))

    assert {name: [case.name for case in suite] for name, suite in suites.items()} == {
        "pictures": ["broken.png", "doubt.png"],
        "pictures/a": ["clean.png", "hand.png"],
        "pictures/b": ["small face.png", "strip.png"],
    }
    assert suites["pictures/a"].failures == 1
    assert suites["pictures"].errors == 1
    assert suites["pictures/b"].skipped == 1


def test_one_failure_tells_the_worst_and_holds_all() -> None:
    check = weigh([flawed("a.png", FACE, DIGIT)])

    (case,) = suites_of(junit.render(check, PLACES))["pictures"]

    (failure,) = case.result
    assert failure.type == "NM101 hand/extra-digit"
    assert failure.message.endswith("and 1 more")
    assert "NM112 face/too-small warning" in failure.text


def test_a_picture_that_could_not_be_judged_is_an_error_not_a_failure() -> None:
    (case,) = suites_of(junit.render(weigh([unreadable("a.png")]), PLACES))["pictures"]

    assert [type(one).__name__ for one in case.result] == ["Error"]


def test_what_is_milder_than_fail_on_passes_and_is_still_told() -> None:
    check = weigh([flawed("a.png", DOUBT)], fail_on="error")

    (case,) = suites_of(junit.render(check, PLACES))["pictures"]

    assert case.is_passed
    assert "NM109 hand/cannot-tell note" in case.system_out


def test_a_check_of_nothing_has_one_case_that_fails() -> None:
    (case,) = suites_of(junit.render(weigh([]), PLACES))["."]

    assert [type(one).__name__ for one in case.result] == ["Error"]
    assert "no picture was looked at" in case.result[0].message


@pytest.mark.parametrize(
    "broken",
    [
        ("<testcase ", "<testcase colour='red' "),
        ('tests="2"', 'tests="3"'),
        ("<testcase name", "<testcase name='\x1b' title"),
        ("</testsuites>", ""),
        ("<failure ", "<faliure "),
    ],
)
def test_the_reader_sees_when_something_is_wrong(broken: tuple[str, str]) -> None:
    text = junit.render(an_ordinary_check(), PLACES)
    read_junit(text)

    assert broken[0] in text
    with pytest.raises(Refused):
        read_junit(text.replace(*broken))
