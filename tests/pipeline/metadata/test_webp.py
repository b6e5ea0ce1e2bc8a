import io
import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image

from detectors.geometry import Size
from pipeline.metadata import webp
from pipeline.metadata.damaged import Damaged
from tests.support import pictures

SCENE = pictures.draw_scene(24, 16)
FADED = np.dstack([SCENE, pictures.draw_alpha(24, 16)])


@pytest.mark.parametrize(
    ("array", "options", "lossless", "alpha"),
    [
        (SCENE, {}, False, False),
        (SCENE, {"lossless": True}, True, False),
        (FADED, {}, False, True),
        (FADED, {"lossless": True}, True, True),
        (FADED, {"lossless": True, "exif": b"MM\0*"}, True, True),
        (SCENE, {"icc_profile": b"odd"}, False, False),
    ],
)
def test_a_file_tells_its_size_and_kind(
    array: Any, options: dict[str, Any], lossless: bool, alpha: bool
) -> None:
    data = pictures.encoded(array, "WEBP", **options) + b"trailer"

    parts = webp.split(data)

    assert parts.size == Size(24, 16)
    assert (parts.lossless, parts.has_alpha) == (lossless, alpha)
    assert not parts.animated
    assert webp.wrap(parts.chunks) + parts.trailing == data


def test_the_bare_picture_has_the_same_pixels_and_no_metadata() -> None:
    data = pictures.encoded(FADED, "WEBP", exif=pictures.exif_block(6), xmp=b"<x/>")

    bare = webp.bare(webp.split(data))

    assert webp.split(bare).extras == ()
    with Image.open(io.BytesIO(data)) as whole, Image.open(io.BytesIO(bare)) as image:
        np.testing.assert_array_equal(np.asarray(image), np.asarray(whole))


def test_an_animated_file_is_told() -> None:
    buffer = io.BytesIO()
    first, second = Image.fromarray(SCENE), Image.fromarray(255 - SCENE)
    first.save(buffer, "WEBP", save_all=True, append_images=[second])

    assert webp.split(buffer.getvalue()).animated


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": b"MM\0*odd"}])
def test_a_file_cut_at_any_byte_is_damaged(options: dict[str, Any]) -> None:
    data = pictures.encoded(FADED, "WEBP", **options)

    for length in range(len(data)):
        with pytest.raises(Damaged):
            webp.split(data[:length])


def test_a_header_that_lies_about_the_size_is_damage() -> None:
    data = pictures.encoded(SCENE, "WEBP", exif=b"MM\0*")
    lying = data[:24] + struct.pack("<I", 99)[:3] + data[27:]

    with pytest.raises(Damaged, match="disagree"):
        webp.split(lying)


def riff(*chunks: bytes) -> bytes:
    inside = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(inside)) + inside


PICTURE = webp.split(pictures.encoded(SCENE, "WEBP")).chunks[0].raw


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (riff(), "no picture data"),
        (riff(pictures.webp_chunk(b"EXIF", b"x")), "no picture data"),
        (riff(PICTURE, PICTURE), "more than one"),
        (riff(pictures.webp_chunk(b"VP8X", b"short")), "makes no sense"),
        (riff(pictures.webp_chunk(b"VP8 ", bytes(20))), "makes no sense"),
        (riff(pictures.webp_chunk(b"VP8L", bytes(20))), "makes no sense"),
        (riff(PICTURE, b"EXIF\xff\0\0\0"), "cut short"),
        (riff(PICTURE, b"EX"), "cut short"),
        (riff(PICTURE, pictures.webp_chunk(b"JUNK", b"") * 100_001), "more chunks"),
    ],
)
def test_files_that_no_writer_makes_are_damaged(data: bytes, reason: str) -> None:
    with pytest.raises(Damaged, match=reason):
        webp.split(data)
