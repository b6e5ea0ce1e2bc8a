import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from detectors.geometry import Size
from pipeline.metadata import png
from pipeline.metadata.damaged import Damaged
from pipeline.metadata.facts import format_of, read_facts
from tests.support import pictures

SCENE = pictures.draw_scene(24, 16)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_of(depth: int, colour: int, row: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", 1, 1, depth, colour, 0, 0, 0)
    return (
        png.SIGNATURE
        + pictures.png_chunk(b"IHDR", header)
        + pictures.png_chunk(b"IDAT", zlib.compress(b"\0" + row))
        + pictures.png_chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_size_format_and_orientation_are_read_without_decoding(
    kind: str, orientation: int
) -> None:
    exif = b"Exif\0\0" + pictures.exif_block(orientation)

    facts = read_facts(pictures.encoded(SCENE, kind, exif=exif))

    assert facts.format == kind
    assert facts.size == Size(24, 16)
    assert facts.orientation == orientation
    assert (facts.closed, facts.one_way) == ("", "")
    assert pictures.exif_block(orientation) not in facts.bare


IMAGE = Image.fromarray(SCENE)
JUMBF = pictures.jpeg_segment(
    0xEB, b"JP\0\1\0\0\0\1" + struct.pack(">I", 40) + b"jumb" + b"\0" * 8 + b"c2pa"
)
MULTI = pictures.jpeg_segment(0xE2, b"MPF\0" + bytes(20))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (png_of(16, 2, bytes(6)), "16 bits per channel"),
        (png_of(16, 0, bytes(2)), "16 bits per channel"),
        (png_of(4, 0, b"\0"), "4 bit per pixel"),
        (saved(IMAGE.convert("1"), "PNG"), "1 bit per pixel"),
        (saved(IMAGE.quantize(8), "PNG"), "palette"),
        (saved(IMAGE, "PNG", transparency=(1, 2, 3)), "see-through"),
        (saved(IMAGE.convert("CMYK"), "JPEG"), "CMYK"),
        (
            pictures.with_png_chunks(
                pictures.encoded(SCENE, "PNG"), pictures.png_chunk(b"caBX", b"jumb")
            ),
            "C2PA",
        ),
        (pictures.with_jpeg_segments(pictures.encoded(SCENE, "JPEG"), JUMBF), "C2PA"),
        (
            pictures.with_jpeg_segments(pictures.encoded(SCENE, "JPEG"), MULTI),
            "more than one picture",
        ),
    ],
)
def test_a_picture_without_a_way_back_is_told_with_its_reason(
    data: bytes, reason: str
) -> None:
    facts = read_facts(data)

    assert reason in facts.one_way
    assert facts.closed == ""


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_animated_pictures_are_told(kind: str) -> None:
    other = Image.fromarray(255 - SCENE)

    facts = read_facts(saved(IMAGE, kind, save_all=True, append_images=[other]))

    assert facts.closed == "it is animated"


def test_a_jpeg_of_twelve_bits_is_told() -> None:
    data = bytearray(pictures.encoded(SCENE, "JPEG"))
    place = data.index(b"\xff\xc0") + 4
    data[place] = 12

    assert read_facts(bytes(data)).closed == "it has 12 bits per channel"


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"BM", b"\0" * 64, b"RIFF1234WAVE"])
def test_other_formats_are_refused(data: bytes) -> None:
    assert format_of(data) is None
    with pytest.raises(Damaged, match="no PNG, JPEG or WebP"):
        read_facts(data)


@pytest.mark.parametrize(
    ("marker", "count", "closed", "one_way"),
    [
        (0xC3, 3, "", "it is a lossless JPEG, which cannot be written again"),
        (0xC0, 2, "it has 2 channels", ""),
    ],
)
def test_rare_kinds_of_jpeg_are_told(
    marker: int, count: int, closed: str, one_way: str
) -> None:
    data = pictures.encoded(SCENE, "JPEG")
    place = data.index(b"\xff\xc0")
    components = b"".join(bytes([n + 1, 0x11, 0]) for n in range(count))
    frame = pictures.jpeg_segment(
        marker, b"\x08" + struct.pack(">HHB", 16, 24, count) + components
    )

    facts = read_facts(data[:place] + frame + data[place + 19 :])

    assert (facts.closed, facts.one_way) == (closed, one_way)
