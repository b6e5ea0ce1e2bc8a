"""The scout points at small hands, and says clearly when it cannot be loaded."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from detectors.errors import WeightsMissing, WeightsWrong
from detectors.hand_scout import WEIGHTS, HandScout, ScoutNet
from tests.support.hands import drawn_hand, plain_scene, scene_with_hand


@pytest.mark.parametrize("longer_px", [28, 48, 90])
def test_the_best_hint_is_the_hand(longer_px: int) -> None:
    pixels = scene_with_hand(drawn_hand(), longer_px, (480, 233))

    best = HandScout.open().hints(pixels, above=0.1)[0]

    middle = (480 + longer_px * 0.4, 233 + longer_px * 0.5)
    assert math.dist((best.x, best.y), middle) < 0.6 * longer_px
    assert 0.3 < best.size_px / longer_px < 3


def test_hints_come_best_first_and_none_is_below_the_bound() -> None:
    pixels = scene_with_hand(drawn_hand(), 64, (100, 100))

    scores = [hint.score for hint in HandScout.open().hints(pixels, above=0.05)]

    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= 0.05


def test_a_plain_picture_gives_no_reason_to_look() -> None:
    assert HandScout.open().hints(plain_scene(), above=0.3) == []


def test_the_smallest_picture_is_looked_at_without_an_error() -> None:
    HandScout.open().hints(np.zeros((16, 16, 3), np.uint8), above=0.0)


def test_folding_the_norms_changes_no_answer() -> None:
    torch.manual_seed(1)
    net = ScoutNet().eval()
    shown = torch.rand(1, 3, 64, 96)

    with torch.inference_mode():
        before = net(shown)
        net.fuse()
        after = net(shown)

    assert before.shape == (1, 2, 8, 12)
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-4)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="hand_scout"):
        HandScout.open(tmp_path)


def test_a_file_that_is_no_scout_is_refused(tmp_path: Path) -> None:
    path = tmp_path / WEIGHTS
    path.parent.mkdir()
    path.write_bytes(b"\x00" * 64)
    digest = "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b"
    (tmp_path / "SHA256SUMS").write_text(f"{digest}  {WEIGHTS}\n")

    with pytest.raises(WeightsWrong, match="does not hold"):
        HandScout.open(tmp_path)
