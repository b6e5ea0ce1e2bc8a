"""Exchange some blocks of a baseline JPEG, and leave all others to the last bit.

A JPEG that is decoded and saved again changes a little everywhere. Here only the MCUs
(the squares of 8 or 16 pixels that are coded together) in which a pixel was changed are
coded anew; the bits of all others are copied. What a decoder makes of them is the same
as before, but for the one row of pixels along an exchanged MCU into which it smooths
the subsampled colour.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from detectors.arrays import MaskArray
from pipeline.metadata import jpeg
from pipeline.metadata.jpeg import JpegParts, Segment, make_segment
from pipeline.metadata.jpeg_bits import BitWriter, Code
from pipeline.metadata.jpeg_scan import (
    Interval,
    Layout,
    Unwalkable,
    header_bytes,
    layout_of,
    walk,
    windows_of,
)
from pipeline.metadata.jpeg_tables import HUFFMAN, Table, TableKey

Stored: TypeAlias = npt.NDArray[np.uint8]
Tables: TypeAlias = Mapping[TableKey, Table]
_SCAN, _RESTART = 0xDA, 0xD0
_ALL_SIZES = set(range(12))
"""Any change of a first coefficient may come up, so all its sizes need a code."""


@dataclass(frozen=True, slots=True, eq=False)
class Spliced:
    """A file with some MCUs exchanged."""

    data: bytes
    same: MaskArray
    """(H, W) bool, as stored: True where a decoder gives what it gave before."""


def splice(
    parts: JpegParts,
    before: Stored,
    after: Stored,
    encode_part: Callable[[Stored], bytes],
) -> Spliced:
    """Code anew what differs between two pictures, and copy the rest.

    Args:
        parts: The file that `before` was decoded from.
        before: (H, W) or (H, W, 3) uint8, as stored.
        after: The same picture with some pixels changed.
        encode_part: Encodes a cut-out as a baseline JPEG of the file's own quantisation
            tables and sampling.

    Raises:
        Unwalkable: this file cannot be handled so; it must be coded anew as a whole.
        Damaged: the file's coded data is not sound.
    """
    layout = layout_of(parts)
    intervals = walk(parts, layout)
    touched = _touched(layout, before, after)
    if not touched.any():
        return Spliced(jpeg.join(parts), np.ones(before.shape[:2], dtype=np.bool_))
    origin, cutout = _exchange(touched, layout, after)
    donor = _donor(parts, layout, encode_part(cutout))
    tables = _tables_with_room(layout, donor, origin[origin >= 0].tolist())
    chosen = origin.reshape(-1).tolist()
    step = layout.interval
    blocks = (_Blocks(interval, layout) for interval in intervals)
    pieces = [
        _interval_bytes(own, donor, chosen[n * step : (n + 1) * step], tables)
        for n, own in enumerate(blocks)
    ]
    data = _written(parts, layout, pieces, tables)
    return Spliced(data, ~_grown(touched, layout, before.shape[:2]))


class _Blocks:
    """The blocks of one interval, with their first coefficients in full."""

    def __init__(self, interval: Interval, layout: Layout) -> None:
        self.layout = layout
        self.data = interval.data
        self.starts: list[int] = interval.starts.tolist()
        self._rests: list[int] = interval.rests.tolist()
        self._windows = windows_of(interval.data)
        changes = self._changes(interval)
        # (MCUs, slots): the changes summed up, component by component.
        summed = np.zeros_like(changes)
        for component in {slot.component for slot in layout.slots}:
            own = [n for n, s in enumerate(layout.slots) if s.component == component]
            total = changes[:, own].reshape(-1).cumsum()
            summed[:, own] = total.reshape(-1, len(own))
        self.firsts: list[list[int]] = summed.tolist()

    def _changes(self, interval: Interval) -> npt.NDArray[np.int64]:
        count = len(self.layout.slots)
        changes = np.zeros((len(interval.rests) // count, count), dtype=np.int64)
        for number, slot in enumerate(self.layout.slots):
            codes = self._windows[interval.starts[:-1][number::count]]
            sizes = self.layout.tables[slot.steady].symbols[codes].astype(np.int64)
            bits = self._windows[interval.rests[number::count] - sizes].astype(np.int64)
            values = bits >> (16 - sizes)
            below = values < (1 << np.maximum(sizes - 1, 0))
            signed = np.where(below, values - (1 << sizes) + 1, values)
            changes[:, number] = np.where(sizes > 0, signed, 0)
        return changes

    def bits(self, start: int, stop: int) -> Code:
        """Return the bits from `start` to before `stop`."""
        taken = int.from_bytes(self.data[start >> 3 : (stop + 7) >> 3], "big")
        return taken >> (-stop & 7) & ((1 << (stop - start)) - 1), stop - start

    def rest_bits(self, block: int) -> Code:
        """Return the bits of a block after its first coefficient."""
        return self.bits(self._rests[block], self.starts[block + 1])

    def rest_symbols(self, block: int) -> Iterator[tuple[int, Code]]:
        """Yield a block's symbols after the first, each with the bits that follow."""
        key = self.layout.slots[block % len(self.layout.slots)].rest
        table = self.layout.tables[key]
        place, stop = self._rests[block], self.starts[block + 1]
        while place < stop:
            window = self._windows[place]
            symbol = int(table.symbols[window])
            inside = place + int(table.lengths[window])
            place = inside + (symbol & 15)
            yield symbol, self.bits(inside, place)


