import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from pipeline.metadata import Provenance, carry, jpeg, png, read_provenance, webp
from pipeline.metadata.damaged import Damaged
from tests.support import pictures

SCENE = pictures.draw_scene(24, 16)
OTHER = 255 - SCENE
EXIF = pictures.exif_block(6, b"UNICODE\0" + "prompt".encode("utf-16-be"))
FIRST = Provenance(version="0.1.0", passes=1)
SECOND = Provenance(version="0.1.0", passes=3)

PNG_BEFORE = [
    pictures.png_chunk(b"gAMA", struct.pack(">I", 45455)),
    pictures.png_chunk(b"cHRM", bytes(range(32))),
    pictures.png_chunk(b"iCCP", b"odd\0\0" + zlib.compress(b"profile" * 50)),
    pictures.png_chunk(b"pHYs", struct.pack(">IIB", 2835, 2835, 1)),
    pictures.png_chunk(b"tEXt", b"parameters\0" + pictures.PARAMETERS.encode()),
    pictures.png_chunk(b"zTXt", b"workflow\0\0" + zlib.compress(b"{}")),
    pictures.text_chunk("Beschreibung", "größer"),
]
PNG_AFTER = [
    pictures.png_chunk(b"eXIf", EXIF),
    pictures.png_chunk(b"tIME", struct.pack(">HBBBBB", 2026, 1, 2, 3, 4, 5)),
    pictures.png_chunk(b"prVt", b"a private chunk"),
    pictures.png_chunk(b"tEXt", b"late\0text"),
]
JPEG_EXTRAS = [
    pictures.jpeg_segment(0xE0, b"JFIF\0\1\1\1\0\x48\0\x48\0\0"),
    pictures.jpeg_segment(0xE1, b"Exif\0\0" + EXIF),
    pictures.jpeg_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>"),
    pictures.jpeg_segment(
        0xE1, b"http://ns.adobe.com/xmp/extension/\0" + b"a" * 32 + bytes(8) + b"part 1"
    ),
    pictures.jpeg_segment(0xE2, b"ICC_PROFILE\0\1\2" + b"x" * 60_000),
    pictures.jpeg_segment(0xE2, b"ICC_PROFILE\0\2\2" + b"y" * 100),
    pictures.jpeg_segment(0xED, b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0\0\0\0\0"),
    pictures.jpeg_segment(0xFE, b"a comment"),
    pictures.jpeg_segment(0xEF, b"a private segment"),
]
WEBP_BEFORE = [pictures.webp_chunk(b"ICCP", b"an odd profile")]
WEBP_AFTER = [
    pictures.webp_chunk(b"EXIF", EXIF),
    pictures.webp_chunk(b"XMP ", b"<x:xmpmeta/>"),
    pictures.webp_chunk(b"WHAT", b"somebody's own"),
]


def png_file(*after: bytes) -> bytes:
    return pictures.with_png_chunks(
        pictures.encoded(SCENE, "PNG"),
        b"".join(PNG_BEFORE),
        b"".join([*PNG_AFTER, *after]),
    )


def jpeg_file() -> bytes:
    bare = jpeg.split(pictures.encoded(SCENE, "JPEG", quality=90))
    picture = b"".join(s.raw for s in bare.segments if not s.is_extra)
    return jpeg.START + b"".join(JPEG_EXTRAS) + picture + jpeg.END


def webp_file() -> bytes:
    bare = webp.split(pictures.encoded(SCENE, "WEBP", lossless=True))
    head = webp.extended_header(bare.size, webp.ICC | webp.EXIF | webp.XMP)
    picture = b"".join(c.raw for c in bare.image)
    inside = b"WEBP" + head.raw + b"".join([*WEBP_BEFORE, picture, *WEBP_AFTER])
    return b"RIFF" + struct.pack("<I", len(inside)) + inside


def fresh(kind: str) -> bytes:
    options = {"lossless": True} if kind == "WEBP" else {}
    return pictures.encoded(OTHER, kind, **options)


def pixels_of(data: bytes) -> object:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image).tolist()


