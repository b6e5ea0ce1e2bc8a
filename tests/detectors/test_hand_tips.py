"""Fingertips are counted off their map, and the one too many is told apart."""

import cv2
import numpy as np
import numpy.typing as npt

from detectors.hand_tips import clear_tips, read_tips, surplus_digit

FloatArray = npt.NDArray[np.float32]
CELL = 4
WRIST, KNUCKLE = (112, 190), (112, 120)
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


def hand_map(places: tuple[tuple[int, int], ...]) -> FloatArray:
    drawn = np.zeros((224, 224), np.uint8)
    cv2.circle(drawn, (112, 150), 38, 1, -1)
    for tip in places:
        cv2.line(drawn, (112, 150), tip, 1, 14)
    small = cv2.resize(drawn * 255, (56, 56), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) / np.float32(255)


def landmarks() -> FloatArray:
    points = np.zeros((21, 2), np.float32)
    points[0], points[9] = WRIST, KNUCKLE
    points[[4, 8, 12, 16, 20]] = FIVE
    return points


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


def test_the_digit_that_no_landmark_claims_is_cut_out_alone() -> None:
    places = (*FIVE, SIXTH)
    tips = clear_tips(read_tips(tip_map(places)))

    mask = surplus_digit(hand_map(places), tips, landmarks())

    assert mask is not None
    assert mask[SIXTH[1] - 4, SIXTH[0] - 6]
    assert not mask[150, 112]
    assert not any(mask[y, x] for x, y in FIVE)


def test_a_surplus_digit_grown_to_its_neighbour_is_not_cut_out() -> None:
    beside = (FIVE[4][0] + 20, FIVE[4][1] + 8)
    places = (*FIVE, beside)
    grown = hand_map(places)
    cv2.line(grown, (38, 14), (44, 15), 1.0, 6)
    tips = clear_tips(read_tips(tip_map(places)))

    assert surplus_digit(grown, tips, landmarks()) is None
