"""Seam, drift and blur: what shows beside the flaw."""

import cv2
import numpy as np
import pytest

from detectors.arrays import CoverArray, RgbArray, size_of
from detectors.geometry import Box, Size
from pipeline.changes import DETAIL_PX, blur, drift, lab, seam
from pipeline.grain import grain_of, grained
from pipeline.squares import LUMA
from pipeline.stages.blend import blend, cover_for
from tests.support.checks import decoded
from tests.support.fakes import mask_of
from tests.support.photographs import ROOT
from tests.support.pictures import draw_scene

SIZE = Size(160, 120)
PLACE = Box(50, 40, 100, 80)


def _cover(blur_px: int = 4) -> CoverArray:
    return cover_for(mask_of(SIZE, PLACE), blur_px, "only-masked")


def _flat(lightness: int) -> RgbArray:
    return np.full((SIZE.height, SIZE.width, 3), lightness, dtype=np.uint8)


def _scene() -> RgbArray:
    return draw_scene(SIZE.width, SIZE.height)


def test_an_unchanged_picture_has_neither_seam_nor_drift() -> None:
    scene = _scene()

    assert seam(scene, scene.copy(), _cover()) == 0.0
    assert drift(scene, scene.copy(), _cover()) == 0.0
    assert blur(scene, scene.copy(), _cover()) == 0.0


def test_an_empty_cover_has_neither() -> None:
    nothing = np.zeros((SIZE.height, SIZE.width), dtype=np.float32)

    assert seam(_flat(90), _flat(120), nothing) == 0.0
    assert drift(_flat(90), _flat(120), nothing) == 0.0
    assert blur(_grain(80), _flat(120), nothing) == 0.0


def test_lightness_is_measured_as_cie_defines_it() -> None:
    grey = _flat(119)  # sRGB 119 is L* 50.03 (IEC 61966-2-1 and CIE 15)

    assert lab(grey)[0, 0] == pytest.approx((50.03, 0.0, 0.0), abs=0.3)


@pytest.mark.parametrize("blur_px", [0, 2, 4, 8])
def test_a_step_of_20_along_the_whole_edge_is_a_seam_of_1(blur_px: int) -> None:
    cover = _cover(blur_px)
    before = _flat(119)  # L* 50.0
    after = blend(before, _flat(169), cover)  # sRGB 169 is L* 69.2

    assert seam(before, after, cover) == pytest.approx(0.96, abs=0.06)


def test_a_step_that_was_there_before_is_no_seam() -> None:
    cover = _cover()
    before = blend(_flat(119), _flat(169), cover)

    assert seam(before, before.copy(), cover) == 0.0


def test_taking_a_step_away_is_no_seam() -> None:
    cover = _cover()
    before = blend(_flat(119), _flat(169), cover)

    assert seam(before, _flat(119), cover) < 0.02


def test_a_darker_seam_shows_more() -> None:
    cover, before = _cover(), _scene()
    shifted = [(before * factor).astype(np.uint8) for factor in (0.95, 0.85, 0.7)]

    seams = [seam(before, blend(before, after, cover), cover) for after in shifted]

    assert seams == sorted(seams)
    assert seams[0] < 0.25 < seams[2]


def test_new_texture_of_the_same_colour_is_hardly_a_seam() -> None:
    cover, rng = _cover(), np.random.default_rng(5)
    noise = rng.normal(0, 12, (2, SIZE.height, SIZE.width, 1))
    before = (_flat(119) + noise[0]).clip(0, 255).astype(np.uint8)
    after = (_flat(119) + noise[1]).clip(0, 255).astype(np.uint8)

    assert seam(before, blend(before, after, cover), cover) < 0.12


def test_a_cover_up_to_the_pictures_border_is_measured_along_the_rest() -> None:
    cover = cover_for(mask_of(SIZE, Box(0, 0, 60, 60)), 4, "only-masked")
    before = _flat(119)

    assert seam(before, blend(before, _flat(169), cover), cover) > 0.8


def test_a_cover_of_everything_has_no_edge() -> None:
    cover = np.ones((SIZE.height, SIZE.width), dtype=np.float32)

    assert seam(_flat(90), _flat(120), cover) == 0.0


def test_a_shift_of_light_drifts_by_its_difference() -> None:
    cover = np.ones((SIZE.height, SIZE.width), dtype=np.float32)

    assert drift(_flat(119), _flat(169), cover) == pytest.approx(0.192, abs=0.005)


def test_fine_detail_does_not_drift() -> None:
    cover = _cover()
    checks = _flat(119)
    checks[::2, ::2], checks[1::2, 1::2] = 139, 139
    checks[1::2, ::2], checks[::2, 1::2] = 98, 98

    assert drift(_flat(119), blend(_flat(119), checks, cover), cover) < 0.01


def test_a_shift_of_hue_drifts() -> None:
    cover, before = _cover(), _scene()
    warm = before.astype(np.int16) + np.array([25, 0, -25])
    after = blend(before, warm.clip(0, 255).astype(np.uint8), cover)

    assert drift(before, after, cover) > 0.04


