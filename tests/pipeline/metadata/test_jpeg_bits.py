from hypothesis import given
from hypothesis import strategies as st

from pipeline.metadata.jpeg_bits import BitWriter

CODES = st.lists(
    st.sampled_from([0, 1, 3, 8, 31, 5000]).flatmap(
        lambda length: st.tuples(st.integers(0, 2**length - 1), st.just(length))
    ),
    max_size=8,
)


@given(CODES)
def test_bits_come_out_in_order_filled_up_with_ones(
    codes: list[tuple[int, int]],
) -> None:
    writer = BitWriter()
    for code in codes:
        writer.add(code)

    written = writer.stuffed()

    expected = "".join(format(value, f"0{n}b") for value, n in codes if n)
    expected += "1" * (-len(expected) % 8)
    plain = written.replace(b"\xff\0", b"\xff")
    assert "".join(format(byte, "08b") for byte in plain) == expected
    assert written.count(b"\xff") == written.count(b"\xff\0")
