"""How finely a lossy WebP picture was quantised, and the quality that does it again.

The frame header is RFC 6386, sections 7 and 9; the way from quality to quantiser is
that of libwebp's `src/enc/quant_enc.c` (`QualityToCompression`, `VP8SetSegmentParams`).
"""

from pipeline.metadata.damaged import Damaged

_FINEST = 127.0
"""libwebp's quantiser is 127 * (1 - compression)."""


_UTMOST_SPREAD = 1.43
"""Largest exponent on compression at libwebp's default noise shaping (50): measured on
drawn pictures saved at 10 to 90, whose flattest segments all agree on it."""


class _Bits:
    """The arithmetic decoder of RFC 6386, section 7.3, for bits of even odds."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 2
        self._value = int.from_bytes(data[:2].ljust(2, b"\0"), "big")
        self._range = 255
        self._shifts = 0

    def number(self, bits: int) -> int:
        """Read an unsigned number, highest bit first."""
        value = 0
        for _ in range(bits):
            value = value << 1 | self._bit()
        return value

    def flagged(self, bits: int) -> int:
        """Read a flag, and when it is set a number with its sign; else 0."""
        if not self.number(1):
            return 0
        size = self.number(bits)
        return -size if self.number(1) else size

    def _bit(self) -> int:
        split = 1 + (((self._range - 1) * 128) >> 8)
        bit = int(self._value >= split << 8)
        if bit:
            self._range -= split
            self._value -= split << 8
        else:
            self._range = split
        while self._range < 128:
            self._range <<= 1
            self._value <<= 1
            self._shifts += 1
            if self._shifts == 8:
                self._shifts = 0
                self._value |= self._next_byte()
        return bit

    def _next_byte(self) -> int:
        byte = self._data[self._place] if self._place < len(self._data) else 0
        self._place += 1
        return byte


def quantisers(frame: bytes) -> tuple[int, ...]:
    """Return the quantiser index of each segment, 0 (finest) to 127.

    Args:
        frame: Body of the "VP8 " chunk.

    Raises:
        Damaged: it is too short for a frame header.
    """
    if len(frame) < 12:
        raise Damaged("its picture data makes no sense")
    bits = _Bits(frame[10:])
    bits.number(2)  # colour space, clamping
    changes, absolute = _segments(bits)
    bits.number(1 + 6 + 3)  # loop filter: type, level, sharpness
    if bits.number(1) and bits.number(1):
        for _ in range(8):
            bits.flagged(6)
    bits.number(2)  # partitions
    base = bits.number(7)
    found = changes if absolute else [base + change for change in changes]
    return tuple(min(max(index, 0), 127) for index in found)


def quality_of(frame: bytes) -> float:
    """Return the libwebp quality, 0..100, whose quantiser is like this frame's.

    libwebp spreads the segments' quantisers around the one that the quality asks for.
    The coarsest is taken as spread to the utmost, so the answer is never below the
    quality that was asked for, but for rounding.

    Raises:
        Damaged: it is too short for a frame header.
    """
    found = quantisers(frame)
    compression = 1.0 - max(found) / _FINEST
    if len(set(found)) > 1:
        compression **= 1.0 / _UTMOST_SPREAD
    linear = compression**3
    quality = linear * 1.5 if linear < 0.5 else (linear + 1.0) / 2.0
    return 100.0 * min(max(quality, 0.0), 1.0)


def _segments(bits: _Bits) -> tuple[list[int], bool]:
    """Read the segments' quantisers, and whether they replace the frame's own."""
    if not bits.number(1):
        return [0], False
    new_map, new_values = bits.number(1), bits.number(1)
    changes, absolute = [0], False
    if new_values:
        absolute = bool(bits.number(1))
        changes = [bits.flagged(7) for _ in range(4)]
        for _ in range(4):
            bits.flagged(6)
    if new_map:
        for _ in range(3):
            if bits.number(1):
                bits.number(8)
    return changes, absolute
