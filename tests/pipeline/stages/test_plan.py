"""What an engine is shown: AUTOMATIC1111's geometry, and the choice of mode."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from detectors.findings import Finding
from detectors.geometry import Box, Size
from pipeline.records import Patch
from pipeline.settings import ChooseSettings, KindPlan, PlanSettings
from pipeline.stages.plan import (
    FREE_CONTEXT_PX,
    Engine,
    Frame,
    content_for,
    frame,
    grown_to_ratio,
    near_native,
    only_masked,
    plan_for,
    strengths,
    widest_blur_px,
)

SQUARE_PX = 64


def _patch(**kinds: float) -> Patch:
    """Return a patch with findings of such kinds and confidences."""
    box = Box(0, 0, SQUARE_PX, SQUARE_PX)
    mask = np.ones((SQUARE_PX, SQUARE_PX), dtype=np.bool_)
    found = tuple(
        Finding("any", kind.replace("_", "/"), box, sure)
        for kind, sure in kinds.items()
    )
    return Patch(0, box, mask, found)


OWN = PlanSettings(
    strength=0.7,
    variations=3,
    by_kind={
        "face": KindPlan(strength=0.4, mask_blur_px=8),
        "hand/extra-digit": KindPlan(variations=9),
    },
)


@pytest.mark.parametrize(
    ("kinds", "strength", "variations", "blur_px"),
    [
        ({"hand_malformed": 0.9}, 0.7, 3, 4),
        ({"hand_extra-digit": 0.9}, 0.7, 9, 4),
        ({"face_small": 0.9}, 0.4, 3, 8),
        ({"segment_left-face": 0.9}, 0.4, 3, 8),
        ({"face_small": 0.5, "hand_extra-digit": 0.9}, 0.7, 9, 4),
        ({"face_small": 0.5, "hand_malformed": 0.9}, 0.4, 3, 8),
        ({}, 0.7, 3, 4),
    ],
)
def test_a_kind_may_have_settings_of_its_own(
    kinds: dict[str, float], strength: float, variations: int, blur_px: int
) -> None:
    own = plan_for(_patch(**kinds), OWN)

    assert (own.strength, own.variations) == (strength, variations)
    assert own.mask_blur_px == blur_px
    assert own.padding_px == OWN.padding_px


def test_regions_keep_apart_by_the_widest_blur() -> None:
    assert widest_blur_px(OWN) == 8
    assert widest_blur_px(PlanSettings(mask_blur_px=9, by_kind=OWN.by_kind)) == 9
    assert widest_blur_px(PlanSettings()) == 4


@pytest.mark.parametrize(
    ("strength", "rules", "expected"),
    [
        (0.75, {}, (0.75, 0.85, 0.65)),
        (0.95, {}, (0.95, 1.0, 0.85)),
        (0.3, {}, (0.3, 0.4)),
        (1.0, {}, (1.0, 0.9)),
        (0.5, {"retry_steps": ()}, (0.5,)),
    ],
)
def test_retries_stay_within_bounds(
    strength: float, rules: dict[str, Any], expected: tuple[float, ...]
) -> None:
    assert strengths(strength, ChooseSettings(**rules)) == expected


SD15 = Engine(native_px=512, size_multiple=8)
FREE = Engine(native_px=None, size_multiple=1)
PICTURE = Size(1000, 800)
SQUARE = Size(512, 512)


# Worked out by hand from AUTOMATIC1111's rules: pad, clip, grow the short side (low end
# takes the smaller half), shift inside, clip.
@pytest.mark.parametrize(
    ("touched", "window"),
    [
        (Box(90, 190, 170, 270), Box(58, 158, 202, 302)),
        (Box(90, 190, 210, 240), Box(58, 123, 242, 307)),
        (Box(90, 0, 210, 40), Box(58, 0, 242, 184)),
        (Box(900, 300, 1000, 420), Box(816, 268, 1000, 452)),
        (Box(90, 760, 211, 800), Box(58, 615, 243, 800)),
        (Box(100, 100, 900, 200), Box(68, 0, 932, 800)),
    ],
)
def test_only_masked_cuts_out_what_automatic1111_cuts_out(
    touched: Box, window: Box
) -> None:
    assert only_masked(touched, PICTURE, 32, (512, 8))[0] == window


def test_an_odd_pixel_goes_to_the_high_side() -> None:
    grown = grown_to_ratio(Box(100, 100, 121, 110), SQUARE, PICTURE)

    assert grown == Box(100, 95, 121, 116)


@given(
    width=st.integers(64, 1200),
    height=st.integers(64, 1200),
    padding=st.integers(0, 64),
    corner=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    extent=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_the_window_lies_inside_holds_the_mask_and_has_the_ratio_where_it_can(
    width: int,
    height: int,
    padding: int,
    corner: tuple[float, float],
    extent: tuple[float, float],
) -> None:
    x0, y0 = int(corner[0] * (width - 1)), int(corner[1] * (height - 1))
    x1 = x0 + 1 + int(extent[0] * (width - x0 - 1))
    y1 = y0 + 1 + int(extent[1] * (height - y0 - 1))
    touched, size = Box(x0, y0, x1, y1), Size(width, height)

    window, working = only_masked(touched, size, padding, (512, 8))

    assert window.clipped(size) == window
    assert window.union(touched) == window
    cut_short = min(window.width, window.height)
    reached = abs(window.width - window.height) <= 1
    assert reached or cut_short == min(width, height)
    assert working.width % 8 == working.height % 8 == 0


@given(st.integers(16, 3000), st.integers(16, 3000), st.sampled_from([512, 768, 1024]))
def test_a_whole_picture_is_painted_near_native(
    width: int, height: int, native: int
) -> None:
    working = near_native(Size(width, height), native, 8)

    assert working.width % 8 == working.height % 8 == 0
    assert native / 2 - 4 <= min(working) <= max(working) <= native * 2
    assume(max(width / height, height / width) <= 4)
    assert 0.74 <= working.width * working.height / native**2 <= 1.61
    assert working.width / working.height == pytest.approx(width / height, rel=0.05)


@pytest.mark.parametrize(
    "size", [Size(512, 512), Size(512, 768), Size(640, 448), Size(768, 512)]
)
def test_a_picture_that_the_model_can_paint_keeps_its_size(size: Size) -> None:
    assert near_native(size, 512, 8) == size


def test_a_long_strip_of_about_the_native_area_is_still_bounded() -> None:
    assert max(near_native(Size(376, 3000), 1024, 8)) <= 2048


def test_an_odd_size_is_painted_at_the_next_divisible_one() -> None:
    assert near_native(Size(513, 513), 512, 8) == Size(512, 512)


def _frame(touched: Box, share: float, size: Size = PICTURE, **settings: Any) -> Frame:
    return frame(touched, share, size, PlanSettings(**settings), SD15)


def test_a_small_region_is_cut_out_and_the_reason_has_the_numbers() -> None:
    chosen = _frame(Box(90, 190, 170, 270), 0.008)

    assert chosen.mode == "only-masked"
    assert chosen.working == Size(512, 512)
    assert "0.8%" in chosen.reason
    assert "3.56 of its size" in chosen.reason


def test_a_large_region_is_painted_with_the_whole_picture() -> None:
    chosen = _frame(Box(50, 50, 950, 750), 0.6)

    assert chosen.mode == "whole-picture"
    assert chosen.window == Box.whole(PICTURE)
    assert "60.0%" in chosen.reason


def test_a_large_region_is_cut_out_where_the_whole_would_lose_too_much() -> None:
    chosen = _frame(Box(300, 100, 900, 700), 0.36, Size(2000, 900), whole_min_scale=0.7)

    assert chosen.mode == "only-masked"
    assert "under 70% of the cut-out's" in chosen.reason


@pytest.mark.parametrize("mode", ["only-masked", "whole-picture"])
def test_a_mode_that_is_asked_for_is_taken(mode: str) -> None:
    small = _frame(Box(90, 190, 170, 270), 0.008, mode=mode)
    large = _frame(Box(50, 50, 950, 750), 0.6, mode=mode)

    assert {small.mode, large.mode} == {mode}
    assert "plan.mode" in small.reason


def test_a_cut_out_of_the_whole_picture_is_the_whole_picture() -> None:
    chosen = _frame(Box(20, 20, 100, 100), 0.1, Size(128, 128))

    assert chosen.mode == "whole-picture"
    assert chosen.window == Box(0, 0, 128, 128)


def test_a_cut_out_that_would_be_coarser_than_the_whole_is_not_made() -> None:
    size = Size(640, 640)

    chosen = _frame(Box(166, 62, 520, 639), 0.29, size)

    assert chosen.mode == "whole-picture"
    assert chosen.working == size
    assert "no coarser" in chosen.reason


def test_a_narrow_picture_is_not_stretched() -> None:
    chosen = _frame(Box(300, 10, 500, 150), 0.1, Size(800, 160))

    assert chosen.window == Box(268, 0, 532, 160)
    ratio = chosen.working.width / chosen.working.height
    assert ratio == pytest.approx(264 / 160, rel=0.03)


def test_a_working_size_of_the_users_own_is_taken() -> None:
    chosen = _frame(Box(90, 190, 170, 270), 0.008, working_px=770)

    assert chosen.working == Size(768, 768)


def test_an_engine_of_any_size_gets_generous_surroundings_at_their_own_size() -> None:
    touched = Box(300, 300, 340, 350)

    chosen = frame(touched, 0.003, PICTURE, PlanSettings(), FREE)

    assert chosen.window == touched.grown(FREE_CONTEXT_PX).clipped(PICTURE)
    assert chosen.working == chosen.window.size
    assert chosen.mode == "only-masked"


def test_what_is_removed_starts_from_its_own_content() -> None:
    settings = PlanSettings(masked_content="original", removal_content="fill")

    assert content_for("redraw", settings) == "original"
    assert content_for("remove", settings) == "fill"
