import numpy as np
import pytest
from workshop.hands import RenderedHand

from detectors.arrays import MaskArray
from detectors.hand_finding import find_hands
from detectors.hand_judging import HandView
from detectors.hand_outline import outline_of
from tests.support.hands import drawn_hand, nets


def view_of(hand: RenderedHand) -> HandView:
    return find_hands(
        hand.pixels, nets(), second_look=False, min_side_px=12, max_hands=1
    )[0]


def whole_mask(view: HandView) -> MaskArray:
    outline = outline_of(view)
    mask = np.zeros(view.pixels.shape[:2], bool)
    mask[outline.box.rows, outline.box.columns] = outline.mask
    return mask


@pytest.mark.parametrize("style", ["photo", "anime", "painted"])
def test_the_outline_covers_the_hand_and_little_else(style: str) -> None:
    hand = drawn_hand(style=style)

    mask = whole_mask(view_of(hand))

    assert mask[hand.hand].mean() > 0.9
    assert (mask & ~hand.skin).sum() < 0.5 * hand.hand.sum()


def test_the_outline_takes_in_a_surplus_digit() -> None:
    hand = drawn_hand(kind="extra")
    surplus = np.asarray(hand.flaw)

    mask = whole_mask(view_of(hand))

    assert mask[surplus].mean() > 0.85


def test_the_outline_takes_part_of_the_wrist_and_not_the_whole_arm() -> None:
    hand = drawn_hand()
    arm = hand.skin & ~hand.hand

    mask = whole_mask(view_of(hand))

    assert 0.05 < mask[arm].mean() < 0.95


def test_the_box_is_tight_and_inside_the_picture() -> None:
    view = view_of(drawn_hand())

    outline = outline_of(view)

    assert outline.mask.shape == (outline.box.height, outline.box.width)
    assert outline.mask.any(axis=0).all()
    assert outline.mask.any(axis=1).all()
    assert outline.box.x0 >= 0
    assert outline.box.y1 <= view.pixels.shape[0]