def _grain(depth: float) -> RgbArray:
    rng = np.random.default_rng(3)
    noise = rng.standard_normal((SIZE.height, SIZE.width, 1))
    return np.repeat(np.clip(128 + depth * noise, 0, 255), 3, axis=2).astype(np.uint8)


@pytest.mark.parametrize("octaves", [1, 2])
def test_half_of_the_detail_is_one_octave(octaves: int) -> None:
    lost = blur(_grain(32), _grain(32 / 2**octaves), _cover())

    assert lost == pytest.approx(octaves, abs=0.1)


def test_detail_that_is_gained_is_no_blur() -> None:
    assert blur(_grain(8), _grain(32), _cover()) == 0.0


def test_what_cannot_be_told_from_rounding_is_not_lost() -> None:
    rng = np.random.default_rng(5)
    grey = rng.integers(119, 121, (SIZE.height, SIZE.width, 1))
    rounded = np.repeat(grey, 3, axis=2).astype(np.uint8)

    assert blur(rounded, _flat(119), _cover()) < 0.6


def test_a_wider_gaussian_loses_more_whatever_is_outside_of_the_cover() -> None:
    scene, cover = _scene(), _cover()
    softer = [cv2.GaussianBlur(scene, (0, 0), sigma) for sigma in (1, 2, 3)]
    elsewhere = np.where(cover[..., None] > 0, scene, softer[2])

    lost = [blur(scene, after, cover) for after in softer]

    assert lost == sorted(lost)
    assert 0.3 < lost[0] < 1.0 < lost[2]
    assert blur(scene, elsewhere, cover) < 0.1


HANDS = {
    "odd-size.png": Box(148, 74, 399, 426),
    "seven-fingers.webp": Box(134, 23, 680, 753),
    "six-fingers.png": Box(100, 269, 242, 510),
    "painted-six.png": Box(29, 278, 123, 418),
}


@pytest.mark.parametrize("name", HANDS)
@pytest.mark.parametrize(
    ("sigma", "least", "most"), [(1, 0.4, 0.7), (2, 0.8, 1.3), (3, 1.1, 1.8)]
)
def test_what_a_gaussian_costs_a_hand(
    name: str, sigma: float, least: float, most: float
) -> None:
    """The figures that the measure and its limit are explained by."""
    hand = decoded((ROOT / "data" / "samples" / name).read_bytes())
    cover = mask_of(size_of(hand), HANDS[name]).astype(np.float32)

    assert least < blur(hand, cv2.GaussianBlur(hand, (0, 0), sigma), cover) < most


def _with_film_grain(pixels: RgbArray, depth: float, seed: int) -> RgbArray:
    source = np.random.default_rng(seed)
    noise = source.standard_normal((*pixels.shape[:2], 1))
    noise = cv2.GaussianBlur(noise, (0, 0), 0.7)[..., None]
    grainy = pixels + depth * noise / noise.std()
    result: RgbArray = np.rint(grainy.clip(0, 255)).astype(np.uint8)
    return result


@pytest.mark.parametrize("depth", [4, 8])
@pytest.mark.parametrize("name", HANDS)
def test_grain_hides_less_of_what_softens_beneath_it(name: str, depth: float) -> None:
    hand = decoded((ROOT / "data" / "samples" / name).read_bytes())
    soft = cv2.GaussianBlur(hand, (0, 0), 2)
    cover = mask_of(size_of(hand), HANDS[name]).astype(np.float32)
    before, after = (
        _with_film_grain(pixels, depth, seed)
        for seed, pixels in enumerate((hand, soft))
    )
    grain = grain_of(before)

    without_grain = blur(hand, soft, cover)
    as_detail, beneath = (blur(before, after, cover, of) for of in (None, grain))

    assert 1.2 * as_detail < beneath < without_grain
    assert blur(before, before.copy(), cover, grain) == 0.0


@pytest.mark.parametrize("depth", [3, 6])
def test_grain_drawn_anew_is_no_lost_detail(depth: float) -> None:
    smooth, cover = _flat(119), _cover()
    before = _with_film_grain(smooth, depth, 1)
    grain = grain_of(before)
    assert grain is not None

    after = grained(smooth, cover, grain, 1.0, seed=3)

    assert blur(before, after, cover, grain) < 0.35
    assert blur(before, smooth, cover) > 1.0


def test_the_bands_of_grain_are_those_of_what_is_drawn_from_it() -> None:
    grain = grain_of(_with_film_grain(_flat(119), 5, 1))
    assert grain is not None
    smooth, cover = _flat(119), np.ones((SIZE.height, SIZE.width), np.float32)

    drawn = grained(smooth, cover, grain, 1.0, seed=3).astype(np.float32) @ LUMA
    softer = [cv2.GaussianBlur(drawn, (0, 0), sigma) for sigma in DETAIL_PX]
    bands = np.diff(np.stack([drawn, *softer]), axis=0).astype(np.float64)

    power = (bands**2).mean(axis=(1, 2)) / grain.level_at(np.array([119.0])) ** 2
    assert grain.bands(DETAIL_PX) == pytest.approx(power, rel=0.15)
