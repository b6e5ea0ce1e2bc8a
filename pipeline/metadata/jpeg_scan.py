"""Walk the coded data of a baseline JPEG block by block, without decoding pixels.

Where each block begins and ends is what it takes to tell damaged data from sound data,
and to exchange some blocks and leave the others to the last bit. Coding: ITU-T T.81,
annexes B and F.
"""

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from detectors.geometry import Size
from pipeline.metadata.damaged import Damaged, EndsEarly
from pipeline.metadata.jpeg import JpegParts, Segment
from pipeline.metadata.jpeg_tables import (
    STEP_BITS,
    TO_THE_END,
    Table,
    TableKey,
    read_tables,
)

_RESTARTS, _SCAN = 0xDD, 0xDA
_BASELINE = frozenset({0xC0, 0xC1})
_RESTART = re.compile(rb"\xff+[\xd0-\xd7]")
_STEP_MASK = (1 << STEP_BITS) - 1

MAX_SCAN_BYTES = 4 * 2**20
"""More is not walked: it takes 50 times its size in memory. About 6 megapixels at
quality 95."""


class Unwalkable(Exception):
    """The scan is of another kind (progressive, several scans) or too long."""


class Slot(NamedTuple):
    """One block of an MCU: which component, and the tables that code it."""

    component: int
    steady: TableKey
    """Table of the first coefficient."""

    rest: TableKey
    """Table of all others."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the blocks of a scan follow each other."""

    slots: tuple[Slot, ...]
    """The blocks of one MCU, in order."""

    tables: Mapping[TableKey, Table]
    """The tables that the slots name."""

    mcu: Size
    """Pixels of one MCU."""

    grid: Size
    """MCUs across and down."""

    interval: int
    """MCUs between restarts; all of them when there are none."""


@dataclass(frozen=True, slots=True, eq=False)
class Interval:
    """The MCUs between two restarts."""

    data: bytes
    """Coded bits, without the zeros that are stuffed behind FF."""

    starts: npt.NDArray[np.int64]
    """(blocks + 1,) int64: the bit at which each block begins, and the end."""

    rests: npt.NDArray[np.int64]
    """(blocks,) int64: the bit at which its coefficients after the first begin."""


