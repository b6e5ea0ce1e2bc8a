import numpy as np

from detectors.arrays import RgbArray
from detectors.geometry import Box, Size
from detectors.hand_windows import first_look, second_look, show

SKIN = (220, 170, 140)


def scene(size: int = 1024) -> RgbArray:
    """Blue-green grain without anything like skin."""
    grain = np.random.default_rng(1).integers(0, 60, (size, size, 1), dtype=np.uint8)
    return np.concatenate([grain, grain + 60, grain + 120], axis=-1)


def test_the_first_look_is_the_whole_picture_and_more() -> None:
    near, far, *softened = first_look(Size(640, 480))

    assert near.box == Box(0, 0, 640, 480)
    assert far.box.x0 < 0
    assert far.box.y1 > 480
    assert [window.box for window in softened] == [near.box, far.box]
    assert all(window.soften > 0 for window in softened)


def test_enlarged_windows_cover_the_whole_picture() -> None:
    covered = np.zeros((1024, 1024), bool)

    for window in second_look(scene(), []):
        covered[window.box.rows, window.box.columns] = True

    assert covered.all()


def test_something_like_skin_is_looked_at_more_closely() -> None:
    pixels = scene()
    pixels[700:730, 200:225] = SKIN

    finest = min(window.box.width for window in second_look(pixels, []))
    holding = [
        window.box
        for window in second_look(pixels, [])
        if window.box.width == finest and window.box.holds(212, 715)
    ]

    assert finest < 200
    assert holding


def test_a_colourless_picture_is_searched_closely_although_it_has_no_skin() -> None:
    grey = np.random.default_rng(2).integers(0, 256, (1024, 1024, 1), dtype=np.uint8)

    windows = list(second_look(np.repeat(grey, 3, axis=2), []))

    assert any(window.box.width < 200 for window in windows)


def test_a_flat_picture_is_not_searched_at_all() -> None:
    assert not list(second_look(np.full((1024, 1024, 3), 90, np.uint8), []))


def test_people_in_a_large_picture_are_looked_at_more_closely_than_the_rest() -> None:
    person = Box(1000, 800, 1200, 1400)

    plain = {window.box for window in second_look(scene(2600), [])}
    around = {window.box for window in second_look(scene(2600), [person])} - plain

    assert around
    assert all(box.width <= 0.4 * person.height + 1 for box in around)
    assert all(box.overlap(person) > 0 for box in around)


def test_a_window_that_reaches_out_repeats_the_edge() -> None:
    pixels = np.full((10, 10, 3), 9, np.uint8)

    shown = show(pixels, Box(-5, -5, 15, 15))

    assert shown.shape == (20, 20, 3)
    assert (shown == 9).all()
