"""The closing table tells a person in a few lines how it went."""

from dataclasses import replace

from detectors.findings import Severity
from detectors.geometry import Box, Size
from pipeline.records import (
    Choice,
    Cost,
    FindingRow,
    Outcome,
    RunInfo,
    RunSummary,
    Status,
)
from pipeline.reports import terminal

INFO = RunInfo("r", "repair", (), (), "", "", "", "done", "", "{}", "1", 2)
BOX = Box(0, 0, 9, 9)
COST = Cost(0.5, 0, 0, 0.5)
CHOICE = Choice(
    pass_number=1,
    patch=0,
    winner=2,
    cost_before=COST,
    cost_after=COST,
    reason="",
    box=BOX,
    window=BOX,
    working=Size(9, 9),
    mode="only-masked",
    mode_reason="",
    strength=0.75,
    content="original",
    prompt="",
    negative_prompt="",
    remedy="redraw",
    kinds=("hand/surplus",),
)


def row(kind: str, confidence: float, severity: Severity) -> FindingRow:
    return FindingRow("hands", kind, BOX, confidence, severity=severity)


def test_every_ending_is_counted_and_trouble_is_told_by_name() -> None:
    outcomes = (
        Outcome("a.png", "", Status.CLEAN),
        Outcome("b.png", "", Status.UNREADABLE, problem="b.png ends too early"),
        Outcome("c.png", "", Status.CLEAN),
    )

    shown = terminal.render(RunSummary(INFO, outcomes))

    assert "      2  clean        no flaw was found\n" in shown
    assert "      3  pictures\n" in shown
    assert shown.endswith("b.png: unreadable; b.png ends too early\n")


def test_endless_trouble_is_cut_short_with_a_count() -> None:
    outcomes = [Outcome(f"{n}.png", "", Status.FAILED, problem="x") for n in range(99)]

    shown = terminal.render(RunSummary(INFO, tuple(outcomes)))

    assert shown.count("failed; x") == terminal.MAX_REASONS
    assert f"... and {99 - terminal.MAX_REASONS} more" in shown


def test_a_line_names_the_findings_the_worst_first() -> None:
    findings = (
        row("face/too-small", 0.8, Severity.WARNING),
        row("hand/surplus", 0.7, Severity.ERROR),
        row("hand/surplus", 0.95, Severity.ERROR),
        row("hand/ok", 0.1, Severity.FINE),
    )

    line = terminal.line_for(Outcome("a.png", "", Status.FLAWED, findings=findings))

    assert line == ("a.png: flawed; 2 x hand/surplus (0.95), face/too-small (0.80)")


def test_a_repaired_picture_says_what_was_done_and_what_is_left() -> None:
    left = (row("face/too-small", 0.8, Severity.WARNING),)
    lost = replace(CHOICE, winner=None, kinds=("hand/malformed",))
    outcome = Outcome(
        "a.png", "", Status.REPAIRED, choices=(CHOICE, lost), remaining=left
    )

    line = terminal.line_for(outcome)

    assert line == "a.png: repaired; hand/surplus; still there: face/too-small (0.80)"


def test_a_hostile_name_stays_on_its_line() -> None:
    outcome = Outcome("a\n\x1b[2J.png", "", Status.FAILED, problem="\r\nevil")

    line = terminal.line_for(outcome)

    assert line == "a\\u000a\\u001b[2J.png: failed; \\u000d\\u000aevil"
