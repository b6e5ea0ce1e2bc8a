"""The soft edge is AUTOMATIC1111's, and nothing changes where it is 0."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.arrays import MaskArray, RgbArray
from detectors.geometry import Box, Size
from pipeline.records import Candidate, Mode
from pipeline.stages import blend
from tests.support.checks import assert_same_outside
from tests.support.fakes import mask_of


def _half_plane(edge: int = 100) -> MaskArray:
    mask = np.zeros((40, 200), dtype=np.bool_)
    mask[:, :edge] = True
    return mask


# Measured in AUTOMATIC1111 1.10 on a straight edge: how far the blurred mask grows.
@pytest.mark.parametrize(("blur_px", "grown_px"), [(2, 5), (4, 10), (8, 20), (16, 39)])
def test_a_straight_edge_grows_as_far_as_in_automatic1111(
    blur_px: int, grown_px: int
) -> None:
    soft = blend.soften(_half_plane(), blur_px)

    assert np.flatnonzero(soft[20]).max() == 100 + grown_px - 1


def test_the_pixels_beside_an_edge_get_the_values_they_get_in_automatic1111() -> None:
    soft = blend.soften(_half_plane(), 4)

    assert (soft[20, 99], soft[20, 100]) == (140, 115)


@pytest.mark.parametrize("blur_px", [1, 3, 4, 12])
def test_the_softened_mask_is_a_gaussian_blur(blur_px: int) -> None:
    mask = mask_of(Size(120, 90), Box(40, 30, 75, 52))
    reach = int(2.5 * blur_px + 0.5)
    taps = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2.0 * blur_px**2))
    taps /= taps.sum()
    padded = np.pad(mask.astype(float) * 255, reach, mode="reflect")
    across = np.apply_along_axis(np.convolve, 1, padded, taps, mode="valid")
    expected = np.apply_along_axis(np.convolve, 0, across, taps, mode="valid")

    soft = blend.soften(mask, blur_px)

    assert np.abs(soft - expected).max() <= 2.0


def test_only_masked_takes_half_of_the_new_pixel_at_the_edge() -> None:
    cover = blend.cover_for(_half_plane(), 4, "only-masked")

    assert cover[20, 99] == pytest.approx(140 / 255)
    assert cover[20, 60] == 1.0


def test_whole_picture_takes_all_of_the_mask_and_feathers_outside_only() -> None:
    cover = blend.cover_for(_half_plane(), 4, "whole-picture")

    assert cover[20, :100].min() == 1.0
    assert cover[20, 100] == pytest.approx(230 / 255)
    assert 0 < cover[20, 105] < 0.5


@pytest.mark.parametrize("blur_px", [0, 1, 4, 7])
def test_both_modes_touch_the_same_pixels(blur_px: int) -> None:
    mask = mask_of(Size(64, 64), Box(20, 20, 30, 41))

    masked = blend.cover_for(mask, blur_px, "only-masked")
    whole = blend.cover_for(mask, blur_px, "whole-picture")

    np.testing.assert_array_equal(masked > 0, whole > 0)
    reach = blend.reach_px(blur_px)
    assert not (masked > 0)[: 20 - reach].any()


@given(
    width=st.integers(16, 70),
    height=st.integers(16, 70),
    blur_px=st.integers(0, 6),
    mode=st.sampled_from(["only-masked", "whole-picture"]),
    seed=st.integers(0, 2**16),
)
def test_pixels_outside_the_cover_do_not_change(
    width: int, height: int, blur_px: int, mode: Mode, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    before = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    after = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    x, y = int(rng.integers(0, width - 4)), int(rng.integers(0, height - 4))
    cover = blend.cover_for(
        mask_of(Size(width, height), Box(x, y, x + 4, y + 4)), blur_px, mode
    )

    mixed = blend.blend(before, after, cover)

    assert_same_outside(cover > 0, before, mixed)
    np.testing.assert_array_equal(mixed[cover == 1], after[cover == 1])
    low, high = np.minimum(before, after), np.maximum(before, after)
    assert ((mixed >= low) & (mixed <= high)).all()


def test_cut_outs_of_different_sizes_are_refused() -> None:
    pixels = np.zeros((8, 9, 3), dtype=np.uint8)

    with pytest.raises(ValueError, match="cannot mix"):
        blend.blend(pixels, pixels[:7], np.zeros((8, 9), dtype=np.float32))


def _candidate(pixels: RgbArray | None, why: str = "") -> Candidate:
    return Candidate(0, 0, 1, pixels, 0.1, why)


def test_black_missing_and_misshapen_candidates_are_trouble() -> None:
    before = np.full((8, 8, 3), 90, dtype=np.uint8)
    mask = mask_of(Size(8, 8), Box(2, 2, 6, 6))
    black = before.copy()
    black[mask] = 0

    assert blend.trouble_with(_candidate(black), before, mask) == "it came out black"
    assert "8, 7" in blend.trouble_with(_candidate(before[:, :7]), before, mask)
    assert blend.trouble_with(_candidate(None, "NaN"), before, mask) == "NaN"
    assert blend.trouble_with(_candidate(None), before, mask) != ""
    assert blend.trouble_with(_candidate(before), before, mask) == ""


def test_black_over_black_is_no_trouble() -> None:
    before = np.zeros((8, 8, 3), dtype=np.uint8)
    mask = mask_of(Size(8, 8), Box(2, 2, 6, 6))

    assert blend.trouble_with(_candidate(before), before, mask) == ""


def test_what_was_lifted_is_laid_back_to_the_last_bit() -> None:
    rng = np.random.default_rng(5)
    before = rng.integers(0, 256, (12, 9, 3), dtype=np.uint8)
    after = rng.integers(0, 256, (12, 9, 3), dtype=np.uint8)
    cover = np.zeros((12, 9), dtype=np.float32)
    cover[3:7, 2:6], cover[7, 2:6] = 1.0, 0.01
    mixed = blend.blend(before, after, cover)

    again = before.copy()
    blend.lay(again, blend.lifted(mixed, cover))

    np.testing.assert_array_equal(again, mixed)


def test_a_layer_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot lay"):
        blend.lay(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 4), np.uint8))
