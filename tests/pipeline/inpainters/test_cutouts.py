"""To working size and back."""

import numpy as np
import pytest
from PIL import Image

from detectors.geometry import Box, Size
from pipeline.inpainters.cutouts import fit, soft_mask, to_window, to_working
from pipeline.stages.blend import soften
from tests.pipeline.inpainters.requests import hole, stripes


@pytest.mark.parametrize(
    ("window", "content"),
    [
        (Size(100, 60), Box(0, 103, 512, 410)),
        (Size(60, 100), Box(103, 0, 410, 512)),
        (Size(64, 64), Box(0, 0, 512, 512)),
    ],
)
def test_an_only_masked_window_is_fitted_and_centred(
    window: Size, content: Box
) -> None:
    place = fit(window, Size(512, 512), "only-masked")

    assert place.content == content


def test_the_rest_is_the_edge_stretched() -> None:
    place = fit(Size(40, 20), Size(64, 64), "only-masked")

    shown = to_working(stripes(40, 20), place)

    assert shown.shape == (64, 64, 3)
    assert place.content == Box(0, 16, 64, 48)
    np.testing.assert_array_equal(shown[:16], np.repeat(shown[16:17], 16, axis=0))
    np.testing.assert_array_equal(shown[48:], np.repeat(shown[47:48], 16, axis=0))
    expected = Image.fromarray(stripes(40, 20)).resize(
        (64, 32), Image.Resampling.LANCZOS
    )
    np.testing.assert_array_equal(shown[16:48], np.asarray(expected))


def test_a_whole_picture_is_resized_without_a_border() -> None:
    place = fit(Size(513, 513), Size(512, 512), "whole-picture")

    assert place.content == Box(0, 0, 512, 512)


def test_a_window_at_its_own_size_passes_unchanged() -> None:
    place = fit(Size(64, 48), Size(64, 48), "only-masked")

    there = to_working(stripes(), place)

    np.testing.assert_array_equal(to_window(there, place), stripes())


@pytest.mark.parametrize("mode", ["only-masked", "whole-picture"])
@pytest.mark.parametrize("window", [Size(50, 31), Size(31, 50), Size(33, 33)])
def test_what_comes_back_lies_where_it_was(window: Size, mode: str) -> None:
    y, x = np.mgrid[: window.height, : window.width]
    smooth = np.stack([3 * x, 3 * y, x + y], axis=-1).astype(np.uint8)
    place = fit(
        window,
        Size(256, 192),
        "only-masked" if mode == "only-masked" else "whole-picture",
    )

    back = to_window(to_working(smooth, place), place)

    assert back.shape == smooth.shape
    assert np.abs(back.astype(int) - smooth).max() <= 2


@pytest.mark.parametrize("blur_px", [2, 4, 8])
def test_a_straight_edge_grows_as_in_automatic1111(blur_px: int) -> None:
    grown = {2: 5, 4: 10, 8: 20}
    mask = hole(160, 160, (40, 40, 120, 120))

    soft = soft_mask(mask, blur_px)

    columns = np.flatnonzero(soft[80] > 0)
    assert 40 - int(columns[0]) == grown[blur_px]
    assert int(columns[-1]) - 119 == grown[blur_px]


def test_the_two_pixels_at_an_edge_blurred_by_four_are_140_and_115() -> None:
    soft = soft_mask(hole(160, 160, (40, 40, 120, 120)), 4)

    assert abs(int(soft[80, 40]) - 140) <= 1
    assert abs(int(soft[80, 39]) - 115) <= 1


@pytest.mark.parametrize("blur_px", [0, 2, 4, 12])
def test_engines_blur_a_mask_as_the_blending_does(blur_px: int) -> None:
    mask = hole(120, 120, (40, 40, 80, 80)) | hole(120, 120, (90, 50, 93, 53))

    np.testing.assert_array_equal(soft_mask(mask, blur_px), soften(mask, blur_px))


def test_no_blur_leaves_the_mask_hard() -> None:
    assert set(np.unique(soft_mask(hole(), 0))) == {0, 255}
