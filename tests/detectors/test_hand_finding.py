from functools import cache

import numpy as np
import pytest

from detectors.arrays import RgbArray
from detectors.hand_finding import find_hands, look_again
from detectors.hand_hints import Guides, Hint
from detectors.hand_judging import HandView
from detectors.hand_nets import HandNets, Reading
from detectors.hand_scout import HandScout
from detectors.hand_search import SURE_PALM
from pipeline.settings import HandsSettings
from tests.support.hands import drawn_hand, nets, plain_scene, scene_with_hand


@cache
def scout() -> HandScout:
    return HandScout.open()


def hands_in(
    pixels: RgbArray, *, second_look: bool = True, min_side_px: int = 12
) -> list[HandView]:
    return find_hands(
        pixels,
        nets(),
        second_look=second_look,
        min_side_px=min_side_px,
        max_hands=8,
        guides=Guides(scout()),
    )


@pytest.mark.parametrize("style", ["photo", "anime", "painted", "sketch"])
def test_a_drawn_hand_that_fills_the_picture_is_found(style: str) -> None:
    hand = drawn_hand(style=style)

    views = hands_in(hand.pixels)

    assert len(views) == 1
    assert views[0].presence > 0.8
    x, y = views[0].box().centre
    rows, columns = np.nonzero(hand.hand)
    assert np.hypot(x - columns.mean(), y - rows.mean()) < 25


@pytest.mark.parametrize("longer_px", [200, 96, 64, 40, 32])
def test_a_small_hand_in_a_large_picture_is_found(longer_px: int) -> None:
    pixels = scene_with_hand(drawn_hand(), longer_px, (480, 233))

    views = hands_in(pixels)

    assert len(views) == 1
    assert 0.5 * longer_px < max(views[0].box().size) < 1.6 * longer_px


def test_a_drawn_hand_whose_landmarks_are_steady_needs_no_sure_palm() -> None:
    hand = drawn_hand(3, pose="holding", style="anime")

    (view,) = hands_in(scene_with_hand(hand, 200, (200, 233)))

    assert view.palm_score < SURE_PALM
    assert 0.8 <= view.presence < 0.9
    assert 100 < max(view.box().size) < 320


@pytest.mark.parametrize("seed", [0, 15, 17, 28])
def test_a_small_hand_that_is_seen_from_its_side_is_found(seed: int) -> None:
    pixels = scene_with_hand(drawn_hand(seed, pose="side"), 32, (200, 233))

    (view,) = hands_in(pixels, min_side_px=HandsSettings().min_side_px)

    assert min(view.box().size) < 12
    assert 24 < max(view.box().size) < 40


def test_steady_landmarks_need_no_sure_presence() -> None:
    hand = drawn_hand(11, pose="holding", style="anime")

    views = hands_in(scene_with_hand(hand, 200, (200, 233)))

    assert 0.7 <= views[0].presence < 0.85
    assert max(views[0].box().size) > 120


def test_without_the_second_look_the_small_hand_is_missed() -> None:
    pixels = scene_with_hand(drawn_hand(), 48, (480, 233))

    assert hands_in(pixels, second_look=True)
    assert not hands_in(pixels, second_look=False)


def test_a_picture_without_a_hand_has_none() -> None:
    assert hands_in(plain_scene()) == []


def test_hands_under_the_bound_are_left_out() -> None:
    pixels = scene_with_hand(drawn_hand(), 64, (480, 233))

    assert not hands_in(pixels, min_side_px=100)


def test_two_hands_are_two_hands_and_the_larger_one_comes_first() -> None:
    both = scene_with_hand(drawn_hand(), 220, (80, 430))
    small = scene_with_hand(drawn_hand(seed=12), 110, (520, 60))
    both[:380, 450:] = small[:380, 450:]

    views = hands_in(both)

    assert len(views) == 2
    assert views[0].frame.x < 400 < views[1].frame.x


def test_looking_twice_finds_the_same_to_the_last_bit() -> None:
    pixels = scene_with_hand(drawn_hand(), 90, (300, 300))

    first, second = hands_in(pixels), hands_in(pixels)

    assert [view.frame for view in first] == [view.frame for view in second]
    np.testing.assert_array_equal(first[0].points, second[0].points)


def test_the_picture_is_not_written_to() -> None:
    pixels = scene_with_hand(drawn_hand(), 90, (300, 300))
    before = pixels.copy()

    hands_in(pixels)

    np.testing.assert_array_equal(pixels, before)


def test_the_smallest_picture_is_searched_without_an_error() -> None:
    assert hands_in(np.zeros((16, 16, 3), np.uint8)) == []


def test_without_a_scout_a_hand_of_a_tenth_of_the_picture_is_found() -> None:
    pixels = scene_with_hand(drawn_hand(), 80, (480, 233))

    views = find_hands(pixels, nets(), second_look=True, min_side_px=12, max_hands=8)

    assert len(views) == 1


class UnaskedScout:
    def hints(self, pixels: RgbArray, *, above: float) -> list[Hint]:
        raise AssertionError("there is nothing left to search")


def test_small_hands_are_not_searched_where_one_hand_covers_the_picture() -> None:
    tight = scene_with_hand(drawn_hand(), 200, (5, 5), size=240)

    views = find_hands(
        tight,
        nets(),
        second_look=True,
        min_side_px=12,
        max_hands=8,
        guides=Guides(UnaskedScout()),
    )

    assert len(views) == 1


@pytest.mark.parametrize(
    ("seed", "pose", "style", "looks"),
    [(11, "open", "photo", 1), (3, "holding", "anime", 3)],
    ids=["steady", "doubtful"],
)
def test_only_a_doubtful_hand_is_looked_at_three_more_times(
    seed: int, pose: str, style: str, looks: int
) -> None:
    hand = drawn_hand(seed, pose=pose, style=style)
    (view,) = hands_in(scene_with_hand(hand, 200, (200, 233)))
    counted = Counted()

    look_again(view, counted)

    assert counted.reads == looks


class Counted(HandNets):
    """The networks, counting how often landmarks are read."""

    def __init__(self) -> None:
        self.reads = 0

    def read(self, crop: RgbArray) -> Reading:
        self.reads += 1
        return nets().read(crop)
