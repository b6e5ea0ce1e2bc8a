"""The colours of what was painted follow those of its surroundings."""

import numpy as np
import numpy.typing as npt

from pipeline.inpainters.colours import matched

Pixels = npt.NDArray[np.uint8]


def scene() -> tuple[Pixels, Pixels]:
    """Return a picture of pink skin on green, and the mask of a part of both."""
    rng = np.random.default_rng(1)
    picture = np.zeros((96, 96, 3), np.uint8)
    picture[:, :48] = (60, 140, 50)
    picture[:, 48:] = (220, 150, 160)
    picture = (picture + rng.integers(0, 12, picture.shape)).astype(np.uint8)
    soft = np.zeros((96, 96), np.uint8)
    soft[30:66, 30:66] = 255
    return picture, soft


def drained(picture: Pixels) -> Pixels:
    """Return what a VAE makes of it that has lost half of the hue."""
    grey = picture.mean(axis=2, keepdims=True)
    result: Pixels = np.rint(0.5 * picture + 0.5 * grey).astype(np.uint8)
    return result


def test_each_colour_is_moved_back_by_its_own_shift() -> None:
    picture, soft = scene()

    after = matched(drained(picture), picture, soft)

    masked = soft > 0
    off = np.abs(after[masked].astype(int) - picture[masked]).mean()
    before = np.abs(drained(picture)[masked].astype(int) - picture[masked]).mean()
    assert before > 15
    assert off < 3


def test_faithful_colours_stay_as_they_are() -> None:
    picture, soft = scene()
    painted = picture.copy()
    painted[40:50, 40:50] = (10, 20, 200)

    after = matched(painted, picture, soft)

    np.testing.assert_array_equal(after, painted)


def test_a_colour_seen_nowhere_else_takes_the_mean_shift() -> None:
    picture, soft = scene()
    darker = (picture - 20).astype(np.uint8)
    darker[40:50, 40:50] = (10, 20, 200)

    after = matched(darker, picture, soft)

    assert np.abs(after[45, 45].astype(int) - (30, 40, 220)).max() <= 1


def test_without_surroundings_nothing_is_changed() -> None:
    picture, _ = scene()

    after = matched(drained(picture), picture, np.full((96, 96), 255, np.uint8))

    np.testing.assert_array_equal(after, drained(picture))
