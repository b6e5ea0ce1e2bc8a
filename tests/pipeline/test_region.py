"""A patch is cut out so that its soft edge is that of the whole picture."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.geometry import Box, Size
from pipeline.records import Patch
from pipeline.region import cut_out, moved, pasted
from pipeline.settings import PlanSettings
from pipeline.stages.blend import blend, cover_for
from pipeline.stages.plan import Engine
from tests.support.checks import assert_same_outside
from tests.support.fakes import mask_of
from tests.support.pictures import draw_scene

SD15 = Engine(512, 8)


def _patch(box: Box) -> Patch:
    return Patch(0, box, np.ones((box.height, box.width), dtype=np.bool_), ())


@settings(deadline=None, max_examples=60)
@given(
    corner=st.tuples(st.integers(0, 138), st.integers(0, 88)),
    extent=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    blur_px=st.integers(0, 8),
    padding_px=st.integers(0, 40),
)
def test_the_soft_edge_is_the_one_of_the_whole_picture(
    corner: tuple[int, int], extent: tuple[int, int], blur_px: int, padding_px: int
) -> None:
    size = Size(140, 90)
    x, y = corner
    box = Box(x, y, x + extent[0], y + extent[1]).clipped(size)
    plan = PlanSettings(mask_blur_px=blur_px, padding_px=padding_px)

    region = cut_out(_patch(box), draw_scene(*size), plan, SD15)

    expected = cover_for(mask_of(size, box), blur_px, region.frame.mode)
    window = region.frame.window
    np.testing.assert_array_equal(region.cover, expected[window.rows, window.columns])
    assert not (moved(region.cover, window, Box.whole(size)) != expected).any()
    assert region.touched.union(box) == region.touched
    assert region.mask.sum() == box.area


@pytest.mark.parametrize("size", [Size(513, 513), Size(511, 767), Size(97, 1203)])
@pytest.mark.parametrize("engine", [SD15, Engine(1024, 64), Engine(None, 1)])
@pytest.mark.parametrize("share", [0.1, 0.8])
def test_pixels_outside_the_cover_stay_at_any_size_and_in_either_mode(
    size: Size, engine: Engine, share: float
) -> None:
    picture = draw_scene(*size)
    box = Box(
        5, 7, 5 + int(share * (size.width - 6)), 7 + int(share * (size.height - 8))
    )
    region = cut_out(_patch(box), picture, PlanSettings(), engine)
    painted = np.random.default_rng(1).integers(
        0, 256, region.pixels.shape, dtype=np.uint8
    )

    mixed = blend(region.pixels, painted, region.cover)
    result = pasted(picture, Box.whole(size), mixed, region.frame.window)

    assert result.shape == picture.shape
    covered = cover_for(mask_of(size, box), 4, region.frame.mode) > 0
    assert_same_outside(covered, picture, result)
    assert region.frame.working.width % engine.size_multiple == 0
    assert region.frame.working.height % engine.size_multiple == 0


def test_an_engine_that_fills_holes_leaves_no_ghost_at_the_edge() -> None:
    size, box = Size(140, 90), Box(40, 30, 80, 60)

    filled = cut_out(_patch(box), draw_scene(*size), PlanSettings(), Engine(None, 1))
    drawn = cut_out(_patch(box), draw_scene(*size), PlanSettings(), Engine(64, 8))

    assert filled.frame.mode == "only-masked"
    middle = 45 - filled.frame.window.y0
    assert filled.cover[middle][filled.mask[middle]].min() == 1.0
    middle = 45 - drawn.frame.window.y0
    assert drawn.cover[middle][drawn.mask[middle]].min() < 0.6


def test_what_was_not_there_is_nothing() -> None:
    array = np.ones((2, 2), dtype=np.float32)

    result = moved(array, Box(4, 4, 6, 6), Box(5, 5, 8, 9))

    assert result.shape == (4, 3)
    assert result.sum() == 1
    assert result[0, 0] == 1


def test_pasting_does_not_change_what_it_is_pasted_on() -> None:
    under = np.zeros((3, 3), dtype=np.uint8)

    result = pasted(
        under, Box(0, 0, 3, 3), np.full((2, 2), 7, np.uint8), Box(2, 2, 4, 4)
    )

    assert under.sum() == 0
    assert result[2, 2] == result.sum() == 7
