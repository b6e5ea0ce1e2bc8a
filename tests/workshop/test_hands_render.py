"""The drawn hands carry the truth they claim."""

import cv2
import numpy as np
import pytest
from workshop.hands import KINDS, POSES, STYLES, render_hand, render_pair, sample_hand
from workshop.hands.flesh import flesh_out
from workshop.hands.gbuffer import View, frame_body, look

SIZE = 96


def test_the_same_seed_gives_the_same_picture() -> None:
    first = render_hand(11, kind="extra", size=SIZE)
    second = render_hand(11, kind="extra", size=SIZE)

    np.testing.assert_array_equal(first.pixels, second.pixels)
    np.testing.assert_array_equal(first.digit_masks, second.digit_masks)
    np.testing.assert_array_equal(first.joints, second.joints)


def test_different_seeds_give_different_pictures() -> None:
    first, second = render_hand(1, size=SIZE), render_hand(2, size=SIZE)

    assert np.abs(first.pixels.astype(int) - second.pixels).mean() > 5


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_and_marked(kind: str) -> None:
    hand = render_hand(5, kind=kind, size=SIZE)

    assert hand.kind == kind
    assert hand.pixels.shape == (SIZE, SIZE, 3)
    assert hand.pixels.dtype == np.uint8
    assert hand.flaw.any() == (kind != "ok")
    assert hand.digits == len(hand.digit_masks) == len(hand.joints) == len(hand.names)
    assert hand.visible_digits <= hand.digits


@pytest.mark.parametrize("style", STYLES)
def test_every_style_is_drawn(style: str) -> None:
    hand = render_hand(8, style=style, size=SIZE)

    assert hand.style == style
    assert hand.pixels.std() > 4


@pytest.mark.parametrize("pose", POSES)
def test_every_pose_shows_a_hand_of_sane_size(pose: str) -> None:
    hands = [render_hand(seed, pose=pose, size=SIZE) for seed in (1, 2, 3)]

    for hand in hands:
        assert 0.04 < hand.hand.mean() < 0.85
        assert not (hand.hand & ~hand.skin).any()


@pytest.mark.parametrize(
    ("kind", "counts"),
    [
        ("ok", {5}),
        ("extra", {6, 7}),
        ("missing", {3, 4}),
        ("two_thumbs", {6}),
        ("fork", {6}),
        ("growth", {6}),
        ("short", {5}),
        ("bend", {5}),
    ],
)
def test_the_count_of_digits_is_what_the_kind_says(kind: str, counts: set[int]) -> None:
    drawn = {sample_hand(np.random.default_rng(seed), kind).count for seed in range(30)}

    assert drawn == counts


def test_a_spread_hand_shows_one_connected_region_per_digit() -> None:
    counted = []
    for seed in range(12):
        kind = ("ok", "missing")[seed % 2]
        spec = sample_hand(np.random.default_rng(seed), kind, "spread")
        body = flesh_out(spec)
        view = View(yaw=0.0, pitch=0.0, roll=0.0, distance=70, fill=0.8, shift=(0, 0))
        g = look(body, frame_body(body, view, 192), 192, np.array([0, 0.5, 1.0]), 1.0)

        tips = g.instances().any(axis=0) & (g.bone == 2)
        regions = cv2.connectedComponentsWithStats(tips.astype(np.uint8))[2][1:]
        counted.append(((regions[:, cv2.CC_STAT_AREA] > 12).sum(), spec.count))

    assert all(seen == true for seen, true in counted)


def test_digits_never_share_a_pixel() -> None:
    hand = render_hand(21, kind="melt", size=SIZE)

    assert hand.digit_masks.sum(axis=0).max() <= 1


@pytest.mark.parametrize("kind", ["extra", "short", "bend", "two_thumbs"])
def test_a_pair_differs_only_near_its_flaw(kind: str) -> None:
    flawed, twin = render_pair(31, kind=kind, pose="open", style="photo", size=160)

    near = cv2.dilate(flawed.flaw.astype(np.uint8), np.ones((25, 25))) > 0
    apart = np.abs(flawed.pixels.astype(int) - twin.pixels).max(axis=2)
    assert apart[flawed.flaw].mean() > 6
    assert np.quantile(apart[~near], 0.97) <= 6
    np.testing.assert_array_equal(flawed.flaw, twin.flaw)
    assert (twin.kind, twin.digits) == ("ok", 5)


def test_a_transparent_hand_covers_its_own_mask() -> None:
    hand = render_hand(4, size=SIZE, transparent=True)

    assert hand.alpha is not None
    assert hand.alpha[hand.hand].min() > 0.3
    assert hand.alpha.min() == 0.0


def test_a_given_background_is_seen_behind_the_hand() -> None:
    green = np.full((SIZE, SIZE, 3), (20, 200, 40), np.uint8)

    hand = render_hand(4, size=SIZE, background=green, transparent=True, style="photo")

    assert hand.alpha is not None
    behind = hand.pixels[hand.alpha == 0].astype(int)
    assert (behind[:, 1] > behind[:, 0] + 60).mean() > 0.9


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="extra"):
        render_hand(1, kind="tentacle", size=SIZE)
    with pytest.raises(ValueError, match="relaxed"):
        render_hand(1, pose="handstand", size=SIZE)
    with pytest.raises(ValueError, match="anime"):
        render_hand(1, style="cubist", size=SIZE)
    with pytest.raises(ValueError, match="render_hand"):
        render_pair(1, kind="ok", size=SIZE)
