import struct
import zlib

import pytest

from detectors.geometry import Size
from pipeline.metadata import png
from pipeline.metadata.damaged import Damaged
from tests.support import pictures


def small_png() -> bytes:
    data = pictures.encoded(pictures.draw_scene(12, 8), "PNG")
    gamma = pictures.png_chunk(b"gAMA", struct.pack(">I", 45455))
    return (
        pictures.with_png_chunks(data, gamma, pictures.text_chunk("late", "x"))
        + b"after the end"
    )


def test_a_file_is_taken_apart_and_put_together_again() -> None:
    data = small_png()

    parts = png.split(data)

    assert parts.header == png.Header(Size(12, 8), 8, 2)
    assert [c.kind for c in parts.before] == [b"gAMA"]
    assert [c.kind for c in parts.after] == [b"iTXt"]
    assert parts.trailing == b"after the end"
    assert png.join(parts) == data


def test_the_bare_picture_holds_no_metadata() -> None:
    again = png.split(png.bare(png.split(small_png())))

    assert again.extras == ()
    assert again.trailing == b""


def test_a_file_cut_at_any_byte_is_damaged() -> None:
    data = pictures.encoded(pictures.draw_scene(12, 8), "PNG")

    for length in range(len(data)):
        with pytest.raises(Damaged):
            png.split(data[:length])


def test_a_flipped_bit_anywhere_is_seen() -> None:
    data = pictures.encoded(pictures.draw_scene(12, 8), "PNG")

    for place in range(len(data)):
        flipped = bytearray(data)
        flipped[place] ^= 1 << (place % 8)
        with pytest.raises(Damaged):
            png.split(bytes(flipped))


def _file(*chunks: bytes) -> bytes:
    return png.SIGNATURE + b"".join(chunks)


IHDR = pictures.png_chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
IDAT = pictures.png_chunk(b"IDAT", zlib.compress(b"\0\0"))
IEND = pictures.png_chunk(b"IEND", b"")
TIME = pictures.png_chunk(b"tIME", b"\0" * 7)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (_file(IDAT, IEND), "no proper header"),
        (_file(IHDR, IEND), "no picture data"),
        (_file(IHDR, IDAT, TIME, IDAT, IEND), "out of order"),
        (_file(IHDR, IHDR, IDAT, IEND), "out of order"),
        (_file(IHDR, pictures.png_chunk(b"CgBI", b""), IDAT, IEND), "CgBI"),
        (
            _file(
                pictures.png_chunk(
                    b"IHDR", struct.pack(">IIBBBBB", 1, 1, 3, 2, 0, 0, 0)
                ),
                IDAT,
                IEND,
            ),
            "makes no sense",
        ),
        (b"GIF89a", "does not start like"),
    ],
)
def test_files_that_no_writer_makes_are_damaged(data: bytes, reason: str) -> None:
    with pytest.raises(Damaged, match=reason):
        png.split(data)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 2), (8, 8), (13, 9)])
@pytest.mark.parametrize(("depth", "colour", "bits"), [(8, 2, 24), (1, 0, 1)])
def test_interlaced_picture_data_is_measured_pass_by_pass(
    width: int, height: int, depth: int, colour: int, bits: int
) -> None:
    # Counted by brute force: which of the seven passes each pixel belongs to.
    grid = ["16462646", "77777777", "56565656", "77777777"]
    grid += ["36463646", "77777777", "56565656", "77777777"]
    rows: dict[tuple[str, int], int] = {}
    for y in range(height):
        for x in range(width):
            place = (grid[y % 8][x % 8], y)
            rows[place] = rows.get(place, 0) + 1
    length = sum(1 + (count * bits + 7) // 8 for count in rows.values())
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 1)

    def file(unpacked: int) -> bytes:
        body = pictures.png_chunk(b"IDAT", zlib.compress(bytes(unpacked)))
        return _file(pictures.png_chunk(b"IHDR", header), body, IEND)

    png.check_pixels(file(length))
    with pytest.raises(Damaged, match="ends early"):
        png.check_pixels(file(length - 1))


def test_picture_data_that_was_cut_before_it_was_put_into_chunks_is_damaged() -> None:
    whole = png.split(pictures.encoded(pictures.draw_scene(12, 8), "PNG"))
    packed = b"".join(chunk.body for chunk in whole.image)

    # The last few bytes hold a checksum and the end sign, and no pixels.
    for length in range(len(packed) - 8):
        body = pictures.png_chunk(b"IDAT", packed[:length])
        with pytest.raises(Damaged):
            png.check_pixels(_file(whole.ihdr.raw, body, IEND))


def test_picture_data_that_is_not_packed_is_damaged() -> None:
    body = pictures.png_chunk(b"IDAT", b"no zlib data at all")

    with pytest.raises(Damaged, match="cannot be unpacked"):
        png.check_pixels(_file(IHDR, body, IEND))


def test_a_flood_of_empty_chunks_is_damaged() -> None:
    with pytest.raises(Damaged, match="more chunks"):
        png.split(_file(IHDR, pictures.png_chunk(b"teSt", b"") * 100_001, IDAT, IEND))
