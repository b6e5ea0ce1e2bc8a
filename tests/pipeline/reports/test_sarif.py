"""SARIF that code scanning takes: places, fingerprints, limits, excuses."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.gate.rules import RULES
from pipeline.reports import sarif
from tests.support.readers import Refused, loaded, read_sarif
from tests.support.weighed import (
    DIGIT,
    DOUBT,
    FACE,
    PLACES,
    a_hostile_check,
    an_ordinary_check,
    flawed,
    unreadable,
    weigh,
)


def run_of(text: str) -> Any:
    return loaded(text)["runs"][0]


def test_the_rectangle_is_in_the_attachment_and_the_region_is_the_first_character() -> (
    None
):
    (result,) = run_of(sarif.render(weigh([flawed("a.png", DIGIT)]), PLACES))["results"]

    (attachment,) = result["attachments"]
    (rectangle,) = attachment["rectangles"]
    place = result["locations"][0]["physicalLocation"]
    assert [rectangle[side] for side in ("left", "top", "right", "bottom")] == [
        *(10, 20, 110, 220)
    ]
    assert place["region"] == {
        "startLine": 1,
        "startColumn": 1,
        "endLine": 1,
        "endColumn": 2,
    }
    assert attachment["artifactLocation"] == place["artifactLocation"]
    assert place["artifactLocation"]["uri"] == "pictures/a.png"


def test_every_rule_is_described_with_its_level() -> None:
    driver = run_of(sarif.render(weigh([]), PLACES))["tool"]["driver"]

    assert [rule["id"] for rule in driver["rules"]] == [rule.code for rule in RULES]
    assert {rule["defaultConfiguration"]["level"] for rule in driver["rules"]} == {
        "note",
        "warning",
        "error",
    }
    assert all(rule["help"]["text"] for rule in driver["rules"])


def test_a_fingerprint_stays_when_the_file_is_renamed() -> None:
    first, second = flawed("a.png", DIGIT), flawed("a.png", DIGIT, message="other")
    one = run_of(sarif.render(weigh([first]), PLACES))["results"][0]
    other = run_of(sarif.render(weigh([second]), PLACES))["results"][0]

    assert one["partialFingerprints"] == other["partialFingerprints"]


def test_the_worst_come_first_and_what_is_excused_comes_last() -> None:
    check = weigh(
        [flawed("a.png", DOUBT, FACE), flawed("b.png", DIGIT), unreadable("c.png")],
        excused={"NM101": "known"},
    )

    results = run_of(sarif.render(check, PLACES))["results"]

    assert [one["ruleId"] for one in results] == ["NM302", "NM112", "NM109", "NM101"]
    assert [bool(one["suppressions"]) for one in results] == [
        *(False, False, False, True)
    ]
    assert results[-1]["suppressions"][0]["justification"] == "known"


def test_suppressions_are_named_on_all_results_or_on_none() -> None:
    (result,) = run_of(sarif.render(weigh([flawed("a.png", DIGIT)]), PLACES))["results"]

    assert "suppressions" not in result


def test_a_picture_nobody_could_look_at_is_a_result_and_a_notification() -> None:
    run = run_of(sarif.render(weigh([unreadable("c.png", "it ends early")]), PLACES))

    (invocation,) = run["invocations"]
    (note,) = invocation["toolExecutionNotifications"]
    assert invocation["executionSuccessful"] is True
    assert invocation["startTimeUtc"] == "2026-11-20T06:00:00Z"
    assert (note["level"], note["message"]["text"]) == ("error", "it ends early")
    assert run["results"][0]["level"] == "error"


@pytest.mark.parametrize("ended_by", ["signal", "limit", ""])
def test_a_check_that_did_not_end_by_itself_was_not_successful(ended_by: str) -> None:
    check = weigh([flawed("a.png")], ended_by=ended_by)

    (invocation,) = run_of(sarif.render(check, PLACES))["invocations"]

    assert invocation["executionSuccessful"] is False


def test_no_more_results_are_written_than_github_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sarif, "MAX_RESULTS", 2)
    pictures = [flawed(f"{n}.png", FACE) for n in range(4)]

    run = run_of(sarif.render(weigh([*pictures, flawed("z.png", DIGIT)]), PLACES))

    (note,) = run["invocations"][0]["toolExecutionNotifications"]
    assert [one["ruleId"] for one in run["results"]] == ["NM101", "NM112"]
    assert note["message"]["text"].startswith("3 more problems")


BREAKS: dict[str, Callable[[Any], object]] = {
    "a rectangle of text": lambda run: run["results"][0]["attachments"][0][
        "rectangles"
    ][0].update(left="far"),
    "no message": lambda run: run["results"][0].pop("message"),
    "an unknown level": lambda run: run["results"][0].update(level="fatal"),
    "an unknown field": lambda run: run["results"][0].update(colour="red"),
    "a blank in the address": lambda run: run["results"][0]["locations"][0][
        "physicalLocation"
    ]["artifactLocation"].update(uri="a b.png"),
    "another rule's index": lambda run: run["results"][0].update(ruleIndex=3),
    "a shared fingerprint": lambda run: run["results"].append(run["results"][0]),
    "no name of the tool": lambda run: run["tool"]["driver"].pop("name"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_the_reader_sees_when_something_is_wrong(name: str) -> None:
    log = loaded(sarif.render(an_ordinary_check(), PLACES))
    # The first result that has a rectangle.
    log["runs"][0]["results"].sort(key=lambda one: "attachments" not in one)
    read_sarif(json.dumps(log))
    broken = copy.deepcopy(log)
    BREAKS[name](broken["runs"][0])

    with pytest.raises(Refused):
        read_sarif(json.dumps(broken))


def test_an_address_leads_back_to_the_very_bytes_of_the_name() -> None:
    check = a_hostile_check()

    seen = read_sarif(sarif.render(check, PLACES))

    assert {one.path for one in seen} == {
        f"pictures/{outcome.key}" for outcome in check.summary.outcomes
    }
