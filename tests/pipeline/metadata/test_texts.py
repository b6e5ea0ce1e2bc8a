import zlib

import pytest

from pipeline.metadata.texts import MAX_TEXT_BYTES, read_texts
from tests.support import pictures

PNG = pictures.encoded(pictures.draw_scene(8, 8), "PNG")


def with_chunks(before: bytes = b"", after: bytes = b"") -> bytes:
    return pictures.with_png_chunks(PNG, before, after)


def test_texts_before_and_after_the_pixels_are_read() -> None:
    data = with_chunks(
        pictures.png_chunk(b"tEXt", b"one\0plain")
        + pictures.png_chunk(b"zTXt", b"two\0\0" + zlib.compress(b"packed")),
        pictures.text_chunk("three", "größer")
        + pictures.png_chunk(
            b"iTXt", b"four\0\1\0de\0vier\0" + zlib.compress("später".encode())
        ),
    )

    assert read_texts(data) == {
        "one": "plain",
        "two": "packed",
        "three": "größer",
        "four": "später",
    }


def test_the_first_of_a_keyword_wins() -> None:
    data = with_chunks(pictures.text_chunk("a", "1"), pictures.text_chunk("a", "2"))

    assert read_texts(data) == {"a": "1"}


@pytest.mark.parametrize(
    ("raw", "expected"), [("größer".encode(), "größer"), (b"gr\xf6\xdfer", "größer")]
)
def test_plain_text_may_be_utf_8_or_latin_1(raw: bytes, expected: str) -> None:
    data = with_chunks(pictures.png_chunk(b"tEXt", b"a\0" + raw))

    assert read_texts(data) == {"a": expected}


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt"])
def test_a_text_that_swells_when_it_is_unpacked_is_left_alone(kind: bytes) -> None:
    bomb = zlib.compress(bytes(MAX_TEXT_BYTES + 1), 9)
    head = b"a\0\0" if kind == b"zTXt" else b"a\0\1\0\0\0"

    assert read_texts(with_chunks(pictures.png_chunk(kind, head + bomb))) == {}


def test_many_texts_together_are_bounded() -> None:
    long = zlib.compress(bytes(MAX_TEXT_BYTES - 1), 9)
    chunks = [
        pictures.png_chunk(b"zTXt", f"k{n}".encode() + b"\0\0" + long)
        for n in range(50)
    ]

    texts = read_texts(with_chunks(b"".join(chunks)))

    assert 1 <= len(texts) <= 8


@pytest.mark.parametrize(
    "chunk",
    [
        pictures.png_chunk(b"zTXt", b"a\0\0not packed at all"),
        pictures.png_chunk(b"zTXt", b"no zero"),
        pictures.png_chunk(b"iTXt", b""),
        pictures.png_chunk(b"tEXt", b""),
    ],
)
def test_damaged_texts_do_no_harm(chunk: bytes) -> None:
    good = pictures.text_chunk("good", "text")

    assert read_texts(with_chunks(chunk, good))["good"] == "text"


@pytest.mark.parametrize(
    "comment",
    [
        b"UNICODE\0" + "größer, 写真".encode("utf-16-be"),
        b"UNICODE\0" + "größer, 写真".encode("utf-16-le"),
        b"UNICODE\0" + "größer, 写真".encode("utf-16"),
        b"ASCII\0\0\0" + "größer, 写真".encode(),
        b"\0" * 8 + "größer, 写真".encode(),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
def test_a_user_comment_is_read_in_any_of_its_encodings(
    kind: str, comment: bytes
) -> None:
    exif = b"Exif\0\0" + pictures.exif_block(user_comment=comment)
    data = pictures.encoded(pictures.draw_scene(8, 8), kind, exif=exif)

    assert read_texts(data) == {"UserComment": "größer, 写真"}


def test_a_jpeg_comment_is_read() -> None:
    data = pictures.with_jpeg_segments(
        pictures.encoded(pictures.draw_scene(8, 8), "JPEG"),
        pictures.jpeg_segment(0xFE, b"hello"),
    )

    assert read_texts(data) == {"Comment": "hello"}


@pytest.mark.parametrize("data", [b"", b"GIF89a", PNG[:-5]])
def test_a_file_that_cannot_be_read_has_no_texts(data: bytes) -> None:
    assert read_texts(data) == {}
