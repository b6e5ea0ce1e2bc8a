from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage

from detectors.arrays import RgbArray
from detectors.findings import Finding
from detectors.geometry import Box
from detectors.quality import KINDS, QualityDetector, build, information
from pipeline.settings import QualitySettings

PHOTOGRAPHS = sorted(
    path
    for path in (Path(skimage.__file__).parent / "data").iterdir()
    if path.suffix in {".png", ".jpg"}
)


@pytest.fixture
def quality() -> QualityDetector:
    return build(**QualitySettings().model_dump())


def _read(path: Path) -> RgbArray:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    assert picture is not None
    pixels: RgbArray = picture.astype(np.uint8)
    return pixels


def _astronaut() -> RgbArray:
    return _read(next(path for path in PHOTOGRAPHS if path.stem == "astronaut"))


def _kinds(found: list[Finding]) -> list[str]:
    return [one.kind for one in found]


def test_a_black_picture_is_an_error_and_nothing_else(quality: QualityDetector) -> None:
    pixels = np.full((64, 64, 3), 1, np.uint8)

    found = quality.inspect(pixels)

    assert _kinds(found) == ["image/black"]
    assert found[0].box == Box(0, 0, 64, 64)
    assert found[0].confidence > 0.9


def test_a_picture_of_one_colour_is_blank(quality: QualityDetector) -> None:
    pixels = np.full((64, 64, 3), (20, 120, 250), np.uint8)

    assert _kinds(quality.inspect(pixels)) == ["image/blank"]


def test_grain_without_a_subject_is_uniform(quality: QualityDetector) -> None:
    grain = np.random.default_rng(1).normal(128, 2.0, (64, 64, 3))

    assert _kinds(quality.inspect(grain.round().astype(np.uint8))) == ["image/uniform"]


@pytest.mark.parametrize("path", PHOTOGRAPHS, ids=lambda path: path.stem)
def test_installed_pictures_raise_no_alarm(
    quality: QualityDetector, path: Path
) -> None:
    found = quality.inspect(_read(path))

    assert set(_kinds(found)) <= {"image/odd-size", "image/odd-aspect"}


@pytest.mark.parametrize("sigma_px", [3.0, 4.0, 6.0])
def test_a_photograph_out_of_focus_is_blurred(
    quality: QualityDetector, sigma_px: float
) -> None:
    pixels = cv2.GaussianBlur(_astronaut(), (0, 0), sigma_px)

    assert _kinds(quality.inspect(pixels)) == ["image/blurred"]


@pytest.mark.parametrize("sigma_px", [8.0, 12.0, 16.0])
def test_a_blur_so_wide_that_only_rounding_has_edges_is_blurred(
    quality: QualityDetector, sigma_px: float
) -> None:
    pixels = cv2.GaussianBlur(_astronaut(), (0, 0), sigma_px)

    assert _kinds(quality.inspect(pixels)) == ["image/blurred"]


def test_the_sharper_of_two_photographs_is_less_sure_to_be_blurred(
    quality: QualityDetector,
) -> None:
    odds = [
        quality.inspect(cv2.GaussianBlur(_astronaut(), (0, 0), sigma))[0].confidence
        for sigma in (2.5, 3.0, 5.0)
    ]

    assert odds == sorted(odds)


def test_a_sharp_subject_before_a_soft_background_is_not_blurred(
    quality: QualityDetector,
) -> None:
    pixels = cv2.GaussianBlur(_astronaut(), (0, 0), 6.0)
    pixels[40:200, 150:300] = _astronaut()[40:200, 150:300]

    assert _kinds(quality.inspect(pixels)) == []


def test_flat_art_with_clean_outlines_is_not_blurred(quality: QualityDetector) -> None:
    pixels = np.full((256, 256, 3), (250, 220, 200), np.uint8)
    for number in range(6):
        centre = (40 + 35 * number, 128 + 20 * (number % 2))
        cv2.circle(pixels, centre, 30, (90, 60 + 30 * number, 160), -1, cv2.LINE_AA)
        cv2.circle(pixels, centre, 30, (20, 10, 10), 2, cv2.LINE_AA)

    assert _kinds(quality.inspect(pixels)) == []


def test_a_picture_darkened_to_a_twentieth_is_dark(quality: QualityDetector) -> None:
    pixels = (_astronaut() // 16).astype(np.uint8)

    assert "image/dark" in _kinds(quality.inspect(pixels))


def test_a_night_scene_with_lights_is_not_dark(quality: QualityDetector) -> None:
    pixels = (_astronaut() // 16).astype(np.uint8)
    for number in range(8):
        cv2.circle(pixels, (40 + 60 * number, 90), 12, (255, 230, 170), -1)

    assert "image/dark" not in _kinds(quality.inspect(pixels))


def test_a_washed_out_picture_is_bright(quality: QualityDetector) -> None:
    pixels = (235 + _astronaut() // 13).astype(np.uint8)

    assert "image/bright" in _kinds(quality.inspect(pixels))


def test_a_size_that_models_cannot_work_at_is_noted(quality: QualityDetector) -> None:
    pixels = cv2.resize(_astronaut(), (513, 512))

    found = quality.inspect(pixels)

    assert _kinds(found) == ["image/odd-size"]
    assert found[0].message == "513x512, not a multiple of 8"


def test_a_long_strip_is_noted(quality: QualityDetector) -> None:
    pixels = cv2.resize(_astronaut(), (640, 128))

    assert "image/odd-aspect" in _kinds(quality.inspect(pixels))


def test_no_kind_is_for_repainting() -> None:
    assert not any(kind.mend for kind in KINDS.values())


def test_few_grey_levels_hold_little_information(quality: QualityDetector) -> None:
    pixels = np.full((128, 128, 3), 250, np.uint8)
    pixels[40:60, 20:70] = (30, 60, 90)

    (found,) = quality.inspect(pixels)

    assert found.kind == "image/low-information"
    assert found.message == "0.3 bits a pixel"
    assert KINDS[found.kind].severity.name == "NOTE"


def test_information_counts_the_bits_of_the_grey_levels() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    every_level_once = np.repeat(levels[..., None], 3, axis=2)

    assert information(every_level_once) == pytest.approx(8.0)
    assert information(np.zeros((16, 16, 3), np.uint8)) == 0.0


def test_photographs_hold_information(quality: QualityDetector) -> None:
    kinds = {kind for path in PHOTOGRAPHS for kind in _kinds(_found(quality, path))}

    assert "image/low-information" not in kinds


def test_grey_is_a_flaw_only_where_colour_is_expected() -> None:
    options = QualitySettings().model_dump()
    colour = _astronaut()
    grey = np.repeat(colour.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    expecting = build(**{**options, "expect_colour": True})

    assert "image/grey" in _kinds(expecting.inspect(grey))
    assert "image/grey" not in _kinds(expecting.inspect(colour))
    assert "image/grey" not in _kinds(build(**options).inspect(grey))


def test_a_little_colour_is_colour() -> None:
    options = {**QualitySettings().model_dump(), "expect_colour": True}
    pixels = _astronaut()
    grey = np.repeat(pixels.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    grey[100:160, 100:160, 0] = 255

    assert "image/grey" not in _kinds(build(**options).inspect(grey))


def _found(quality: QualityDetector, path: Path) -> list[Finding]:
    return quality.inspect(_read(path))
