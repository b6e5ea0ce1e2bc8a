import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin

from detectors.geometry import Size
from pipeline.metadata import jpeg
from pipeline.metadata.damaged import Damaged
from tests.support import pictures


def small_jpeg(**options: Any) -> bytes:
    return pictures.encoded(pictures.draw_scene(24, 16), "JPEG", **options)


def test_a_file_is_taken_apart_and_put_together_again() -> None:
    comment = pictures.jpeg_segment(0xFE, b"hello")
    data = pictures.with_jpeg_segments(small_jpeg(), comment) + b"trailer"

    parts = jpeg.split(data)

    assert parts.frame.size == Size(24, 16)
    assert [s.marker for s in parts.extras] == [jpeg.COMMENT, jpeg.APP0]
    assert parts.trailing == b"trailer"
    assert jpeg.join(parts) == data


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_the_bare_picture_has_the_same_pixels_and_no_metadata(
    options: dict[str, Any],
) -> None:
    exif = b"Exif\0\0" + pictures.exif_block(6)
    data = small_jpeg(exif=exif, icc_profile=b"profile", **options)

    bare = jpeg.bare(jpeg.split(data))

    assert b"Exif" not in bare
    with Image.open(io.BytesIO(data)) as whole, Image.open(io.BytesIO(bare)) as image:
        np.testing.assert_array_equal(np.asarray(image), np.asarray(whole))


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_a_file_cut_at_any_byte_is_damaged(options: dict[str, Any]) -> None:
    data = small_jpeg(**options)

    for length in range(len(data)):
        with pytest.raises(Damaged):
            jpeg.split(data[:length])


def test_an_end_marker_inside_a_thumbnail_does_not_end_the_file() -> None:
    segment = pictures.jpeg_segment(0xE1, b"Exif\0\0" + small_jpeg())
    data = pictures.with_jpeg_segments(small_jpeg(), segment)

    parts = jpeg.split(data)

    assert parts.trailing == b""
    assert jpeg.join(parts) == data


def test_restart_markers_belong_to_the_picture() -> None:
    data = small_jpeg(restart_marker_rows=1)

    assert jpeg.join(jpeg.split(data)) == data


@pytest.mark.parametrize("quality", [5, 50, 99])
def test_the_tables_are_those_that_pillow_reads(quality: int) -> None:
    data = small_jpeg(quality=quality)
    with Image.open(io.BytesIO(data)) as image:
        assert isinstance(image, JpegImagePlugin.JpegImageFile)
        expected = image.quantization

    found = jpeg.quantisation(jpeg.split(data))

    assert list(found[0]) == expected[0]
    assert list(found[1]) == list(found[2]) == expected[1]


def test_junk_between_segments_is_damage() -> None:
    data = small_jpeg()

    with pytest.raises(Damaged, match="gaps"):
        jpeg.split(data[:20] + b"junk" + data[20:])


def test_a_second_frame_is_damage() -> None:
    frame = next(s for s in jpeg.split(small_jpeg()).segments if s.marker == 0xC0)

    with pytest.raises(Damaged, match="more than one"):
        jpeg.split(pictures.with_jpeg_segments(small_jpeg(), frame.raw))


@pytest.mark.parametrize(
    ("options", "expected"), [({}, False), ({"keep_rgb": True}, True)]
)
def test_the_colour_space_is_told_as_libjpeg_does(
    options: dict[str, Any], expected: Any
) -> None:
    assert jpeg.split(small_jpeg(**options)).is_rgb == expected


def changed(marker: int, body: bytes) -> bytes:
    """Return the small picture with the body of one segment replaced."""
    parts = jpeg.split(small_jpeg())
    return (
        jpeg.START
        + b"".join(
            pictures.jpeg_segment(marker, body) if s.marker == marker else s.raw
            for s in parts.segments
        )
        + jpeg.END
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (changed(0xC0, b"\x08\0\x10"), "makes no sense"),
        (changed(0xC0, b"\x08\0\0\0\x18\1\1\x11\0"), "makes no sense"),
        (changed(0xC0, b"\x08\0\x10\0\x18\0"), "makes no sense"),
        (jpeg.START + b"\xff\xe0\0\1" + jpeg.END, "has no length"),
        (jpeg.START + b"\xff\x01" + jpeg.END, "where none may be"),
        (jpeg.START + b"\xff\xdc\0\4\0\x10" + jpeg.END, "only at its end"),
        (jpeg.START + b"\xff\xfe\0\2" * 100_001 + jpeg.END, "more segments"),
    ],
)
def test_files_that_no_writer_makes_are_damaged(data: bytes, reason: str) -> None:
    with pytest.raises(Damaged, match=reason):
        jpeg.split(data)


@pytest.mark.parametrize(
    ("body", "reason"),
    [(bytes(30), "cut short"), (b"\x03" + bytes(64), "missing")],
)
def test_tables_that_are_not_there_are_damage(body: bytes, reason: str) -> None:
    with pytest.raises(Damaged, match=reason):
        jpeg.quantisation(jpeg.split(changed(0xDB, body)))


def test_three_channels_named_r_g_b_are_rgb_without_any_other_word() -> None:
    parts = jpeg.split(small_jpeg(keep_rgb=True))
    plain = jpeg.split(
        jpeg.join(
            replace(parts, segments=tuple(s for s in parts.segments if not s.is_extra))
        )
    )

    assert plain.is_rgb
