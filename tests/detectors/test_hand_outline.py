from dataclasses import replace

import numpy as np
import pytest
from workshop.hands import RenderedHand

from detectors.arrays import MaskArray
from detectors.hand_finding import find_hands
from detectors.hand_framing import FRAME_PX, PointArray, cut
from detectors.hand_judging import HandView
from detectors.hand_outline import hand_region, outline_of
from tests.support.hands import drawn_hand, nets


def view_of(hand: RenderedHand) -> HandView:
    return find_hands(
        hand.pixels, nets(), second_look=False, min_side_px=12, max_hands=1
    )[0]


def whole_mask(view: HandView, seen: MaskArray | None = None) -> MaskArray:
    outline = outline_of(view, seen)
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


def test_a_finger_that_the_landmarks_miss_is_taken_in_where_it_was_seen() -> None:
    """The crop is the frame's part of what is looked at, so places must agree."""
    hand = drawn_hand()
    view = view_of(hand)
    finger = hand.digit_masks[hand.names.index("middle")]
    blind = replace(view, points=without_the_middle_finger(view.points))
    seen = cut_mask(view, hand.hand)

    missed, whole = whole_mask(blind), whole_mask(blind, seen)

    assert whole[finger].mean() > 0.95
    assert whole[finger].mean() > missed[finger].mean()
    assert (whole & ~hand.skin).sum() < 0.5 * hand.hand.sum()


def test_what_was_seen_elsewhere_is_not_taken_in() -> None:
    view = view_of(drawn_hand())
    apart = np.zeros((FRAME_PX, FRAME_PX), bool)
    apart[2:12, 2:12] = True

    assert np.array_equal(whole_mask(view, apart), whole_mask(view))


def test_a_mask_has_no_pinholes_but_keeps_a_ring_open() -> None:
    side = 176
    points = np.full((21, 2), 88, np.float32)
    points[0], points[9] = (88, 150), (88, 90)
    crop = np.full((side, side, 3), 120, np.uint8)
    seen = np.zeros((side, side), bool)
    seen[20:150, 40:136] = True
    seen[60:66, 60:66] = False
    seen[30:60, 90:130] = False

    region = hand_region(crop, points, seen)

    assert region[63, 63]
    assert not region[45, 110]


def without_the_middle_finger(points: PointArray) -> PointArray:
    """Return landmarks that fold the middle finger onto its knuckle."""
    folded = points.copy()
    folded[10:13] = points[9]
    return folded


def cut_mask(view: HandView, mask: MaskArray) -> MaskArray:
    """Return a mask of the picture as one of the view's crop."""
    grey = np.repeat(mask[..., None].astype(np.uint8) * 255, 3, axis=2)
    cut_out: MaskArray = cut(grey, view.frame)[..., 0] > 127
    return cut_out
