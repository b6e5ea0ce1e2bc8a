"""What a check found, weighed by the rules and the settings."""

from dataclasses import replace
from typing import Any

import pytest

from detectors.findings import Severity
from detectors.geometry import Box, Size
from pipeline.errors import ExitCode, UsageError
from pipeline.gate.problem import Problem
from pipeline.gate.problems import Checked, checked
from pipeline.gate.selection import Selection
from pipeline.records import Outcome, Status
from pipeline.settings import DetectSettings, GateSettings, RunSettings, Settings
from tests.support.checks_made import HAND, row, seen, skipped, summary, unread


def weighed(*outcomes: Outcome, fail_on: str = "warning", **gate: Any) -> Checked:
    settings = Settings.model_validate({"gate": gate, "run": {"fail_on": fail_on}})
    return checked(summary(*outcomes), settings)


def codes(problems: tuple[Problem, ...]) -> list[str]:
    return [problem.rule.code for problem in problems]


def test_a_clean_folder_passes() -> None:
    result = weighed(seen("a.png"), seen("b.png"))

    assert result.code is ExitCode.OK
    assert result.problems == ()


def test_a_flaw_fails_the_check_and_names_its_rule_and_place() -> None:
    result = weighed(seen("a.png", row()))

    (problem,) = result.failing
    assert result.code is ExitCode.FLAWS
    assert (problem.rule.code, problem.box) == ("NM101", HAND)
    assert (problem.severity, problem.confidence) == (Severity.ERROR, 0.9)


@pytest.mark.parametrize(
    ("fail_on", "code"),
    [("note", ExitCode.FLAWS), ("warning", ExitCode.FLAWS), ("error", ExitCode.OK)],
)
def test_only_what_is_severe_enough_fails(fail_on: str, code: ExitCode) -> None:
    small = row("face/too-small", severity=Severity.WARNING)

    result = weighed(seen("a.png", small), fail_on=fail_on)

    assert result.code is code
    assert codes(result.counting) == ["NM112"]


def test_what_is_in_order_or_unsure_is_no_problem() -> None:
    fine = row("hand/ok", severity=Severity.FINE)
    unsure = row(confidence=0.3)

    assert weighed(seen("a.png", fine, unsure)).problems == ()


def test_a_place_that_nobody_can_judge_is_noted_whatever_its_doubt() -> None:
    doubt = row("hand/cannot-tell", severity=Severity.NOTE, confidence=0.2)

    assert codes(weighed(seen("a.png", doubt)).problems) == ["NM109"]
    assert weighed(seen("a.png", doubt)).code is ExitCode.OK
    assert weighed(seen("a.png", doubt), fail_on="note").code is ExitCode.FLAWS


def test_a_finding_about_the_whole_picture_has_no_place() -> None:
    dark = row("image/dark", Box.whole(Size(640, 480)), Severity.WARNING)

    assert weighed(seen("a.png", dark)).problems[0].box is None


def test_a_file_that_cannot_be_read_is_code_3_and_wins_over_flaws() -> None:
    result = weighed(seen("a.png", row()), unread("b.png", "file/truncated"))

    assert result.code is ExitCode.SOME_FAILED
    assert codes(result.failing) == ["NM101", "NM302"]


def test_a_detector_that_could_not_look_is_code_3_even_beside_a_flaw() -> None:
    blind = replace(seen("a.png", row()), detector_failures=(("faces", "on fire"),))

    result = weighed(blind)

    assert codes(result.failing) == ["NM101", "NM312"]
    assert result.code is ExitCode.SOME_FAILED


@pytest.mark.parametrize(
    ("gate", "reason"),
    [
        ({"ignore": ["NM101"]}, "ignored"),
        ({"ignore": ["hand/"]}, "ignored"),
        ({"select": ["NM2", "NM3"]}, "not selected"),
        ({"per_path": {"old/*": ["NM1"]}}, "ignored for this path"),
        ({"per_path": {"a.png": ["hand/extra-digit"]}}, "ignored for this path"),
    ],
)
def test_a_rule_that_does_not_count_excuses(gate: dict[str, Any], reason: str) -> None:
    result = weighed(seen("old/deep/a.png", row()), **gate)

    assert [problem.excused for problem in result.problems] == [reason]
    assert result.code is ExitCode.OK


def test_a_path_that_does_not_fit_is_not_excused() -> None:
    per_path = {"old/*": ["NM1"]}

    assert weighed(seen("new/a.png", row()), per_path=per_path).code is ExitCode.FLAWS


