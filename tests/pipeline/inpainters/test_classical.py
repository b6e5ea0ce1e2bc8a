"""The engine without weights."""

import itertools

import cv2
import numpy as np
import pytest

from detectors.arrays import MaskArray, RgbArray
from pipeline.errors import PaintFailed
from pipeline.inpainters.classical import (
    ClassicalInpainter,
    build,
    load_patch_fill,
    plan_fill,
    thickness_px,
)
from pipeline.records import PaintRequest
from pipeline.settings import InpaintSettings
from tests.pipeline.inpainters.requests import hole, request, stripes

SETTINGS = InpaintSettings(engine="classical")


def painted(engine: ClassicalInpainter, asked: PaintRequest) -> list[RgbArray]:
    found = [candidate.pixels for candidate in engine.paint(asked)]
    assert all(pixels is not None for pixels in found)
    return [pixels for pixels in found if pixels is not None]


def test_pixels_where_the_cover_is_zero_do_not_change() -> None:
    asked = request(stripes(), hole(), seeds=tuple(range(9)))

    for pixels in painted(build(SETTINGS), asked):
        outside = asked.cover == 0
        np.testing.assert_array_equal(pixels[outside], asked.pixels[outside])


def test_what_was_in_the_hole_is_gone() -> None:
    pixels = stripes()
    pixels[hole()] = (255, 0, 255)
    asked = request(pixels, hole(), blur_px=0)

    for result in painted(build(SETTINGS), asked):
        magenta = (result[hole()] == (255, 0, 255)).all(axis=-1)
        assert not magenta.any()


def test_each_variation_differs_from_the_others() -> None:
    asked = request(stripes(), hole(), seeds=(1,) * 8)

    results = painted(build(SETTINGS), asked)

    for one, other in itertools.combinations(results, 2):
        apart = np.abs(one[hole()].astype(int) - other[hole()]).mean()
        assert apart > 1.0


def test_a_variation_is_the_same_alone_and_among_others() -> None:
    engine = build(SETTINGS)
    together = painted(engine, request(stripes(), hole(), seeds=(5, 6, 7)))

    alone = painted(engine, request(stripes(), hole(), seeds=(7,), first_number=2))

    np.testing.assert_array_equal(alone[0], together[2])


def test_numbers_seeds_and_patch_are_handed_through() -> None:
    asked = request(stripes(), hole(), seeds=(8, 9), first_number=4, patch=3)

    shown = [(c.patch, c.number, c.seed) for c in build(SETTINGS).paint(asked)]

    assert shown == [(3, 4, 8), (3, 5, 9)]


def test_nothing_is_painted_that_is_not_drawn() -> None:
    calls: list[int] = []

    def fill(
        pixels: RgbArray, hole: MaskArray, taboo: MaskArray, radius: int, seed: int
    ) -> RgbArray:
        calls.append(seed)
        return pixels

    candidates = ClassicalInpainter(SETTINGS, fill).paint(request(stripes(), hole()))
    next(candidates)

    assert calls == [1]


def test_a_line_on_a_smooth_ground_vanishes() -> None:
    ramp = np.linspace(60, 200, 64)[None, :, None].repeat(48, 0).repeat(3, 2)
    clean: RgbArray = ramp.astype(np.uint8)
    line = np.zeros((48, 64), dtype=np.uint8)
    cv2.line(line, (5, 40), (60, 8), 1, 3)
    scratched = clean.copy()
    scratched[line > 0] = 0

    best = painted(build(SETTINGS), request(scratched, line > 0, blur_px=0))[0]

    assert np.abs(best.astype(int) - clean).max() <= 8


def test_thickness_is_that_of_the_widest_place() -> None:
    assert thickness_px(hole(box=(10, 10, 50, 14))) == pytest.approx(4, abs=1)
    assert thickness_px(hole(box=(10, 10, 50, 30))) == pytest.approx(20, abs=1)


def test_every_other_variation_of_a_scratch_is_by_flowing_colours() -> None:
    methods = [plan_fill(number, True, 5).method for number in range(4)]

    assert methods == ["telea", "patchmatch", "navier-stokes", "patchmatch"]


def test_without_patchmatch_opencv_fills_and_the_notes_say_so() -> None:
    engine = ClassicalInpainter(SETTINGS, None)
    asked = request(stripes(), hole(), seeds=(1, 2, 3))

    candidates = list(engine.paint(asked))

    assert engine.name == "classical/telea"
    assert all("not available" in candidate.notes[0] for candidate in candidates)
    results = [candidate.pixels for candidate in candidates]
    assert results[0] is not None
    assert results[1] is not None
    assert not np.array_equal(results[0], results[1])


def test_a_mask_over_everything_is_refused_in_a_sentence() -> None:
    with pytest.raises(PaintFailed, match="nothing to copy from"):
        build(SETTINGS).paint(request(stripes(), np.ones((48, 64), dtype=bool)))


def test_a_blank_mask_is_refused_in_a_sentence() -> None:
    with pytest.raises(PaintFailed, match="blank"):
        list(build(SETTINGS).paint(request(stripes(), np.zeros((48, 64), dtype=bool))))


@pytest.mark.parametrize("side", [16, 17, 24])
def test_the_smallest_cutouts_are_filled_too(side: int) -> None:
    mask = np.ones((side, side), dtype=bool)
    mask[:2] = False
    asked = request(stripes(side, side), mask, seeds=tuple(range(8)))

    assert len(painted(build(SETTINGS), asked)) == 8


def test_patchmatch_is_installed_here() -> None:
    assert load_patch_fill() is not None
