import numpy as np
import pytest

from detectors.hand_framing import FRAME_PX, HandFrame, cut, frame_of_landmarks

ABOUT = HandFrame(x=60.0, y=40.0, side_px=50.0, angle=0.7)


def test_points_find_their_way_back_to_the_picture() -> None:
    points = np.array([[0, 0], [112, 10], [200, 223]], np.float32)

    there_and_back = ABOUT.from_picture(ABOUT.to_picture(points))

    np.testing.assert_allclose(there_and_back, points, atol=1e-3)


def test_the_centre_of_the_cut_out_is_the_centre_of_the_frame() -> None:
    middle = np.array([[FRAME_PX / 2, FRAME_PX / 2]], np.float32)

    assert ABOUT.to_picture(middle)[0] == pytest.approx((60.0, 40.0))
    assert ABOUT.mirrored().to_picture(middle)[0] == pytest.approx((60.0, 40.0))


def test_an_upright_frame_of_natural_size_copies_the_picture_to_the_last_bit() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)

    taken = cut(pixels, HandFrame(32.0, 32.0, 64.0, 0.0), 64)

    np.testing.assert_array_equal(taken, pixels)


def test_a_mirrored_frame_gives_the_mirror_image() -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    frame = HandFrame(32.0, 32.0, 64.0, 0.0)

    np.testing.assert_array_equal(
        cut(pixels, frame.mirrored(), 64), cut(pixels, frame, 64)[:, ::-1]
    )


def test_a_large_place_is_averaged_down_and_not_sampled() -> None:
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255

    small = cut(stripes, HandFrame(128.0, 128.0, 256.0, 0.0), 32)

    assert small[4:-4, 4:-4].min() > 110
    assert small[4:-4, 4:-4].max() < 145


def test_outside_of_the_picture_its_edge_is_repeated() -> None:
    pixels = np.full((20, 20, 3), 77, np.uint8)

    taken = cut(pixels, HandFrame(0.0, 0.0, 60.0, 0.3), 40)

    assert (taken == 77).all()


def test_a_frame_far_outside_of_the_picture_still_gives_a_cut_out() -> None:
    pixels = np.full((20, 20, 3), 77, np.uint8)

    taken = cut(pixels, HandFrame(-500.0, 900.0, 30.0, 0.3), 40)

    assert taken.shape == (40, 40, 3)


def test_the_frame_of_landmarks_stands_the_hand_upright() -> None:
    fan = np.zeros((21, 2), np.float32)
    for number in range(5):
        for joint in range(4):
            fan[1 + 4 * number + joint] = (10 + 8 * joint, (number - 2) * 6)

    frame = frame_of_landmarks(fan)

    upright = frame.from_picture(fan)
    assert upright[12, 1] < upright[0, 1] - 40
    assert abs(upright[12, 0] - upright[0, 0]) < 2
