import io
import sys
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.codec import decode
from pipeline.metadata import png
from pipeline.metadata.damaged import Damaged
from pipeline.metadata.facts import read_facts
from tests.support import pictures

SCENE = pictures.draw_scene(24, 16)
ALPHA = pictures.draw_alpha(24, 16)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("array", "mode"),
    [
        (SCENE[:, :, 0], "L"),
        (np.dstack([SCENE[:, :, 0], ALPHA]), "LA"),
        (SCENE, "RGB"),
        (np.dstack([SCENE, ALPHA]), "RGBA"),
    ],
)
def test_the_four_plain_modes_come_out_exactly(array: Any, mode: str) -> None:
    decoded = decode(read_facts(pictures.encoded(array, "PNG")))

    colour = SCENE if mode.startswith("RGB") else np.dstack([SCENE[:, :, 0]] * 3)
    np.testing.assert_array_equal(decoded.pixels, colour)
    assert decoded.mode == mode
    if mode.endswith("A"):
        np.testing.assert_array_equal(decoded.alpha, ALPHA)
    else:
        assert decoded.alpha is None


def test_sixteen_bits_are_looked_at_by_their_upper_byte() -> None:
    deep = (SCENE[:, :, 0].astype(np.uint16) << 8) + 77
    image = Image.fromarray(deep)

    decoded = decode(read_facts(saved(image, "PNG")))

    np.testing.assert_array_equal(decoded.pixels[:, :, 1], SCENE[:, :, 0])


@pytest.mark.parametrize(
    ("data", "mode"),
    [
        (saved(Image.fromarray(SCENE).quantize(8), "PNG"), "P"),
        (saved(Image.fromarray(SCENE).quantize(8), "PNG", transparency=0), "P"),
        (saved(Image.fromarray(SCENE).convert("1"), "PNG"), "1"),
        (saved(Image.fromarray(SCENE).convert("CMYK"), "JPEG"), "CMYK"),
    ],
)
def test_other_modes_come_out_for_looking(data: bytes, mode: str) -> None:
    decoded = decode(read_facts(data))

    assert decoded.mode == mode
    assert decoded.pixels.shape == SCENE.shape
    assert decoded.pixels.std() > 10


def test_picture_data_that_ends_early_is_damage_although_its_checksums_fit() -> None:
    data = pictures.encoded(SCENE, "PNG")
    body = data[41 : len(data) - 16]
    cut = data[:33] + pictures.png_chunk(b"IDAT", body[: len(body) // 2]) + data[-12:]

    with pytest.raises(Damaged, match=r"ends early|truncated"):
        decode(read_facts(cut))


@pytest.mark.parametrize("array", [SCENE, SCENE[:, :, 0], np.zeros_like(SCENE)])
def test_picture_data_cut_at_any_byte_is_damage_or_all_there(array: Any) -> None:
    whole = png.split(pictures.encoded(array, "PNG"))
    packed = b"".join(chunk.body for chunk in whole.image)

    for length in range(len(packed)):
        image = (png.make_chunk(b"IDAT", packed[:length]),)
        facts = read_facts(png.join(replace(whole, image=image)))
        try:
            pixels = decode(facts).pixels
        except Damaged:
            continue
        assert length >= len(packed) - 8
        np.testing.assert_array_equal(pixels[..., 0], array.reshape(16, 24, -1)[..., 0])


def test_a_header_that_promises_another_size_is_damage() -> None:
    data = pictures.encoded(SCENE, "PNG")
    ihdr = pictures.png_chunk(b"IHDR", b"\0\0\0\x18\0\0\0\x40" + data[24:29])

    with pytest.raises(Damaged, match=r"ends early|truncated"):
        decode(read_facts(data[:8] + ihdr + data[33:]))


def test_hostile_metadata_never_reaches_the_decoder(
    recwarn: pytest.WarningsRecorder,
) -> None:
    exif = b"Exif\0\0MM\0*" + b"\xff" * 40
    data = pictures.with_jpeg_segments(
        pictures.encoded(SCENE, "JPEG"),
        pictures.jpeg_segment(0xE1, exif),
        pictures.jpeg_segment(0xE2, b"MPF\0" + b"\xff" * 30),
        pictures.jpeg_segment(0xE2, b"ICC_PROFILE\0\1\x09garbage"),
    )

    decode(read_facts(data))

    assert len(recwarn) == 0


def test_several_threads_decode_at_once() -> None:
    facts = read_facts(pictures.encoded(SCENE, "PNG"))
    wrong: list[int] = []

    def work() -> None:
        for number in range(50):
            if not np.array_equal(decode(facts).pixels, SCENE):
                wrong.append(number)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(before)

    assert wrong == []
