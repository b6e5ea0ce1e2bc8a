import pytest

from pipeline.metadata import jpeg
from pipeline.metadata.damaged import Damaged
from pipeline.metadata.jpeg_tables import (
    HUFFMAN,
    STEP_BITS,
    TO_THE_END,
    Table,
    read_tables,
)
from tests.support import pictures


def tables(**options: bool) -> dict[tuple[int, int], Table]:
    data = pictures.encoded(pictures.draw_scene(), "JPEG", **options)
    return read_tables(jpeg.split(data).segments)


@pytest.mark.parametrize("optimize", [False, True])
def test_a_table_is_written_as_it_was_read(optimize: bool) -> None:
    for key, table in tables(optimize=optimize).items():
        body = bytes([key[0] << 4 | key[1]]) + table.written()
        again = read_tables((jpeg.make_segment(HUFFMAN, body),))
        assert again == {key: table}


def test_codes_are_looked_up_by_the_bits_that_follow() -> None:
    table = Table({7: (0b0, 1), 9: (0b10, 2)})

    assert table.symbols[0b0111_0000_0000_0000] == 7
    assert table.symbols[0b1011_0000_0000_0000] == 9
    assert table.lengths[0b1011_0000_0000_0000] == 2
    assert table.symbols[0b1111_0000_0000_0000] == -1


def test_new_codes_leave_the_old_ones_as_they_are() -> None:
    table = tables(optimize=True)[1, 0]
    missing = frozenset({0xA5, 0xB6, 0xC7}) - table.codes.keys()

    grown = table.extended(missing)

    assert grown is not None
    assert missing <= grown.codes.keys()
    assert grown.holds(table)
    bits = [format(code, f"0{length}b") for code, length in grown.codes.values()]
    assert not any(
        one != other and other.startswith(one) for one in bits for other in bits
    )
    assert "1" * 16 not in bits


def test_a_full_table_has_no_room() -> None:
    full = Table({0: (0, 1), 1: (0xFFFE, 16)})

    assert full.extended({0, 1}) == full
    assert full.extended({2}) is None


@pytest.mark.parametrize(
    "body",
    [
        bytes(10),
        bytes([0, 3, *[0] * 15, 1, 2, 3]),
        bytes([0, 0, 2, *[0] * 14, 7, 7]),
    ],
)
def test_a_table_that_makes_no_sense_is_damage(body: bytes) -> None:
    with pytest.raises(Damaged):
        read_tables((jpeg.make_segment(HUFFMAN, body),))


@pytest.mark.parametrize("optimize", [False, True])
def test_a_stride_is_as_many_steps_as_sixteen_bits_tell(optimize: bool) -> None:
    for key, table in tables(optimize=optimize).items():
        if key[0] == 0:
            continue
        for window in range(0, 1 << 16, 97):
            coefficients, bits = 0, 0
            for _ in range(4):
                left = (window << bits) & 0xFFFF
                length = int(table.lengths[left])
                if not 0 < length <= 16 - bits:
                    break
                step = int(table.steps[left])
                coefficients += step >> STEP_BITS
                bits += step & ((1 << STEP_BITS) - 1)
                if coefficients >= TO_THE_END or bits >= 16:
                    break
            if bits:
                assert int(table.strides[window]) == coefficients << STEP_BITS | bits
