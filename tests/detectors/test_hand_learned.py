"""The learned judge answers in the units it promises, whatever it is shown."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from detectors.errors import WeightsMissing, WeightsWrong
from detectors.hand_calibration import Calibration
from detectors.hand_framing import HandFrame, cut
from detectors.hand_judge_net import HandJudgeNet, load_net
from detectors.hand_judging import HandView, check_verdict
from detectors.hand_learned import (
    LearnedJudge,
    flaws_of,
    mask_of,
)

ALONE = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
PLAIN = Calibration(ALONE, 0.0, 10.0, 20.0, (2.0, 2.0))


def view(side_px: float = 120.0) -> HandView:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (160, 160, 3), dtype=np.uint8)
    frame = HandFrame(80, 80, side_px, 0.2)
    return HandView(
        pixels=pixels,
        frame=frame,
        crop=cut(pixels, frame),
        points=np.zeros((21, 2), np.float32),
        world=np.zeros((21, 3), np.float32),
        presence=0.9,
        right_hand=0.5,
        palm_score=0.9,
    )


def fresh_judge(calibration: Calibration = PLAIN) -> LearnedJudge:
    torch.manual_seed(3)
    return LearnedJudge(HandJudgeNet().eval().requires_grad_(False), calibration)


def test_the_same_view_gives_the_same_verdict_in_any_company() -> None:
    judge = fresh_judge()

    alone = judge.judge([view()])[0]
    among = judge.judge([view(90.0), view(), view(70.0)])[1]

    check_verdict(alone)
    assert alone.p_flawed == among.p_flawed
    assert alone.marks == among.marks


def test_a_tiny_hand_is_left_in_doubt() -> None:
    verdict = fresh_judge().judge([view(18.0)])[0]

    assert "px" in verdict.doubt


def test_disagreement_between_looks_is_doubt() -> None:
    strict = Calibration(ALONE, 0.0, 0.0, 0.0, (2.0, 2.0))

    assert "disagree" in fresh_judge(strict).judge([view()])[0].doubt


@pytest.mark.parametrize(
    ("shift", "looks"), [(-20.0, 2), (20.0, 2), (0.0, 4)], ids=["ok", "bad", "unsure"]
)
def test_only_who_is_unsure_looks_four_times(shift: float, looks: int) -> None:
    """Without slopes the shift alone decides, and all first looks agree."""
    shown: list[int] = []
    net = HandJudgeNet().eval().requires_grad_(False)
    net.register_forward_pre_hook(lambda _, given: shown.append(len(given[0])))
    calibration = Calibration((0.0,) * 6, shift, 10.0, 20.0, (2.0, 2.0))

    LearnedJudge(net, calibration).judge([view()])

    assert sum(shown) == looks


def test_probabilities_follow_slope_and_shift() -> None:
    calibration = Calibration(
        (2.0, 0.5, 0.0, 0.0, 0.0, 0.0), -1.5, 1.0, 0.0, (2.0, 2.0)
    )
    balanced = np.array([0.5, 1.0, 9.0, 9.0, 9.0, 9.0], np.float32)

    assert calibration.probability(balanced) == pytest.approx(0.5)
    assert calibration.probability(balanced - 40) < 1e-6


def test_flaws_share_what_is_left_when_there_is_one() -> None:
    kinds = np.array([0.5, 0.2, 0.1, 0.1, 0.05, 0.03, 0.02], np.float32)

    found = flaws_of(kinds)

    assert found["extra-digit"] == pytest.approx(0.4)
    assert found["malformed"] == pytest.approx(0.2)
    assert sum(found.values()) == pytest.approx(1.0)


def test_a_few_stray_cells_are_no_flaw() -> None:
    drawn = np.zeros((56, 56), np.float32)
    drawn[3, 3:6] = 1.0
    assert mask_of(drawn) is None

    drawn[20:30, 20:30] = 1.0
    mask = mask_of(drawn)

    assert mask is not None
    assert mask.shape == (224, 224)
    assert mask[100, 100]


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="hand_judge"):
        LearnedJudge.open(tmp_path)


def test_a_hand_that_no_skeleton_fits_is_likelier_flawed() -> None:
    judge = LearnedJudge.open()
    steady, moving = replace(view(), jitter=0.02), replace(view(), jitter=0.2)

    first, second = judge.judge([steady, moving])

    assert second.p_flawed > first.p_flawed


def test_a_file_that_is_no_judge_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    path.write_bytes(b"\x00" * 64)

    with pytest.raises(WeightsWrong, match="does not hold"):
        load_net(path)


def test_a_calibration_without_its_numbers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps({"slope": 1}), encoding="utf-8")

    with pytest.raises(WeightsWrong, match="not a calibration"):
        Calibration.read(path)
