import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.metadata import exif
from tests.support import pictures


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_read(orientation: int) -> None:
    block = pictures.exif_block(orientation)

    assert exif.read_orientation(block) == orientation
    assert exif.read_orientation(b"Exif\0\0" + block) == orientation


def test_the_orientation_is_read_from_a_little_endian_block() -> None:
    block = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)

    assert exif.read_orientation(block) == 6


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_counts_as_upright(value: int) -> None:
    assert exif.read_orientation(pictures.exif_block(value)) == 1


def test_the_user_comment_is_found_behind_its_pointer() -> None:
    block = pictures.exif_block(6, b"ASCII\0\0\0hello")

    assert exif.read_fields(block)[exif.USER_COMMENT] == b"ASCII\0\0\0hello"


def test_a_folder_that_points_at_itself_is_read_once() -> None:
    block = b"MM\0*" + struct.pack(">IHHHIII", 8, 1, 0x8769, 4, 1, 8, 0)

    assert exif.read_fields(block) == {0x8769: b"\0\0\0\x08"}


@given(st.binary(max_size=200))
def test_garbage_is_passed_over(rest: bytes) -> None:
    assert 1 <= exif.read_orientation(b"MM\0*" + rest) <= 8
    assert 1 <= exif.read_orientation(rest) <= 8


@given(st.integers(0, 400), st.binary(min_size=1, max_size=4))
def test_a_damaged_block_never_raises(place: int, bad: bytes) -> None:
    block = pictures.exif_block(3, b"UNICODE\0" + "text".encode("utf-16-be"))

    exif.read_fields(block[:place] + bad + block[place + len(bad) :])
