import numpy as np

from detectors.arrays import RgbArray
from detectors.geometry import Box, Size
from detectors.hand_hints import Hint
from detectors.hand_windows import around, first_look, second_look, show


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


def test_a_hint_is_looked_at_at_the_scales_at_which_palms_are_seen() -> None:
    first, *others = around(Hint(0.9, 400.0, 300.0, 100.0))

    assert 0.3 < 100.0 / first.box.width < 0.6
    widths = [window.box.width for window in others]
    assert min(widths) < first.box.width < max(widths)
    for window in (first, *others):
        assert window.box.centre == (400.0, 300.0)
        assert 0.25 < 100.0 / window.box.width < 0.6


def test_no_window_around_a_hint_is_tiny() -> None:
    for window in around(Hint(0.4, 40.0, 60.0, 5.0)):
        assert window.box.width >= 56


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
