import io
import os
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pipeline.errors import NotSupported, PictureChanged, Unreadable
from pipeline.files import digest_bytes
from pipeline.metadata import Provenance, carry, png
from pipeline.records import Found, ImageRef, Picture
from pipeline.settings import LoadSettings
from pipeline.stages.load import check_unchanged, identify, load
from tests.support import pictures

LIMITS = LoadSettings()
SCENE = pictures.draw_scene(24, 16)
SUFFIX = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp"}
SMALL = {
    "PNG": pictures.encoded(SCENE, "PNG"),
    "JPEG": pictures.encoded(SCENE, "JPEG"),
    "WEBP": pictures.encoded(SCENE, "WEBP", lossless=True),
}


def open_bytes(data: bytes, name: str = "a.png", **options: Any) -> Picture:
    ref = ImageRef(Path("/pictures"), name, digest_bytes(data))
    return load(ref, data, options.pop("limits", LIMITS), **options)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_a_file_is_identified_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/b.png").write_bytes(SMALL["PNG"])

    ref, encoded = identify(Found(tmp_path, "a/b.png"), LIMITS)

    assert encoded == SMALL["PNG"]
    assert ref == ImageRef(tmp_path, "a/b.png", digest_bytes(SMALL["PNG"]))


def test_a_picture_comes_upright_with_its_recipe_and_its_past(tmp_path: Path) -> None:
    exif = b"Exif\0\0" + pictures.exif_block(6)
    data = pictures.with_png_chunks(
        pictures.encoded(SCENE, "PNG", exif=exif),
        pictures.text_chunk("parameters", pictures.PARAMETERS),
    )
    data = carry(data, SMALL["PNG"], Provenance(version="0.1.0", passes=4))

    picture = open_bytes(data)

    np.testing.assert_array_equal(picture.pixels, np.rot90(SCENE, -1))
    assert picture.size == (16, 24)
    assert picture.orientation == 6
    assert picture.recipe.negative_prompt == "blurry, extra fingers"
    assert picture.past_passes == 4
    assert picture.encoded == data


def test_a_name_that_lies_about_the_format_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="name says PNG, but it holds a JPEG"):
        open_bytes(SMALL["JPEG"], "a.png")


@pytest.mark.parametrize("name", ["a.jpg", "a.JPEG", "a.jpe", "a.jfif"])
def test_every_suffix_of_a_jpeg_is_taken(name: str) -> None:
    assert open_bytes(SMALL["JPEG"], name).format == "JPEG"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_cut_at_any_byte_is_unreadable_in_one_sentence(kind: str) -> None:
    data = SMALL[kind]

    for length in range(len(data)):
        with pytest.raises(Unreadable) as caught:
            open_bytes(data[:length], "a" + SUFFIX[kind])
        assert str(caught.value).startswith("a" + SUFFIX[kind])
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_flipped_bit_gives_a_picture_or_one_sentence(kind: str) -> None:
    rng = random.Random(7)
    for _ in range(300):
        flipped = bytearray(SMALL[kind])
        flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
        try:
            picture = open_bytes(bytes(flipped), "a" + SUFFIX[kind])
        except (Unreadable, NotSupported):
            continue
        assert kind != "PNG"
        assert picture.pixels.ndim == 3


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(SMALL)), st.data())
def test_a_picture_with_bytes_put_in_or_left_out_never_crashes(
    kind: str, draw: st.DataObject
) -> None:
    data = SMALL[kind]
    start = draw.draw(st.integers(0, len(data)))
    stop = draw.draw(st.integers(start, min(start + 64, len(data))))
    changed = data[:start] + draw.draw(st.binary(max_size=64)) + data[stop:]

    said = ""
    try:
        picture = open_bytes(changed, "a" + SUFFIX[kind])
        assert picture.pixels.dtype == np.uint8
    except (Unreadable, NotSupported) as error:
        said = str(error)

    assert "\n" not in said


