"""Labelled pictures are judged one by one, and none is dropped."""

from dataclasses import replace

import numpy as np
import pytest

from detectors.hand_framing import HandFrame
from detectors.hand_judging import HandView, Verdict
from detectors.hand_trials import NO_HAND_P, HandLabel, Trial, summarise, try_hand

PIXELS = np.zeros((64, 64, 3), np.uint8)
OPEN = np.array(
    [[112, 200]]
    + [[x + dx, 140 - 28 * step] for x, dx in ((60, -8),) for step in range(4)]
    + [[80 + 20 * finger, 120 - 25 * step] for finger in range(4) for step in range(4)],
    np.float32,
)


def view(side_px: float, presence: float = 0.9) -> HandView:
    return HandView(
        pixels=PIXELS,
        frame=HandFrame(32, 32, side_px, 0.0),
        crop=np.zeros((224, 224, 3), np.uint8),
        points=OPEN,
        world=np.zeros((21, 3), np.float32),
        presence=presence,
        right_hand=0.5,
        palm_score=0.9,
    )


def trial(
    flawed: bool,
    p: float,
    *,
    fingers: int | None = 5,
    style: str = "",
    is_open: bool = True,
) -> Trial:
    label = HandLabel(f"{p}.png", flawed, fingers, f"{p}", style=style)
    return Trial(label, p, "", 1, is_open, 5, "", 0.1)


def test_a_picture_is_judged_by_its_largest_hand() -> None:
    label = HandLabel("a.png", True, 6, "a")
    found = [(view(30), Verdict(0.1)), (view(60), Verdict(0.8, digits=6))]

    seen = try_hand(PIXELS, label, lambda _: found)

    assert (seen.p_flawed, seen.digits, seen.n_hands) == (0.8, 6, 2)
    assert seen.is_open


def test_the_hand_that_a_picture_frames_comes_before_one_at_its_edge() -> None:
    label = HandLabel("a.png", True, 6, "a")
    beside = replace(view(40), frame=HandFrame(62, 2, 40, 0.0))
    found = [(beside, Verdict(0.9)), (view(32), Verdict(0.2))]

    assert try_hand(PIXELS, label, lambda _: found).p_flawed == 0.2


def test_something_without_a_fitting_skeleton_is_not_the_main_hand() -> None:
    label = HandLabel("a.png", False, 5, "a")
    found = [(view(90, presence=0.1), Verdict(0.5, "?")), (view(60), Verdict(0.2))]

    assert try_hand(PIXELS, label, lambda _: found).p_flawed == 0.2


def test_a_picture_without_a_hand_counts_as_cannot_tell() -> None:
    seen = try_hand(PIXELS, HandLabel("a.png", True, 6, "a"), lambda _: [])
    summary = summarise([seen, trial(False, 0.1)])

    assert seen.p_flawed == NO_HAND_P
    assert summary["all"]["n_bad"] == 1
    assert summary["cannot_tell_share"] == 0.5
    assert summary["rows"][0]["cannot_tell"] == "no hand found"


def test_wrong_counts_are_compared_on_open_hands_only() -> None:
    trials = [
        trial(True, 0.9, fingers=6),
        trial(True, 0.8, fingers=5),
        trial(True, 0.7, fingers=None),
        trial(True, 0.6, fingers=4, is_open=False),
        trial(False, 0.3),
        trial(False, 0.2, is_open=False),
    ]

    summary = summarise(trials)

    assert (summary["all"]["n_bad"], summary["all"]["n_ok"]) == (4, 2)
    counted = summary["open_wrong_count"]
    assert (counted["n_bad"], counted["n_ok"], counted["auc"]) == (1, 1, 1.0)


def test_every_style_gets_the_same_figures() -> None:
    trials = [
        trial(True, 0.9, style="anime"),
        trial(False, 0.1, style="anime"),
        trial(True, 0.2, style="photo"),
        trial(False, 0.6, style="photo"),
    ]

    summary = summarise(trials)

    assert summary["by_style"]["anime"]["all"]["auc"] == 1.0
    assert summary["by_style"]["photo"]["all"]["auc"] == 0.0
    assert summary["by_style"]["photo"].keys() == summary["by_style"]["anime"].keys()
    assert "by_set" not in summary


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_the_calibration_error_leaves_out_what_cannot_be_told(p: float) -> None:
    told = trial(True, 1.0)
    untold = replace(trial(False, p), cannot_tell="too small")

    assert summarise([told, untold])["ece"] == 0.0