def _interval_bytes(
    own: _Blocks, donor: _Blocks, origin: list[int], tables: Tables
) -> bytes:
    """Return the coded data of one interval, some of its MCUs taken from the donor."""
    slots, writer = own.layout.slots, BitWriter()
    as_it_was = all(
        own.layout.tables[k].codes.items() <= t.codes.items() for k, t in tables.items()
    )
    last = [0] * len(slots)
    at = 0
    while at < len(origin):
        source, mcu = (own, at) if origin[at] < 0 else (donor, origin[at])
        for number, slot in enumerate(slots):
            first, block = source.firsts[mcu][number], mcu * len(slots) + number
            _add_first(writer, first - last[slot.component], tables[slot.steady])
            last[slot.component] = first
            if source is own and as_it_was:
                writer.add(own.rest_bits(block))
                continue
            for symbol, extra in source.rest_symbols(block):
                writer.add(tables[slot.rest].codes[symbol])
                writer.add(extra)
        at += 1
        if source is donor or not as_it_was:
            continue
        # What follows up to the next exchange is coded relative to what it was before.
        end = next((n for n in range(at, len(origin)) if origin[n] >= 0), len(origin))
        writer.add(own.bits(own.starts[at * len(slots)], own.starts[end * len(slots)]))
        for number, slot in enumerate(slots):
            last[slot.component] = own.firsts[end - 1][number]
        at = end
    return writer.stuffed()


def _add_first(writer: BitWriter, change: int, table: Table) -> None:
    size = abs(change).bit_length()
    writer.add(table.codes[size])
    writer.add((change if change >= 0 else change + (1 << size) - 1, size))


def _donor(parts: JpegParts, layout: Layout, cutout: bytes) -> _Blocks:
    """Take the cut-out apart, and see that its blocks mean what the file's do."""
    part = jpeg.split(cutout)
    inner = layout_of(part)
    alike = (
        [slot.component for slot in layout.slots]
        == [slot.component for slot in inner.slots]
        and layout.mcu == inner.mcu
        and jpeg.quantisation(parts) == jpeg.quantisation(part)
        and parts.is_rgb == part.is_rgb
    )
    if not alike:
        raise Unwalkable
    return _Blocks(walk(part, inner)[0], inner)


