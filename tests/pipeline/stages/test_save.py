import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from detectors.geometry import Box
from pipeline.errors import NotSupported, Unreadable
from pipeline.files import digest_bytes
from pipeline.metadata import Provenance, jpeg, png, read_provenance, webp
from pipeline.records import ImageRef, Picture
from pipeline.settings import LoadSettings
from pipeline.stages.load import load
from pipeline.stages.save import encode
from tests.support import mutations, pictures

BLOT = Box(10, 12, 30, 28)
PROVENANCE = Provenance(version="0.1.0", passes=1)


def open_picture(data: bytes, suffix: str) -> Picture:
    ref = ImageRef(Path("/pictures"), f"a{suffix}", digest_bytes(data))
    return load(ref, data, LoadSettings())


def stored_by_pillow(data: bytes) -> npt.NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def arrays() -> dict[str, npt.NDArray[np.uint8]]:
    scene, alpha = pictures.draw_scene(), pictures.draw_alpha()
    grey = scene[:, :, 1].copy()
    return {
        "L": grey,
        "LA": np.dstack([grey, alpha]),
        "RGB": scene,
        "RGBA": np.dstack([scene, alpha]),
    }


LOSSLESS = [
    *(("PNG", mode, {}) for mode in ("L", "LA", "RGB", "RGBA")),
    *(("WEBP", mode, {"lossless": True, "exact": True}) for mode in ("RGB", "RGBA")),
]


