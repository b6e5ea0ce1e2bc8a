"""What a person called no flaw does not count."""

from detectors.findings import Severity
from detectors.geometry import Box, Size
from pipeline.errors import ExitCode
from pipeline.gate.decided import Decided
from pipeline.gate.problems import Checked, checked
from pipeline.records import Decision, NotAFlaw, Outcome
from pipeline.settings import Settings
from tests.support.checks_made import HAND, row, seen, summary, unread


def weighed(outcome: Outcome, *decisions: Decision) -> Checked:
    return checked(summary(outcome), Settings(), review=Decided(decisions))


def decision(outcome: Outcome, kind: str, box: Box, note: str = "") -> Decision:
    flaw = NotAFlaw(kind, box)
    return Decision(outcome.key, outcome.digest, not_flaws=(flaw,), note=note)


def test_a_place_that_is_no_flaw_is_excused_with_the_note() -> None:
    picture = seen("a.png", row())
    decided = decision(picture, "hand/extra-digit", HAND.shifted(5, 5), "a glove")

    result = weighed(picture, decided)

    assert result.code is ExitCode.OK
    assert result.problems[0].excused == "review: a glove"


def test_the_rest_of_the_picture_still_counts() -> None:
    fused = row("hand/fused", Box(300, 300, 400, 400))
    picture = seen("a.png", row(), fused)

    result = weighed(picture, decision(picture, "hand/extra-digit", HAND))

    assert [one.rule.code for one in result.failing] == ["NM103"]


def test_a_finding_about_the_whole_picture_can_be_no_flaw() -> None:
    whole = Box.whole(Size(640, 480))
    picture = seen("a.png", row("image/dark", whole, Severity.WARNING))

    result = weighed(picture, decision(picture, "image/dark", whole))

    assert result.problems[0].excused == "review"


def test_a_decision_holds_for_its_content_wherever_it_lies() -> None:
    picture, moved = seen("a.png", row()), seen("b.png", row(), content="a.png")
    other = seen("a.png", row(), content="new")
    decided = decision(picture, "hand/extra-digit", HAND)

    assert weighed(moved, decided).code is ExitCode.OK
    assert weighed(other, decided).code is ExitCode.FLAWS


def test_nobody_can_excuse_what_nobody_could_look_at() -> None:
    broken = unread("a.png", digest="a" * 64)
    accepted = Decision("a.png", broken.digest, verdict="accept")

    assert weighed(broken, accepted).code is ExitCode.SOME_FAILED