def _tables_with_room(layout: Layout, donor: _Blocks, mcus: list[int]) -> Tables:
    """Return tables for the file that have codes for all that is to be written.

    They are the file's own, with longer codes added where some are missing. A table
    without room for more gives way to the donor's, which has a code for everything;
    then all blocks have to be coded again, which takes longer and changes nothing else.

    Raises:
        Unwalkable: the file has codes of its own that the donor's tables lack.
    """
    wanted: dict[TableKey, set[int]] = {slot.rest: set() for slot in layout.slots}
    for mcu in mcus:
        for number, slot in enumerate(layout.slots):
            found = donor.rest_symbols(mcu * len(layout.slots) + number)
            wanted[slot.rest].update(symbol for symbol, _ in found)
    wanted |= {slot.steady: _ALL_SIZES for slot in layout.slots}
    tables: dict[TableKey, Table] = {}
    for slot, other in zip(layout.slots, donor.layout.slots, strict=True):
        for key, spare in ((slot.steady, other.steady), (slot.rest, other.rest)):
            own, full = layout.tables[key], donor.layout.tables[spare]
            grown = own.extended(wanted[key])
            if grown is None and not own.codes.keys() <= full.codes.keys():
                raise Unwalkable
            tables.setdefault(key, grown or full)
    return tables


def _written(
    parts: JpegParts, layout: Layout, pieces: list[bytes], tables: Tables
) -> bytes:
    """Return the file with new coded data and, where they grew, new tables."""
    at = next(n for n, s in enumerate(parts.segments) if s.marker == _SCAN)
    scan = parts.segments[at]
    coded = bytearray(scan.raw[: header_bytes(scan)])
    for number, piece in enumerate(pieces):
        if number:
            coded += bytes([0xFF, _RESTART + (number - 1) % 8])
        coded += piece
    body = b"".join(
        bytes([key[0] << 4 | key[1]]) + table.written()
        for key, table in sorted(tables.items(), key=lambda item: item[0])
        if table.codes != layout.tables[key].codes
    )
    grown = (make_segment(HUFFMAN, body),) if body else ()
    fresh = Segment(scan.marker, scan.body, bytes(coded))
    segments = (*parts.segments[:at], *grown, fresh, *parts.segments[at + 1 :])
    return jpeg.join(replace(parts, segments=segments))


def _exchange(
    touched: MaskArray, layout: Layout, after: Stored
) -> tuple[npt.NDArray[np.int64], Stored]:
    """Return which MCU of the cut-out goes where (-1: none), and the cut-out."""
    down, across = np.nonzero(touched)
    rows = slice(int(down.min()), int(down.max()) + 1)
    columns = slice(int(across.min()), int(across.max()) + 1)
    origin = np.full(touched.shape, -1, dtype=np.int64)
    inner = origin[rows, columns]
    inner[...] = np.arange(inner.size).reshape(inner.shape)
    origin[~touched] = -1
    mcu = layout.mcu
    cutout = after[
        rows.start * mcu.height : rows.stop * mcu.height,
        columns.start * mcu.width : columns.stop * mcu.width,
    ]
    return origin, cutout


def _touched(layout: Layout, before: Stored, after: Stored) -> MaskArray:
    """Return (grid.height, grid.width) bool: the MCUs in which a pixel differs."""
    differs = before != after
    if differs.ndim == 3:
        differs = differs.any(axis=2)
    grid, mcu = layout.grid, layout.mcu
    whole = np.zeros((grid.height * mcu.height, grid.width * mcu.width), dtype=np.bool_)
    whole[: differs.shape[0], : differs.shape[1]] = differs
    squares = whole.reshape(grid.height, mcu.height, grid.width, mcu.width)
    return np.asarray(squares.any(axis=(1, 3)))


def _grown(touched: MaskArray, layout: Layout, shape: tuple[int, ...]) -> MaskArray:
    """Return the touched MCUs as pixels, with one pixel more all around."""
    wide = touched.repeat(layout.mcu.height, axis=0).repeat(layout.mcu.width, axis=1)
    grown = np.pad(wide, 1)
    for axis in (0, 1):
        grown = grown | np.roll(grown, 1, axis) | np.roll(grown, -1, axis)
    inner: MaskArray = grown[1:-1, 1:-1][: shape[0], : shape[1]]
    return inner
