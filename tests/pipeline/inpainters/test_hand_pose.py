"""The skeleton that a hand's ControlNet is shown."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from detectors import catalogue
from detectors.geometry import Box, Size
from pipeline.inpainters.cutouts import fit
from pipeline.inpainters.diffusion.control_picture import (
    BONES,
    draw_hands,
    hand_poses,
    picture_with_hole,
)
from pipeline.inpainters.diffusion.hand_pose import five_digits
from pipeline.records import PaintRequest, Patch
from pipeline.settings import Settings
from tests.pipeline.inpainters.hand_points import Points, open_hand
from tests.pipeline.inpainters.requests import hole, request, stripes

DIGITS = {"thumb": 1, "index": 5, "middle": 9, "ring": 13, "little": 17}
SAMPLES = Path(__file__).parents[3] / "data" / "samples"


def without(points: Points, digit: str) -> Points:
    """Collapse a digit onto its root, as landmarks do where a digit is missing."""
    left, root = points.copy(), DIGITS[digit]
    left[root + 1 : root + 4] = left[root] + [[1, 0], [2, 1], [3, 1]]
    return left


def test_a_sound_hand_stays_as_it_is() -> None:
    points = open_hand(200, 400, 20)

    skeleton = five_digits(points)

    np.testing.assert_array_equal(skeleton.points, points)
    assert skeleton.made == ()


@pytest.mark.parametrize("digit", DIGITS)
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_missing_digit_is_made_about_where_it_would_be(
    digit: str, mirrored: bool
) -> None:
    whole = open_hand(200, 400, 20, turn=0.6)
    if mirrored:
        whole[:, 0] = 400 - whole[:, 0]

    skeleton = five_digits(without(whole, digit))

    assert skeleton.made == (digit,)
    off = np.linalg.norm(skeleton.points - whole, axis=1)
    root = DIGITS[digit]
    length = np.linalg.norm(np.diff(whole[root : root + 4], axis=0), axis=1).sum()
    assert off[root : root + 4].max() < 0.25 * length
    others = [i for i in range(21) if not root < i < root + 4]
    assert off[others].max() == 0


def test_a_digit_that_lies_on_its_neighbour_is_moved_apart() -> None:
    whole = open_hand(200, 400, 20)
    fused = whole.copy()
    fused[14:17] = whole[10:13] + np.array([2.0, 0.0])

    skeleton = five_digits(fused)

    assert skeleton.made == ("ring",)
    assert np.linalg.norm(skeleton.points[16] - whole[16]) < 35


def test_a_digit_that_is_too_long_is_shortened_and_keeps_its_direction() -> None:
    whole = open_hand(200, 400, 20)
    long = whole.copy()
    long[5:9] = whole[5] + 2.5 * (whole[5:9] - whole[5])

    skeleton = five_digits(long)

    assert skeleton.made == ()
    made, real = skeleton.points[8] - whole[5], whole[8] - whole[5]
    assert 0.8 < np.linalg.norm(made) / np.linalg.norm(real) < 1.25
    cosine = made @ real / (np.linalg.norm(made) * np.linalg.norm(real))
    assert cosine > 0.999


def test_bent_fingers_are_a_pose_and_stay() -> None:
    fist = open_hand(200, 400, 20)
    for root in (5, 9, 13, 17):
        knuckle, first = fist[root], fist[root + 1]
        fist[root + 1] = knuckle + 0.7 * (first - knuckle)
        fist[root + 2] = knuckle + 0.5 * (first - knuckle)
        fist[root + 3] = knuckle + 0.1 * (first - knuckle)

    skeleton = five_digits(fist)

    np.testing.assert_array_equal(skeleton.points, fist)


def test_it_turns_and_scales_with_the_hand() -> None:
    small = five_digits(without(open_hand(0, 0, 10), "ring")).points
    large = open_hand(50, 80, 30, turn=1.1)
    large[14:17] = large[13] + _turned(np.array([[3, 0], [6, 3], [9, 3.0]]), 1.1)

    found = five_digits(large).points

    expected = _turned(small * 3, 1.1) + np.array([50.0, 80.0])
    np.testing.assert_allclose(found, expected, atol=1e-6)


def _turned(points: Points, angle: float) -> Points:
    cosine, sine = np.cos(angle), np.sin(angle)
    turned: Points = points @ np.array([[cosine, sine], [-sine, cosine]])
    return turned


@pytest.mark.parametrize("points", [np.zeros((20, 2)), np.full((21, 2), 7.0)])
def test_what_is_no_hand_is_refused(points: Points) -> None:
    with pytest.raises(ValueError, match=r"hand has 21|no extent"):
        five_digits(points)


def test_lines_and_joints_have_the_colours_that_networks_were_taught() -> None:
    points = open_hand(256, 480, 25)

    drawn = draw_hands([points], Size(512, 512))

    assert len(BONES) == 20
    # A sixth of the way round the colours is a step of 20 / 6 lines: 5 is a quarter.
    expected = {0: (255, 0, 0), 5: (127, 255, 0), 10: (0, 255, 255), 15: (127, 0, 255)}
    for line, colour in expected.items():
        start, end = BONES[line]
        x, y = np.floor((points[start] + points[end]) / 2).astype(int)
        assert tuple(drawn[y, x]) == colour, line
    for x, y in np.floor(points).astype(int):
        assert tuple(drawn[y, x]) == (0, 0, 255)
    assert (drawn[:4] == 0).all()


def asked_with(points: Points, window: Box) -> PaintRequest:
    joints = tuple((float(x), float(y)) for x, y in points)
    given = request(
        stripes(window.width, window.height),
        hole(window.width, window.height, (8, 8, 24, 24)),
        working=Size(128, 96),
    )
    fields = {name: getattr(given, name) for name in given.__slots__}
    patch = Patch(0, window, given.mask, (), poses=(joints,))
    return PaintRequest(**(fields | {"patch": patch, "window": window}))


def test_the_skeleton_is_cropped_like_the_region() -> None:
    points = open_hand(120, 146, 2.2)
    window = Box(100, 100, 148, 148)
    given = asked_with(points, window)
    # 48x48 fits 128x96 at twice its size, with 16 px of edge on both sides.
    place = fit(window.size, given.working, given.mode)

    shown = hand_poses(given, place)

    assert shown.notes == ()
    assert shown.values is not None
    assert tuple(shown.values.shape) == (3, 96, 128)
    for x, y in points:
        column, row = int(np.floor((x - 100) * 2 + 16)), int(np.floor((y - 100) * 2))
        assert tuple(shown.values[:, row, column].tolist()) == (0, 0, 1)


def test_added_digits_are_told() -> None:
    points = without(open_hand(120, 146, 2.2), "little")
    given = asked_with(points, Box(100, 100, 148, 148))

    shown = hand_poses(given, fit(given.window.size, given.working, given.mode))

    assert shown.notes == ("in the control skeleton these digits were added: little",)


def test_the_picture_with_a_hole_is_minus_one_where_it_is_repainted() -> None:
    pixels, mask = stripes(16, 8), hole(16, 8, (4, 2, 8, 6))

    values = picture_with_hole(pixels, mask).values

    assert values is not None
    shown = values.permute(1, 2, 0).numpy()
    assert (shown[mask] == -1).all()
    np.testing.assert_allclose(shown[~mask], pixels[~mask] / 255, atol=1e-6)


def test_findings_of_hands_carry_their_joints() -> None:
    pixels = np.asarray(Image.open(SAMPLES / "clean-hand.png").convert("RGB"))
    detector = catalogue.build("hands", Settings().hands.model_dump())

    found = [f for f in detector.inspect(pixels) if f.kind.startswith("hand/")]

    detector.close()
    assert found
    for finding in found:
        assert len(finding.joints) == 21
        around = finding.box.grown(finding.box.width // 4)
        for x, y in finding.joints:
            assert around.x0 <= x <= around.x1
            assert around.y0 <= y <= around.y1
        moved = finding.shifted(5, -3)
        assert moved.joints[4] == (finding.joints[4][0] + 5, finding.joints[4][1] - 3)
