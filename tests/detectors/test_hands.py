from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skimage import data

from detectors.errors import DetectorFailed, WeightsWrong
from detectors.findings import Finding, Mark, Severity
from detectors.hand_finding import find_hands
from detectors.hand_framing import FRAME_PX
from detectors.hand_judges import AbstainingJudge, JudgeSpec, open_judge
from detectors.hand_judging import Flaw, HandView, Verdict
from detectors.hands import KINDS, HandsDetector, _steadied
from tests.support.hands import drawn_hand, nets, plain_scene, scene_with_hand


class FixedJudge:
    """Says the same of every hand."""

    name = "fixed"

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self.asked = 0

    def judge(self, views: Sequence[HandView]) -> list[Verdict]:
        self.asked += len(views)
        return [self.verdict for _ in views]

    def close(self) -> None:
        """Do nothing."""


class BrokenJudge(FixedJudge):
    def judge(self, views: Sequence[HandView]) -> list[Verdict]:
        raise DetectorFailed("the judge is broken")


def detector(judge: Any, *, margin: float = 0.0) -> HandsDetector:
    return HandsDetector(
        nets(),
        judge,
        min_side_px=16,
        suspect_above=0.5,
        cannot_tell_margin=margin,
        second_look=True,
        max_hands=8,
    )


def only_finding(verdict: Verdict, margin: float = 0.0) -> Finding:
    (finding,) = detector(FixedJudge(verdict), margin=margin).inspect(
        drawn_hand().pixels
    )
    return finding


def test_a_sound_hand_is_reported_as_in_order_with_its_probability() -> None:
    finding = only_finding(Verdict(0.12))

    assert finding.kind == "hand/ok"
    assert finding.confidence == 0.12
    assert KINDS[finding.kind].severity is Severity.FINE


def test_a_flawed_hand_takes_the_likeliest_kind() -> None:
    finding = only_finding(
        Verdict(0.9, digits=4, flaws={"missing-digit": 0.7, "fused": 0.3})
    )

    assert finding.kind == "hand/missing-digit"
    assert finding.message == "4 digits seen"
    assert finding.remedy == "redraw"


def test_a_flawed_hand_of_no_known_kind_is_malformed() -> None:
    undecided: dict[Flaw, float] = {"fused": 0.4, "extra-digit": 0.3, "malformed": 0.3}

    assert only_finding(Verdict(0.9)).kind == "hand/malformed"
    assert only_finding(Verdict(0.9, flaws=undecided)).kind == "hand/malformed"


def test_doubt_is_reported_as_such_and_never_as_in_order() -> None:
    finding = only_finding(Verdict(0.01, doubt="the hand is behind a cup"))

    assert finding.kind == "hand/cannot-tell"
    assert "behind a cup" in finding.message
    assert not KINDS[finding.kind].mend


def test_hands_near_the_threshold_cannot_be_told_when_a_margin_is_set() -> None:
    assert only_finding(Verdict(0.55), margin=0.1).kind == "hand/cannot-tell"
    assert only_finding(Verdict(0.65), margin=0.1).kind == "hand/malformed"


def test_the_outline_covers_the_hand() -> None:
    hand = drawn_hand()

    finding = only_finding(Verdict(0.9))

    mask = np.zeros(hand.hand.shape, bool)
    mask[finding.box.rows, finding.box.columns] = finding.outline
    assert mask[hand.hand].mean() > 0.93


def test_one_surplus_digit_alone_is_removed_and_the_hand_stays() -> None:
    surplus = np.zeros((FRAME_PX, FRAME_PX), np.bool_)
    surplus[60:90, 100:110] = True

    finding = only_finding(
        Verdict(0.9, flaws={"extra-digit": 1.0}, surplus_mask=surplus)
    )

    assert finding.remedy == "remove"
    assert finding.box.area < 0.1 * drawn_hand().hand.size


def test_the_marks_of_a_judge_lie_on_the_hand_in_the_picture() -> None:
    hand = drawn_hand()
    middle = FRAME_PX / 2

    finding = only_finding(Verdict(0.9, marks=(Mark("1", middle, middle),)))

    (mark,) = finding.marks
    assert hand.hand[int(mark.y), int(mark.x)]


def test_without_marks_the_five_tips_of_the_skeleton_are_named() -> None:
    finding = only_finding(Verdict(0.9))

    assert [mark.label for mark in finding.marks] == [
        "thumb",
        "index",
        "middle",
        "ring",
        "little",
    ]


def test_a_picture_without_hands_has_no_finding() -> None:
    judge = FixedJudge(Verdict(0.9))

    assert detector(judge).inspect(plain_scene(600)) == []
    assert judge.asked == 0


def test_gloves_of_a_space_suit_are_not_called_flawed() -> None:
    findings = detector(FixedJudge(Verdict(0.9))).inspect(data.astronaut())

    assert [
        f.kind for f in findings if KINDS[f.kind].severity >= Severity.WARNING
    ] == []


def test_findings_come_from_the_top_of_the_picture_down() -> None:
    both = scene_with_hand(drawn_hand(), 220, (80, 430))
    small = scene_with_hand(drawn_hand(seed=12), 110, (520, 60))
    both[:380, 450:] = small[:380, 450:]

    findings = detector(FixedJudge(Verdict(0.2))).inspect(both)

    assert [finding.box.y0 < 380 for finding in findings] == [True, False]


def test_a_broken_judge_is_a_failure_and_not_an_empty_list() -> None:
    with pytest.raises(DetectorFailed, match="broken"):
        detector(BrokenJudge(Verdict(0.5))).inspect(drawn_hand().pixels)


def test_a_verdict_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="p_flawed"):
        only_finding(Verdict(1.5))


def moving_view(presence: float = 0.9) -> HandView:
    hand = drawn_hand().pixels
    view = find_hands(hand, nets(), second_look=False, min_side_px=12, max_hands=1)[0]
    return replace(view, jitter=0.4, presence=presence)


def test_unsteady_landmarks_are_a_doubt_unless_the_judge_is_very_sure() -> None:
    from_look_to_look = _steadied(moving_view(), Verdict(0.3))
    ruined = _steadied(moving_view(), Verdict(0.95))

    assert "moves" in from_look_to_look.doubt
    assert ruined.doubt == ""


def test_every_finding_is_of_a_kind_that_was_announced() -> None:
    for flaw in ("extra-digit", "missing-digit", "fused", "malformed"):
        assert f"hand/{flaw}" in KINDS


def test_without_weights_of_a_judge_no_hand_is_called_sound() -> None:
    (finding,) = detector(AbstainingJudge()).inspect(drawn_hand().pixels)

    assert finding.kind == "hand/cannot-tell"


def test_judges_without_weights_are_passed_over() -> None:
    absent = JudgeSpec("absent", "no-such/file.safetensors", "no_such_module:build")

    assert open_judge(nets(), [absent]).name == "none"


def test_damaged_weights_are_not_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "judge.bin").write_bytes(b"damaged")
    (tmp_path / "SHA256SUMS").write_text("0" * 64 + "  judge.bin\n")
    monkeypatch.setattr("detectors.weights.own_folder", lambda: tmp_path)

    with pytest.raises(WeightsWrong):
        open_judge(nets(), [JudgeSpec("any", "judge.bin", "no_such_module:build")])
