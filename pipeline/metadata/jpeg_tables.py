"""The Huffman tables of a JPEG (ITU-T T.81, annex C)."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from pipeline.metadata.damaged import Damaged
from pipeline.metadata.jpeg import Segment

HUFFMAN = 0xC4
"""Marker of a segment that holds tables."""

LARGEST_SIZE = 11
"""Bits of a first coefficient's change, at most."""

STEP_BITS = 6
"""A step is (coefficients << 6) | bits: codes and what follows each of them."""

TO_THE_END = 200
"""Coefficients of a step that ends a block; more than any step inside of one has."""

_END_OF_BLOCK, _SIXTEEN_ZEROS = 0x00, 0xF0
_NOWHERE = 70
"""Coefficients of a step that no table holds: it lands where no block may end."""

_CODES_PER_STEP = 4

TableKey = tuple[int, int]
"""Class (0 for the first coefficient, 1 for the rest) and number of a table."""


@dataclass(frozen=True)
class Table:
    """One Huffman table."""

    codes: Mapping[int, tuple[int, int]]
    """Symbol to (code, length in bits)."""

    @cached_property
    def symbols(self) -> npt.NDArray[np.int16]:
        """(65536,) int16: the symbol that 16 bits begin with, or -1."""
        found = np.full(1 << 16, -1, dtype=np.int16)
        for symbol, (code, length) in self.codes.items():
            found[code << (16 - length) : (code + 1) << (16 - length)] = symbol
        return found

    @cached_property
    def lengths(self) -> npt.NDArray[np.uint8]:
        """(65536,) uint8: the length of the code that 16 bits begin with, or 0."""
        found = np.zeros(1 << 16, dtype=np.uint8)
        for code, length in self.codes.values():
            found[code << (16 - length) : (code + 1) << (16 - length)] = length
        return found

    @cached_property
    def spans(self) -> bytes:
        """65,536 bytes: bits of a first coefficient's code and of what follows it."""
        sizes = np.where(self.symbols <= LARGEST_SIZE, self.symbols, 0)
        return bytes(
            np.where(self.lengths > 0, self.lengths + sizes, 0).astype(np.uint8)
        )

    @cached_property
    def steps(self) -> npt.NDArray[np.uint16]:
        """(65536,) uint16: how far the code that 16 bits begin with leads."""
        symbols = self.symbols.astype(np.int32)
        size, run = symbols & 15, symbols >> 4
        onward = np.where(size > 0, run + 1, _NOWHERE)
        onward[symbols == _SIXTEEN_ZEROS] = 16
        onward[symbols == _END_OF_BLOCK] = TO_THE_END
        onward[symbols < 0] = _NOWHERE
        bits = np.where(symbols < 0, 0, self.lengths + size)
        return (onward << STEP_BITS | bits).astype(np.uint16)

    @cached_property
    def strides(self) -> npt.NDArray[np.uint16]:
        """(65536,) uint16: like `steps`, over as many codes as 16 bits tell, up to 4.

        A stride may lead over the end of a block that has no end sign. Then it ends
        where no block may end, and the block has to be gone over in steps.
        """
        onward = self.steps.astype(np.int64) >> STEP_BITS
        bits = self.steps.astype(np.int64) & ((1 << STEP_BITS) - 1)
        first = np.arange(1 << 16)
        for _ in range(_CODES_PER_STEP - 1):
            window = (first << np.minimum(bits, 16)) & 0xFFFF
            step = self.steps[window].astype(np.int64)
            known = (bits < 16) & (self.lengths[window] <= 16 - bits)
            known &= (self.lengths[window] > 0) & (onward < _NOWHERE)
            onward += np.where(known, step >> STEP_BITS, 0)
            bits += np.where(known, step & ((1 << STEP_BITS) - 1), 0)
        return (onward << STEP_BITS | bits).astype(np.uint16)

    def extended(self, symbols: Set[int]) -> "Table | None":
        """Return the table with codes for these symbols too, if there is room.

        The new codes are the longest, so those that were there stay as they are.
        """
        new = sorted(symbols - self.codes.keys())
        last, length = max(self.codes.values(), key=lambda pair: (pair[1], pair[0]))
        first = (last + 1) << (16 - length)
        # A code of ones only is not allowed (T.81, C.2).
        if first + len(new) >= 1 << 16:
            return None
        added = {symbol: (first + at, 16) for at, symbol in enumerate(new)}
        return Table({**self.codes, **added})

    def holds(self, other: "Table") -> bool:
        """Tell whether whatever the other table codes means the same in this one."""
        return other.codes.items() <= self.codes.items()

    def written(self) -> bytes:
        """Return the table as a file holds it: codes of each length, then symbols."""
        ordered = sorted(self.codes, key=lambda s: self.codes[s][::-1])
        lengths = [length for _, length in self.codes.values()]
        counts = bytes(lengths.count(length) for length in range(1, 17))
        return counts + bytes(ordered)


def read_tables(segments: tuple[Segment, ...]) -> dict[TableKey, Table]:
    """Return every Huffman table by (class, number); class 1 is for the rest."""
    tables: dict[TableKey, Table] = {}
    for segment in segments:
        body = segment.body if segment.marker == HUFFMAN else b""
        while body:
            counts, values = body[1:17], body[17:]
            total = sum(counts)
            if len(counts) < 16 or len(values) < total:
                raise Damaged("one of its code tables is cut short")
            tables[body[0] >> 4, body[0] & 15] = _table(counts, values[:total])
            body = values[total:]
    return tables


@lru_cache(maxsize=16)  # Most files have the tables of the standard's annex K.
def _table(counts: bytes, symbols: bytes) -> Table:
    codes: dict[int, tuple[int, int]] = {}
    code, at = 0, 0
    for length, count in enumerate(counts, start=1):
        for symbol in symbols[at : at + count]:
            codes[symbol] = (code, length)
            code += 1
        at += count
        if code > 1 << length:
            raise Damaged("one of its code tables makes no sense")
        code <<= 1
    if len(codes) != len(symbols):
        raise Damaged("one of its code tables makes no sense")
    return Table(codes)
