"""Fingertips are counted off their map."""

import cv2
import numpy as np
import numpy.typing as npt

from detectors.hand_tips import clear_tips, read_tips

FloatArray = npt.NDArray[np.float32]
CELL = 4
FIVE = ((42, 130), (70, 50), (98, 38), (126, 38), (154, 50))
"""Tips of a hand held upright, thumb first, in pixels of the crop."""

SIXTH = (190, 150)


def tip_map(places: tuple[tuple[int, int], ...], height: float = 0.9) -> FloatArray:
    ys, xs = np.mgrid[0:56, 0:56].astype(np.float32)
    drawn = np.zeros((56, 56), np.float32)
    for x, y in places:
        distance = (xs + 0.5 - x / CELL) ** 2 + (ys + 0.5 - y / CELL) ** 2
        blob = height * np.exp(-distance / 3)
        drawn = np.maximum(drawn, blob.astype(np.float32))
    return drawn


def test_every_separate_tip_is_counted_once_where_it_is_drawn() -> None:
    tips = clear_tips(read_tips(tip_map((*FIVE, SIXTH))))

    assert len(tips) == 6
    found = sorted((tip.x, tip.y) for tip in tips)
    for (x, y), expected in zip(found, sorted((*FIVE, SIXTH)), strict=True):
        assert abs(x - expected[0]) <= CELL
        assert abs(y - expected[1]) <= CELL


def test_the_smear_of_curled_fingers_is_no_tip() -> None:
    rng = np.random.default_rng(3)
    smear = cv2.GaussianBlur(rng.random((56, 56)).astype(np.float32), (0, 0), 1.5)

    assert clear_tips(read_tips(smear)) == []