def png_of_size(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        png.SIGNATURE
        + pictures.png_chunk(b"IHDR", header)
        + pictures.png_chunk(b"IDAT", zlib.compress(b"\0"))
        + pictures.png_chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("width", "height"), [(30_000, 30_000), (20_000, 10_000), (2**31 - 1, 1)]
)
def test_a_huge_picture_is_skipped_before_it_is_decoded(
    width: int, height: int
) -> None:
    with pytest.raises(NotSupported, match=r"load\.max_megapixels"):
        open_bytes(png_of_size(width, height))


def test_the_limit_can_be_raised_above_the_decoders_own() -> None:
    # 10,000 x 10,000 is more than Pillow takes by itself; here it fails for its data.
    with pytest.raises(Unreadable, match=r"ends early|truncated"):
        open_bytes(png_of_size(10_000, 10_000), limits=LoadSettings(max_megapixels=200))


def test_a_thin_picture_within_the_limit_is_taken() -> None:
    thin = np.zeros((1, 60_000, 3), dtype=np.uint8)

    assert open_bytes(pictures.encoded(thin, "PNG")).size == (60_000, 1)


IMAGE = Image.fromarray(SCENE)
ONE_WAY = [
    (saved(IMAGE.quantize(8), "PNG"), "a.png", "palette"),
    (saved(IMAGE.convert("1"), "PNG"), "a.png", "1 bit per pixel"),
    (
        saved(Image.fromarray(SCENE[:, :, 0].astype(np.uint16)), "PNG"),
        "a.png",
        "16 bits",
    ),
    (saved(IMAGE, "PNG", transparency=(1, 2, 3)), "a.png", "see-through"),
    (saved(IMAGE.convert("CMYK"), "JPEG"), "a.jpg", "CMYK"),
]


@pytest.mark.parametrize(("data", "name", "reason"), ONE_WAY)
def test_a_picture_without_a_way_back_is_skipped_by_repair_and_seen_by_check(
    data: bytes, name: str, reason: str
) -> None:
    with pytest.raises(NotSupported, match=reason):
        open_bytes(data, name)

    assert open_bytes(data, name, for_repair=False).size == (24, 16)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
@pytest.mark.parametrize("for_repair", [False, True])
def test_an_animated_picture_is_skipped_and_never_flattened(
    kind: str, for_repair: bool
) -> None:
    other = Image.fromarray(255 - SCENE)
    data = saved(IMAGE, kind, save_all=True, append_images=[other])

    with pytest.raises(NotSupported, match="animated"):
        open_bytes(data, "a" + SUFFIX[kind], for_repair=for_repair)


def test_packed_text_that_swells_does_not_hinder_the_picture() -> None:
    bomb = pictures.png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(50_000_000), 9))
    profile = pictures.png_chunk(
        b"iCCP", b"a\0\0" + zlib.compress(bytes(50_000_000), 9)
    )

    picture = open_bytes(pictures.with_png_chunks(SMALL["PNG"], bomb + profile))

    np.testing.assert_array_equal(picture.pixels, SCENE)


def test_a_hostile_name_is_shown_on_one_line() -> None:
    name = os.fsdecode(b"evil\n\x1b[2J\xff.png")

    with pytest.raises(Unreadable, match=r"evil\\u000a\\u001b\[2J\\xff\.png is not"):
        open_bytes(b"nothing", name)


def test_a_file_that_stays_the_same_is_unchanged(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(SMALL["PNG"])
    ref, _ = identify(Found(tmp_path, "a.png"), LIMITS)

    check_unchanged(ref, LIMITS)


@pytest.mark.parametrize("change", ["write", "remove", "empty"])
def test_a_file_that_changes_during_the_work_is_noticed(
    tmp_path: Path, change: str
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(SMALL["PNG"])
    ref, _ = identify(Found(tmp_path, "a.png"), LIMITS)

    if change == "remove":
        path.unlink()
    else:
        path.write_bytes(b"" if change == "empty" else SMALL["PNG"] + b"more")

    with pytest.raises(PictureChanged, match=r"a\.png"):
        check_unchanged(ref, LIMITS)
