import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from detectors import weights
from detectors.errors import DetectorFailed, WeightsWrong
from detectors.hand_nets import HandNets
from tests.support.hands import drawn_hand, nets


def test_a_drawn_hand_is_seen_by_both_networks() -> None:
    hand = drawn_hand()

    palms = nets().palms(hand.pixels, above=0.5)

    assert len(palms) == 1
    x, y = (int(value) for value in palms[0].centre)
    assert hand.hand[y, x]


def test_the_same_cut_out_gives_the_same_reading_to_the_last_bit() -> None:
    crop = np.random.default_rng(4).integers(0, 256, (224, 224, 3), dtype=np.uint8)

    first, features = nets().read_with_features(crop)
    nets().read(np.zeros_like(crop))
    second, again = nets().read_with_features(crop)

    np.testing.assert_array_equal(first.points, second.points)
    np.testing.assert_array_equal(features, again)
    assert features.shape == (3576,)


def test_noise_is_no_hand() -> None:
    crop = np.random.default_rng(5).integers(0, 256, (224, 224, 3), dtype=np.uint8)

    assert nets().read(crop).presence < 0.3


def test_a_cut_out_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="224"):
        nets().read(np.zeros((100, 100, 3), np.uint8))


def test_a_file_that_is_no_archive_is_called_by_its_name(tmp_path: Path) -> None:
    wrong = tmp_path / "hand.task"
    wrong.write_bytes(b"not a zip file")

    with pytest.raises(WeightsWrong, match=r"hand\.task"):
        HandNets.open(wrong)


def test_an_archive_with_broken_networks_is_refused() -> None:
    with pytest.raises(WeightsWrong, match="hand_detector"):
        HandNets(b"this is no flatbuffer", b"nor is this")


def test_networks_that_were_swapped_fail_loudly(tmp_path: Path) -> None:
    swapped = io.BytesIO()
    with zipfile.ZipFile(weights.find("hand_landmarker")) as task:
        palm = task.read("hand_detector.tflite")
        landmark = task.read("hand_landmarks_detector.tflite")
    with zipfile.ZipFile(swapped, "w") as task:
        task.writestr("hand_detector.tflite", landmark)
        task.writestr("hand_landmarks_detector.tflite", palm)
    path = tmp_path / "swapped.task"
    path.write_bytes(swapped.getvalue())

    with pytest.raises(DetectorFailed):
        HandNets.open(path).read(np.zeros((224, 224, 3), np.uint8))
