import random
import struct
from typing import Any

import numpy as np
import pytest

from detectors.geometry import Size
from pipeline.metadata import jpeg
from pipeline.metadata.damaged import Damaged
from pipeline.metadata.jpeg_scan import Unwalkable, check_scan, layout_of, walk
from tests.support import pictures

KINDS: list[dict[str, Any]] = [
    {"quality": 20},
    {"quality": 95, "subsampling": 0},
    {"quality": 80, "subsampling": 1},
    {"quality": 80, "optimize": True},
    {"quality": 80, "restart_marker_rows": 1},
    {"quality": 80, "restart_marker_blocks": 3},
    {"quality": 80, "keep_rgb": True},
]


def drawn(width: int = 75, height: int = 53, **options: Any) -> jpeg.JpegParts:
    scene = pictures.draw_scene(width, height)
    return jpeg.split(pictures.encoded(scene, "JPEG", **options))


@pytest.mark.parametrize("options", KINDS)
def test_every_block_is_found(options: dict[str, Any]) -> None:
    parts = drawn(**options)

    layout = layout_of(parts)
    intervals = walk(parts, layout)

    blocks = sum(len(interval.rests) for interval in intervals)
    assert blocks == layout.grid.width * layout.grid.height * len(layout.slots)
    for interval in intervals:
        assert (np.diff(interval.starts) > 0).all()
        assert 0 <= 8 * len(interval.data) - interval.starts[-1] < 8


def test_a_grey_picture_has_one_block_in_each_mcu() -> None:
    scene = pictures.draw_scene(75, 53)[:, :, 0]

    layout = layout_of(jpeg.split(pictures.encoded(scene, "JPEG")))

    assert len(layout.slots) == 1
    assert (layout.mcu, layout.grid) == (Size(8, 8), Size(10, 7))


def test_a_subsampled_picture_has_six_blocks_in_each_mcu() -> None:
    layout = layout_of(drawn(subsampling=2))

    assert [slot.component for slot in layout.slots] == [0, 0, 0, 0, 1, 2]
    assert (layout.mcu, layout.grid) == (Size(16, 16), Size(5, 4))


def test_a_progressive_picture_is_not_walked() -> None:
    parts = drawn(progressive=True)

    with pytest.raises(Unwalkable):
        layout_of(parts)
    check_scan(parts)


@pytest.mark.parametrize("options", KINDS)
def test_coded_data_that_ends_early_is_damage_although_the_end_marker_is_there(
    options: dict[str, Any],
) -> None:
    data = jpeg.join(drawn(**options))

    for length in range(len(data) - 200, len(data) - 4, 7):
        with pytest.raises(Damaged):
            check_scan(jpeg.split(data[:length] + jpeg.END))


def test_coded_data_that_goes_on_is_damage() -> None:
    data = jpeg.join(drawn())

    with pytest.raises(Damaged, match="goes on"):
        check_scan(jpeg.split(data[:-2] + b"\x12\x34\x56" + jpeg.END))


def test_fill_bytes_before_the_end_are_no_data() -> None:
    data = jpeg.join(drawn())

    check_scan(jpeg.split(data[:-2] + b"\xff\xff" + jpeg.END))


def test_a_restart_that_is_missing_is_damage() -> None:
    data = jpeg.join(drawn(restart_marker_rows=1))
    place = data.index(b"\xff\xd1")

    with pytest.raises(Damaged):
        check_scan(jpeg.split(data[:place] + data[place + 2 :]))


def test_some_flipped_bits_in_the_coded_data_are_seen() -> None:
    data = jpeg.join(drawn(quality=90))
    start = data.index(b"\xff\xda") + 14
    rng = random.Random(3)
    seen = 0
    for _ in range(200):
        flipped = bytearray(data)
        flipped[rng.randrange(start, len(data) - 2)] ^= 1 << rng.randrange(8)
        try:
            check_scan(jpeg.split(bytes(flipped)))
        except Damaged:
            seen += 1

    # Huffman codes fall into step again, so most flips only show in the pixels.
    assert 20 < seen < 200


@pytest.mark.parametrize(
    ("marker", "body"),
    [
        (0xDA, bytes([3, 1, 0x00, 2, 0x11, 9, 0x11, 0, 63, 0])),
        (0xDA, bytes([3, 1, 0x33, 2, 0x11, 3, 0x11, 0, 63, 0])),
        (0xC4, bytes(5)),
        (0xC4, bytes([0, *[255] * 16]) + bytes(4080)),
    ],
)
def test_headers_that_make_no_sense_are_damage(marker: int, body: bytes) -> None:
    parts = drawn()
    raw = next(s.raw for s in parts.segments if s.marker == marker)
    head = struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body
    length = 2 + struct.unpack(">H", raw[2:4])[0]
    data = jpeg.join(parts).replace(raw[:length], head)

    with pytest.raises(Damaged):
        check_scan(jpeg.split(data))