def test_every_png_chunk_stays_byte_for_byte_and_on_its_side_of_the_pixels() -> None:
    result = carry(png_file(), fresh("PNG"), FIRST)

    parts = png.split(result)
    assert [c.raw for c in parts.before] == PNG_BEFORE
    assert [c.raw for c in parts.after[:-1]] == PNG_AFTER
    assert parts.after[-1].body.startswith(b"nightmend\0")
    assert pixels_of(result) == OTHER.tolist()


def test_every_jpeg_segment_stays_byte_for_byte_and_in_order() -> None:
    result = carry(jpeg_file(), fresh("JPEG"), FIRST)

    parts = jpeg.split(result)
    assert [s.raw for s in parts.extras[:-1]] == JPEG_EXTRAS
    assert parts.extras[-1].body.startswith(b"nightmend\0")
    assert pixels_of(result) == pixels_of(fresh("JPEG"))


def test_every_webp_chunk_stays_byte_for_byte_and_on_its_side_of_the_pixels() -> None:
    result = carry(webp_file(), fresh("WEBP"), FIRST)

    parts = webp.split(result)
    assert [c.raw for c in parts.chunks][1:2] == WEBP_BEFORE
    assert [c.raw for c in parts.chunks][3:6] == WEBP_AFTER
    assert parts.chunks[-1].kind == b"NMND"
    assert pixels_of(result) == OTHER.tolist()


def test_other_readers_still_find_what_was_carried() -> None:
    for data in (png_file(), webp_file()):
        kind = "PNG" if data.startswith(png.SIGNATURE) else "WEBP"
        with Image.open(io.BytesIO(carry(data, fresh(kind), FIRST))) as image:
            image.load()
            assert image.getexif()[0x0112] == 6
            assert image.info["icc_profile"]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_the_own_entry_replaces_the_one_before(kind: str) -> None:
    source = {"PNG": png_file, "JPEG": jpeg_file, "WEBP": webp_file}[kind]()

    once = carry(source, fresh(kind), FIRST)
    twice = carry(once, fresh(kind), SECOND)

    assert read_provenance(once) == FIRST
    assert read_provenance(twice) == SECOND
    assert twice.count(b'"passes"') == 1
    assert len(twice) == len(once)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_without_a_new_entry_the_one_before_stays(kind: str) -> None:
    plain = pictures.encoded(SCENE, kind)

    once = carry(plain, fresh(kind), FIRST)

    assert read_provenance(carry(once, fresh(kind), None)) == FIRST
    assert read_provenance(carry(plain, fresh(kind), None)) is None


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_what_follows_the_end_of_the_file_is_kept(kind: str) -> None:
    source = pictures.encoded(SCENE, kind) + b"appended by somebody"

    assert carry(source, fresh(kind), FIRST).endswith(b"appended by somebody")


def test_a_webp_gains_alpha_only_with_its_pixels() -> None:
    faded = np.dstack([SCENE, pictures.draw_alpha(24, 16)])
    source = pictures.encoded(faded, "WEBP", lossless=True, exact=True)
    again = pictures.encoded(faded, "WEBP", lossless=True, exact=True)

    result = carry(source, again, FIRST)

    assert pixels_of(result) == faded.tolist()


def test_two_formats_do_not_mix() -> None:
    with pytest.raises(Damaged, match="two formats"):
        carry(png_file(), fresh("JPEG"), FIRST)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no picture",
        pictures.encoded(SCENE, "PNG")[:-3],
        png_file(pictures.text_chunk("nightmend", "{not json")),
        png_file(pictures.text_chunk("nightmend", '{"version": 1, "passes": "x"}')),
    ],
)
def test_a_damaged_entry_counts_as_none(data: bytes) -> None:
    assert read_provenance(data) is None
