"""One digit too many is outlined alone, or not at all."""

import cv2
import numpy as np
import numpy.typing as npt

from detectors.arrays import MaskArray, RgbArray
from detectors.hand_surplus import Claims, claims_of, outline_surplus
from detectors.hand_tips import Tip

FloatArray = npt.NDArray[np.float32]
SKIN, NIGHT = (214, 165, 140), (30, 50, 70)
SIDE = 224
WRIST = (110, 196)
ROOTS = ((84, 172), (80, 128), (100, 122), (120, 122), (140, 128))
TIPS = ((40, 124), (68, 62), (97, 50), (128, 50), (158, 62))
"""Thumb to little finger, of a right hand seen from its back."""

OUTGROWTH = ((146, 168), (196, 118))
"""Root and tip of a digit beside the hand."""


def landmarks() -> FloatArray:
    digits = [np.linspace(root, tip, 4) for root, tip in zip(ROOTS, TIPS, strict=True)]
    return np.vstack([[WRIST], *digits]).astype(np.float32)


def finger(root: tuple[int, int], tip: tuple[int, int]) -> npt.NDArray[np.uint8]:
    drawn = np.zeros((SIDE, SIDE), np.uint8)
    cv2.line(drawn, root, tip, 1, 15, cv2.LINE_AA)
    return drawn


def scene(
    extra: tuple[tuple[int, int], tuple[int, int]], colour: tuple[int, int, int] = SKIN
) -> tuple[RgbArray, FloatArray, MaskArray]:
    """Return a picture, the judge's map of the hand, and the digit too many."""
    hand = np.zeros((SIDE, SIDE), np.uint8)
    palm = np.array([(76, 124), (146, 124), (142, 200), (84, 200)], np.int32)
    cv2.fillPoly(hand, [palm], 1)
    for root, tip in zip(ROOTS, TIPS, strict=True):
        hand |= finger(root, tip)
    surplus = (finger(*extra) > 0) & (hand == 0)
    pixels = np.full((SIDE, SIDE, 3), NIGHT, np.uint8)
    pixels[surplus] = colour
    pixels[hand > 0] = SKIN
    shown = cv2.GaussianBlur(pixels, (0, 0), 0.8)
    whole = ((hand > 0) | surplus).astype(np.float32)
    drawn = cv2.resize(whole, (56, 56), interpolation=cv2.INTER_AREA)
    return shown, drawn, surplus


def tip_at(place: tuple[int, int], clearness: float = 0.8) -> Tip:
    return Tip(clearness, float(place[0]), float(place[1]))


def claims(extra_tip: tuple[int, int]) -> Claims:
    found = claims_of(landmarks(), [tip_at(tip) for tip in (*TIPS, extra_tip)])
    assert found is not None
    return found


def test_the_tip_that_no_landmark_claims_is_the_one_too_many() -> None:
    found = claims(OUTGROWTH[1])

    assert [(tip.x, tip.y) for tip in found.surplus] == [OUTGROWTH[1]]
    np.testing.assert_allclose(found.known, TIPS)


def test_five_tips_leave_none_too_many() -> None:
    assert claims_of(landmarks(), [tip_at(tip) for tip in TIPS]) is None


def test_tips_far_from_the_landmarks_are_not_trusted() -> None:
    away = [tip_at((x // 4, 200 - y // 8)) for x, y in (*TIPS, OUTGROWTH[1])]

    assert claims_of(landmarks(), away) is None


def test_an_outgrowth_beside_the_hand_is_outlined_and_nothing_else() -> None:
    pixels, drawn, surplus = scene(OUTGROWTH)

    mask = outline_surplus(pixels, landmarks(), drawn, claims(OUTGROWTH[1]))

    assert mask is not None
    assert (mask & surplus).sum() / (mask | surplus).sum() > 0.6
    assert mask[surplus].mean() > 0.75


def test_a_digit_without_a_rim_is_left_alone() -> None:
    pixels, drawn, _ = scene(OUTGROWTH, colour=NIGHT)

    assert outline_surplus(pixels, landmarks(), drawn, claims(OUTGROWTH[1])) is None


def test_a_stump_is_left_alone() -> None:
    stump = ((146, 168), (160, 154))
    pixels, drawn, _ = scene(stump)

    assert outline_surplus(pixels, landmarks(), drawn, claims(stump[1])) is None


def test_a_digit_in_a_tight_row_is_left_alone_as_nothing_is_behind_it() -> None:
    row = ((110, 124), (112, 52))
    pixels, _, surplus = scene(row)
    full = np.ones((56, 56), np.float32)

    assert surplus.any()
    assert outline_surplus(pixels, landmarks(), full, claims(row[1])) is None