@pytest.mark.parametrize(("kind", "mode", "options"), LOSSLESS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_unchanged_picture_comes_back_with_the_very_pixels_that_were_stored(
    kind: str, mode: str, options: dict[str, Any], orientation: int
) -> None:
    exif = b"Exif\0\0" + pictures.exif_block(orientation)
    data = pictures.encoded(arrays()[mode], kind, exif=exif, **options)
    picture = open_picture(data, "." + kind.lower())

    again = encode(picture, picture.pixels, PROVENANCE)

    assert picture.orientation == orientation
    np.testing.assert_array_equal(stored_by_pillow(again), stored_by_pillow(data))


@pytest.mark.parametrize(("kind", "mode", "options"), LOSSLESS)
def test_only_the_mended_pixels_differ_in_a_lossless_file(
    kind: str, mode: str, options: dict[str, Any]
) -> None:
    data = pictures.encoded(arrays()[mode], kind, **options)
    picture = open_picture(data, "." + kind.lower())
    mended = pictures.with_blot(picture.pixels, BLOT, (90, 90, 90))

    again = open_picture(encode(picture, mended, None), "." + kind.lower())

    np.testing.assert_array_equal(again.pixels, mended)
    assert again.mode == mode
    if picture.alpha is not None:
        np.testing.assert_array_equal(again.alpha, picture.alpha)


def test_colour_under_transparent_pixels_survives() -> None:
    scene = pictures.draw_scene()
    data = pictures.encoded(np.dstack([scene, np.zeros_like(scene[:, :, 0])]), "PNG")
    picture = open_picture(data, ".png")

    again = open_picture(encode(picture, picture.pixels, PROVENANCE), ".png")

    np.testing.assert_array_equal(again.pixels, scene)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_pictures_of_any_size_come_back_exactly(
    width: int, height: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    channels = int(rng.integers(1, 5))
    noise = rng.integers(0, 256, (height, width, channels), dtype=np.uint8)
    data = pictures.encoded(noise[..., 0] if channels == 1 else noise, "PNG")
    picture = open_picture(data, ".png")

    again = encode(picture, picture.pixels, None)

    np.testing.assert_array_equal(stored_by_pillow(again), stored_by_pillow(data))


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("quality", [35, 80, 97])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_keeps_its_tables_its_sampling_and_its_progressive_flag(
    subsampling: int, quality: int, progressive: bool
) -> None:
    data = pictures.encoded(
        pictures.draw_scene(),
        "JPEG",
        quality=quality,
        subsampling=subsampling,
        progressive=progressive,
    )
    picture = open_picture(data, ".jpg")

    again = encode(picture, pictures.with_blot(picture.pixels, BLOT), PROVENANCE)

    before, after = jpeg.split(data), jpeg.split(again)
    assert jpeg.quantisation(after) == jpeg.quantisation(before)
    samplings = [[c[1:3] for c in parts.frame.components] for parts in (before, after)]
    assert samplings[0] == samplings[1]
    assert after.frame.progressive == progressive


@pytest.mark.parametrize("orientation", [1, 3, 6, 7])
def test_a_jpeg_changes_only_around_the_repair(orientation: int) -> None:
    exif = b"Exif\0\0" + pictures.exif_block(orientation)
    data = pictures.encoded(pictures.draw_scene(), "JPEG", quality=80, exif=exif)
    picture = open_picture(data, ".jpg")
    box = Box(18, 20, 26, 30)

    again = open_picture(
        encode(picture, pictures.with_blot(picture.pixels, box), PROVENANCE), ".jpg"
    )

    changed = (again.pixels != picture.pixels).any(axis=2)
    assert changed[box.rows, box.columns].any()
    near = box.grown(17)
    changed[max(near.y0, 0) : near.y1, max(near.x0, 0) : near.x1] = False
    assert not changed.any()


def test_a_jpeg_without_a_change_keeps_its_coded_data() -> None:
    data = pictures.encoded(pictures.draw_scene(), "JPEG", quality=80)
    picture = open_picture(data, ".jpg")

    assert encode(picture, picture.pixels, None) == data


def test_a_jpeg_with_three_tables_keeps_each_of_them() -> None:
    tables = [[step] * 64 for step in (3, 5, 9)]
    data = pictures.encoded(pictures.draw_scene(), "JPEG", qtables=tables)
    picture = open_picture(data, ".jpg")

    again = encode(picture, picture.pixels, PROVENANCE)

    found = jpeg.quantisation(jpeg.split(again))
    assert [list(table) for table in found] == tables


def test_a_grey_jpeg_stays_grey() -> None:
    data = pictures.encoded(pictures.draw_scene()[:, :, 0], "JPEG", quality=90)
    picture = open_picture(data, ".jpg")

    again = encode(picture, picture.pixels, PROVENANCE)

    assert len(jpeg.split(again).frame.components) == 1
    assert open_picture(again, ".jpg").mode == "L"


def test_an_rgb_jpeg_stays_rgb() -> None:
    data = pictures.encoded(pictures.draw_scene(), "JPEG", keep_rgb=True, quality=90)
    picture = open_picture(data, ".jpg")

    again = open_picture(encode(picture, picture.pixels, PROVENANCE), ".jpg")

    assert jpeg.split(again.encoded).is_rgb
    difference = np.abs(again.pixels.astype(int) - picture.pixels)
    assert difference.max() <= 3


def test_a_progressive_jpeg_hardly_changes_outside_the_repair() -> None:
    data = pictures.encoded(
        pictures.draw_scene(), "JPEG", quality=92, subsampling=0, progressive=True
    )
    picture = open_picture(data, ".jpg")

    again = open_picture(encode(picture, picture.pixels, PROVENANCE), ".jpg")

    difference = np.abs(again.pixels.astype(int) - picture.pixels)
    assert difference.mean() < 0.2


@pytest.mark.parametrize("quality", [40, 75, 92])
def test_a_lossy_webp_is_saved_at_a_quality_like_its_own(quality: int) -> None:
    scene = pictures.draw_scene(160, 128)
    data = pictures.encoded(scene, "WEBP", quality=quality)
    picture = open_picture(data, ".webp")

    again = encode(picture, picture.pixels, None)

    assert not webp.split(again).lossless
    assert 0.8 < len(again) / len(data) < 1.3


def test_a_lossy_webp_keeps_its_alpha_exactly() -> None:
    data = pictures.encoded(arrays()["RGBA"], "WEBP", quality=80)
    picture = open_picture(data, ".webp")

    again = open_picture(encode(picture, picture.pixels, PROVENANCE), ".webp")

    np.testing.assert_array_equal(again.alpha, picture.alpha)


@pytest.mark.parametrize("seed", range(2))
def test_whatever_of_a_damaged_file_could_be_loaded_can_be_saved(seed: int) -> None:
    refused = saved = 0
    for suffix, data in mutations.damaged_files(300, seed):
        try:
            picture = open_picture(data, suffix)
        except (Unreadable, NotSupported):
            refused += 1
            continue
        blot = pictures.with_blot(picture.pixels, Box(5, 5, 12, 12))
        assert encode(picture, blot, PROVENANCE)
        saved += 1

    assert refused > 100
    assert saved > 50


def test_the_icc_profile_is_kept() -> None:
    profile = b"a profile of more than one segment" * 4000
    data = pictures.encoded(pictures.draw_scene(), "JPEG", icc_profile=profile)
    picture = open_picture(data, ".jpg")

    again = encode(picture, picture.pixels, PROVENANCE)

    with Image.open(io.BytesIO(again)) as image:
        assert image.info["icc_profile"] == profile


def test_the_own_entry_is_added_and_read_back() -> None:
    data = pictures.encoded(pictures.draw_scene(), "PNG")
    picture = open_picture(data, ".png")

    again = encode(picture, picture.pixels, Provenance(version="0.1.0", passes=3))

    found = read_provenance(again)
    assert found is not None
    assert found.passes == 3
    assert open_picture(again, ".png").past_passes == 3


def test_an_interlaced_png_comes_back_with_the_same_pixels() -> None:
    # Made by hand, as Pillow cannot write it: one pixel is one Adam7 pass.
    ihdr = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 1)
    data = (
        png.SIGNATURE
        + pictures.png_chunk(b"IHDR", ihdr)
        + pictures.png_chunk(b"IDAT", zlib.compress(b"\0\1\2\3"))
        + pictures.png_chunk(b"IEND", b"")
    )
    picture = open_picture(data, ".png")

    again = encode(picture, picture.pixels, None)

    assert stored_by_pillow(again).tolist() == [[[1, 2, 3]]]


def test_a_picture_that_was_opened_for_looking_only_is_not_written() -> None:
    image = Image.fromarray(pictures.draw_scene()).quantize(16)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    data = buffer.getvalue()
    ref = ImageRef(Path("/pictures"), "a.png", digest_bytes(data))
    picture = load(ref, data, LoadSettings(), for_repair=False)

    with pytest.raises(NotSupported, match="no way back"):
        encode(picture, picture.pixels, None)


def test_pixels_of_another_size_are_refused() -> None:
    picture = open_picture(pictures.encoded(pictures.draw_scene(), "PNG"), ".png")

    with pytest.raises(ValueError, match="got"):
        encode(picture, picture.pixels[:-1], None)
