import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from pipeline.metadata.orientation import as_stored, upright
from tests.support import pictures


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_as_pillow_turns_them(orientation: int) -> None:
    stored = pictures.draw_scene(20, 12)
    exif = b"Exif\0\0" + pictures.exif_block(orientation)
    file = io.BytesIO(pictures.encoded(stored, "PNG", exif=exif))
    with Image.open(file) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))

    np.testing.assert_array_equal(upright(stored, orientation), expected)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("shape", [(5, 8), (5, 8, 3)])
def test_turning_back_gives_the_stored_pixels(
    orientation: int, shape: tuple[int, ...]
) -> None:
    stored = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)

    again = as_stored(upright(stored, orientation), orientation)

    np.testing.assert_array_equal(again, stored)
    assert again.flags.c_contiguous