def test_the_longest_word_decides_how_much_a_rule_weighs() -> None:
    rules = {"NM1": "note", "NM101": "warning"}
    fused = row("hand/fused", Box(300, 100, 400, 200))

    result = weighed(seen("a.png", row(), fused), severities=rules)

    weights = {one.rule.code: one.severity for one in result.problems}
    assert weights == {"NM101": Severity.WARNING, "NM103": Severity.NOTE}


def test_a_file_nobody_can_read_may_be_ignored_by_name_only() -> None:
    broken, sound = unread("b.png"), seen("a.png")

    assert weighed(broken, sound, ignore=["NM1"]).code is ExitCode.SOME_FAILED
    assert weighed(broken, sound, ignore=["NM303"]).code is ExitCode.OK


@pytest.mark.parametrize(
    "outcomes",
    [(), (skipped("a.png"),), (skipped("a.png"), skipped("b.png"))],
    ids=["none", "one skipped", "all skipped"],
)
def test_a_check_that_looked_at_nothing_is_not_green(
    outcomes: tuple[Outcome, ...],
) -> None:
    result = weighed(*outcomes)
    allowed = checked(summary(*outcomes), Settings(), allow_empty=True)

    assert result.code is ExitCode.USAGE
    assert "looked at nothing" in result.reason
    assert (allowed.code, allowed.reason) == (ExitCode.OK, "")


def test_a_check_for_which_every_rule_is_ignored_everywhere_is_not_green() -> None:
    result = weighed(seen("a.png", row()), per_path={"*": ["NM"]})

    assert result.code is ExitCode.USAGE
    assert "every rule is ignored" in result.reason


def test_broken_files_alone_that_are_excused_are_not_green() -> None:
    assert weighed(unread("a.png"), ignore=["NM3"]).code is ExitCode.USAGE


def test_a_selection_that_leaves_no_rule_is_refused() -> None:
    nothing = Settings(gate=GateSettings(ignore=("NM",)))

    with pytest.raises(UsageError, match="leaves no rule"):
        Selection(nothing).check()


def test_rules_that_nobody_looks_for_are_refused() -> None:
    blind = Settings(
        gate=GateSettings(select=("NM1",)),
        detect=DetectSettings(detectors=("quality",)),
    )

    with pytest.raises(UsageError, match="nobody looks"):
        Selection(blind).check()


def test_a_wrong_word_in_any_setting_is_refused() -> None:
    for gate in (
        GateSettings(select=("NM9",)),
        GateSettings(ignore=("hands",)),
        GateSettings(severities={"NM4": "note"}),
        GateSettings(per_path={"*": ("NM7",)}),
    ):
        with pytest.raises(UsageError):
            Selection(Settings(gate=gate))


def test_problems_are_sorted_by_key_code_and_place() -> None:
    low, high = row(box=Box(10, 300, 60, 350)), row(box=Box(10, 10, 60, 60))
    black = row("image/black", Box.whole(Size(640, 480)))

    result = weighed(seen("b.png", low, high), seen("a.png", black, low))

    told = [(one.key, one.rule.code, one.box) for one in result.problems]
    assert told == [
        ("a.png", "NM101", low.box),
        ("a.png", "NM201", None),
        ("b.png", "NM101", high.box),
        ("b.png", "NM101", low.box),
    ]


def test_a_fingerprint_outlives_a_rename_and_company() -> None:
    alone = weighed(seen("a.png", row(), content="x")).problems[0]
    moved = weighed(seen("z/b.png", row(), content="x"), seen("a.png", row())).problems[
        1
    ]

    assert alone.fingerprint == moved.fingerprint


def test_no_two_problems_share_a_fingerprint() -> None:
    twice = [row(), row(box=HAND.shifted(3, 2))]

    result = weighed(
        seen("a.png", *twice, content="x"),
        seen("b.png", *twice, content="x"),
        seen("c.png", row("hand/fused"), content="x"),
        unread("d.png"),
        unread("e.png"),
    )

    prints = [problem.fingerprint for problem in result.problems]
    assert len(set(prints)) == len(prints) == 7


def test_the_severity_of_the_settings_reaches_the_exit_code() -> None:
    settings = Settings(
        run=RunSettings(fail_on="error"),
        gate=GateSettings(severities={"NM112": "error"}),
    )
    small = row("face/too-small", severity=Severity.WARNING)

    assert checked(summary(seen("a.png", small)), settings).code is ExitCode.FLAWS


def test_what_is_left_after_a_repair_is_what_counts() -> None:
    cured = replace(seen("a.png", row()), status=Status.REPAIRED, remaining=())

    assert weighed(cured).problems == ()
