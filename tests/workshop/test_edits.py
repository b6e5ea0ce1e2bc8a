import numpy as np
import pytest
from workshop.edits import CONTROLS, FLAWS, edit

from detectors.hand_finding import find_hands
from detectors.hand_judging import HandView
from tests.support.hands import drawn_hand, nets


def view() -> HandView:
    return find_hands(
        drawn_hand().pixels, nets(), second_look=False, min_side_px=12, max_hands=1
    )[0]


@pytest.mark.parametrize("kind", FLAWS)
def test_a_flaw_changes_a_part_of_the_hand_and_says_where(kind: str) -> None:
    hand = view()

    made = edit(hand.crop, hand.points, np.random.default_rng(1), kind)

    assert made is not None
    assert made.flawed
    assert 0.004 <= made.changed.mean() < 0.4
    away = np.abs(made.pixels.astype(int) - hand.crop).max(axis=2) > 40
    assert made.changed[away].mean() > 0.9


@pytest.mark.parametrize("kind", CONTROLS)
def test_a_control_keeps_the_anatomy(kind: str) -> None:
    hand = view()

    made = edit(hand.crop, hand.points, np.random.default_rng(1), kind)

    assert made is not None
    assert not made.flawed
    assert not made.changed.any()
    moved = nets().read(made.pixels).points - hand.points
    assert np.linalg.norm(moved, axis=1).mean() < 20


def test_the_same_seed_makes_the_same_edit() -> None:
    hand = view()

    one, two = (
        edit(hand.crop, hand.points, np.random.default_rng(9), "melt") for _ in range(2)
    )

    assert one is not None
    assert two is not None
    np.testing.assert_array_equal(one.pixels, two.pixels)


def test_a_fist_cannot_lose_a_finger() -> None:
    hand = view()
    fist = hand.points.copy()
    for root in (5, 9, 13, 17):
        fist[root + 1 : root + 4] = fist[root] + np.array([0, 4])

    assert edit(hand.crop, fist, np.random.default_rng(1), "remove") is None