def layout_of(parts: JpegParts) -> Layout:
    """Return how the blocks of the only scan are laid out.

    Raises:
        Unwalkable: it is not baseline, or there are several scans.
        Damaged: the scan names tables or components that are not there.
    """
    scans = [s for s in parts.segments if s.marker == _SCAN]
    if parts.frame.marker not in _BASELINE or len(scans) != 1:
        raise Unwalkable
    components = parts.frame.components
    header = scans[0].body
    if len(header) != 4 + 2 * len(components) or header[0] != len(components):
        raise Unwalkable
    tables = read_tables(parts.segments)
    slots: list[Slot] = []
    for number, component in enumerate(components):
        identity, chosen = header[1 + 2 * number : 3 + 2 * number]
        slot = Slot(number, (0, chosen >> 4), (1, chosen & 15))
        if identity != component.identity or not {slot.steady, slot.rest} <= set(
            tables
        ):
            raise Damaged("its scan names what is not there")
        # A single component is not interleaved: one block is one MCU.
        count = component.across * component.down if len(components) > 1 else 1
        slots += [slot] * count
    across = max(c.across for c in components) if len(components) > 1 else 1
    down = max(c.down for c in components) if len(components) > 1 else 1
    if not 1 <= len(slots) <= 10:
        raise Damaged("its scan makes no sense")
    mcu = Size(8 * across, 8 * down)
    size = parts.frame.size
    grid = Size(-(-size.width // mcu.width), -(-size.height // mcu.height))
    interval = _restart_interval(parts.segments) or grid.width * grid.height
    return Layout(tuple(slots), tables, mcu, grid, interval)


def walk(parts: JpegParts, layout: Layout) -> tuple[Interval, ...]:
    """Find every block of the scan.

    Raises:
        Unwalkable: there is too much data.
        Damaged: the data ends early, goes on too long, or means nothing.
    """
    scan = next(s for s in parts.segments if s.marker == _SCAN)
    coded = scan.raw[header_bytes(scan) :].rstrip(b"\xff")  # Padding, not data.
    if len(coded) > MAX_SCAN_BYTES:
        raise Unwalkable
    pieces = _RESTART.split(coded)
    left = layout.grid.width * layout.grid.height
    if len(pieces) != -(-left // layout.interval):
        raise EndsEarly("its picture data ends early")
    intervals: list[Interval] = []
    for piece in pieces:
        count = min(left, layout.interval)
        data = piece.replace(b"\xff\0", b"\xff")
        intervals.append(_walk_interval(data, layout, count))
        left -= count
    return tuple(intervals)


def _walk_interval(data: bytes, layout: Layout, mcus: int) -> Interval:
    windows = windows_of(data)
    spans = [layout.tables[slot.steady].spans for slot in layout.slots]
    strides = [layout.tables[slot.rest].strides.data for slot in layout.slots]
    steps = [layout.tables[slot.rest].steps.data for slot in layout.slots]
    plan = list(zip(spans, strides, steps, strict=True))
    bits = windows.data
    starts = [0]
    place = 0
    try:
        for _ in range(mcus):
            for span, strided, stepped in plan:
                start = place + span[bits[place]]
                place = _block_end(bits, start, strided)
                if place < 0:
                    place = _block_end(bits, start, stepped)
                if place < 0:
                    raise Damaged("its picture data holds codes that mean nothing")
                starts.append(place)
    except IndexError as error:
        raise EndsEarly("its picture data ends early") from error
    over = 8 * len(data) - place
    if over < 0:
        raise EndsEarly("its picture data ends early")
    if over >= 8:
        raise Damaged("its picture data goes on after its end")
    found = np.array(starts, dtype=np.int64)
    rests = found[:-1].copy()
    for number, span in enumerate(spans):
        lengths = np.frombuffer(span, dtype=np.uint8)
        rests[number :: len(spans)] += lengths[
            windows[found[:-1][number :: len(spans)]]
        ]
    if (rests == found[:-1]).any():
        raise Damaged("its picture data holds codes that mean nothing")
    return Interval(data, found, rests)


def _block_end(bits: "memoryview[int]", place: int, steps: "memoryview[int]") -> int:
    """Go over a block's coefficients after the first; return its end, or -1."""
    coefficient = 1
    while coefficient < 64:
        step = steps[bits[place]]
        place += step & _STEP_MASK
        coefficient += step >> STEP_BITS
    if coefficient == 64 or TO_THE_END < coefficient < TO_THE_END + 64:
        return place
    return -1


def check_scan(parts: JpegParts) -> None:
    """See whether the coded data is all there and means something.

    libjpeg only warns where it is not, and fills up with grey. Progressive files, those
    of several scans and very long ones are passed without a look.

    Raises:
        Damaged: the data ends early, goes on too long, or means nothing.
    """
    try:
        walk(parts, layout_of(parts))
    except Unwalkable:
        return


def windows_of(data: bytes) -> npt.NDArray[np.uint16]:
    """Return the 16 bits that begin at each bit, (8 * len(data) + 1,) uint16."""
    padded = np.frombuffer(data + b"\xff" * 3, dtype=np.uint8).astype(np.uint32)
    wide = padded[:-2] << 16 | padded[1:-1] << 8 | padded[2:]
    windows = np.empty((len(wide), 8), dtype=np.uint16)
    for shift in range(8):
        windows[:, shift] = wide >> (8 - shift)
    return windows.reshape(-1)[: 8 * len(data) + 1]


def _restart_interval(segments: tuple[Segment, ...]) -> int:
    found = [s.body for s in segments if s.marker == _RESTARTS and len(s.body) == 2]
    return int(struct.unpack(">H", found[-1])[0]) if found else 0


def header_bytes(scan: Segment) -> int:
    """Return how many bytes of a scan come before its coded data."""
    padding = len(scan.raw) - len(scan.raw.lstrip(b"\xff"))
    return padding + 1 + 2 + len(scan.body)
