"""The segments of a JPEG file: find, check, and put together again.

Layout and rules: ITU-T T.81, annex B; the JFIF and Adobe conventions for colour as
libjpeg reads them.
"""

import re
import struct
from dataclasses import dataclass
from typing import NamedTuple

from detectors.geometry import Size
from pipeline.metadata.damaged import Damaged, EndsEarly

START = b"\xff\xd8"
END = b"\xff\xd9"
APP0, APP1, APP10, APP11, APP14, APP15 = 0xE0, 0xE1, 0xEA, 0xEB, 0xEE, 0xEF
COMMENT = 0xFE
_SCAN, _END, _TABLES, _LINES = 0xDA, 0xD9, 0xDB, 0xDC
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ENDS_ENTROPY = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""In entropy-coded data, FF is followed by 00, by a restart marker, or it ends."""

_MOST_SEGMENTS = 100_000

_ZIGZAG = sorted(
    range(64),
    key=lambda at: (
        at // 8 + at % 8,
        at // 8 if (at // 8 + at % 8) % 2 else at % 8,
    ),
)
"""Order of a block's 64 coefficients in the file, as places row by row."""


class Segment(NamedTuple):
    """One segment as it stands in the file; a scan includes its coded data."""

    marker: int
    body: bytes
    """What follows the length; for a scan, the scan's header only."""

    raw: bytes

    @property
    def is_extra(self) -> bool:
        """Tell whether this is metadata (APPn or a comment) and not the picture."""
        return APP0 <= self.marker <= APP15 or self.marker == COMMENT


class Component(NamedTuple):
    """One colour of the frame."""

    identity: int
    across: int
    """Sampling factor, horizontally."""

    down: int
    table: int
    """Number of its quantisation table."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What the frame header says."""

    marker: int
    precision: int
    """Bits per sample."""

    size: Size
    components: tuple[Component, ...]

    @property
    def progressive(self) -> bool:
        return self.marker in {0xC2, 0xC6, 0xCA, 0xCE}

    @property
    def lossless(self) -> bool:
        return self.marker in {0xC3, 0xC7, 0xCB, 0xCF}


@dataclass(frozen=True, slots=True)
class JpegParts:
    """A whole JPEG file, taken apart."""

    frame: Frame
    segments: tuple[Segment, ...]
    """Everything between the start and the end marker, in order."""

    trailing: bytes
    """What follows the end marker."""

    @property
    def extras(self) -> tuple[Segment, ...]:
        return tuple(s for s in self.segments if s.is_extra)

    @property
    def is_rgb(self) -> bool:
        """Tell whether three components are RGB and not YCbCr, as libjpeg decides."""
        if len(self.frame.components) != 3:
            return False
        bodies = [(s.marker, s.body) for s in self.segments]
        if any(m == APP0 and b.startswith(b"JFIF\0") for m, b in bodies):
            return False
        adobe = [b for m, b in bodies if m == APP14 and b.startswith(b"Adobe")]
        if adobe and len(adobe[-1]) >= 12:
            return adobe[-1][11] == 0
        return tuple(c.identity for c in self.frame.components) == tuple(b"RGB")


def split(data: bytes) -> JpegParts:
    """Take a JPEG file apart, checking every length, up to its end marker.

    Raises:
        Damaged: it is cut short, or there is something between its segments.
    """
    if not data.startswith(START + b"\xff"):
        raise Damaged("it does not start like a JPEG file")
    segments: list[Segment] = []
    place = len(START)
    while (marker := _marker_at(data, place)) != _END:
        segments.append(_segment_at(data, place, marker))
        place += len(segments[-1].raw)
        if len(segments) > _MOST_SEGMENTS:
            raise Damaged("it has more segments than any picture needs")
    place = data.index(END, place) + len(END)
    frames = [s for s in segments if s.marker in _FRAMES]
    if len(frames) != 1 or _SCAN not in {s.marker for s in segments}:
        raise Damaged("it holds no picture data, or more than one picture's")
    return JpegParts(_frame(frames[0]), tuple(segments), data[place:])


def join(parts: JpegParts) -> bytes:
    """Return the file again; `join(split(data)) == data` but for padding."""
    return START + b"".join(s.raw for s in parts.segments) + END + parts.trailing


def bare(parts: JpegParts) -> bytes:
    """Return the same picture without anything that does not bear on its pixels."""
    kept = (
        s.raw
        for s in parts.segments
        if not s.is_extra
        or (s.marker == APP0 and s.body.startswith(b"JFIF\0"))
        or (s.marker == APP14 and s.body.startswith(b"Adobe"))
    )
    return START + b"".join(kept) + END


def quantisation(parts: JpegParts) -> tuple[tuple[int, ...], ...]:
    """Return the quantisation table of each component, 64 steps row by row.

    Raises:
        Damaged: a table is missing or cut short.
    """
    tables: dict[int, tuple[int, ...]] = {}
    for segment in parts.segments:
        body = segment.body if segment.marker == _TABLES else b""
        while body:
            wide, number = body[0] >> 4, body[0] & 15
            length = 1 + 64 * (2 if wide else 1)
            if len(body) < length:
                raise Damaged("one of its quantisation tables is cut short")
            steps = struct.unpack(">64H" if wide else ">64B", body[1:length])
            pairs = sorted(zip(_ZIGZAG, steps, strict=True))
            tables[number] = tuple(step for _, step in pairs)
            body = body[length:]
    try:
        return tuple(tables[component.table] for component in parts.frame.components)
    except KeyError as error:
        raise Damaged("one of its quantisation tables is missing") from error


def make_segment(marker: int, body: bytes) -> Segment:
    """Build a segment; the body holds at most 65,533 bytes."""
    raw = struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body
    return Segment(marker, body, raw)


def _marker_at(data: bytes, place: int) -> int:
    if data[place : place + 1] != b"\xff":
        raise Damaged(
            "it is cut short" if place >= len(data) else "it has gaps between its parts"
        )
    while data[place : place + 1] == b"\xff":
        place += 1
    if place >= len(data):
        raise EndsEarly("it is cut short")
    return data[place]


def _segment_at(data: bytes, place: int, marker: int) -> Segment:
    start = place
    while data[place] == 0xFF:
        place += 1
    place += 1
    if marker < 0xC0 or 0xD0 <= marker <= 0xD8:
        raise Damaged(f"it has a marker {marker:#04x} where none may be")
    size = data[place : place + 2]
    if len(size) < 2:
        raise EndsEarly("it is cut short")
    (length,) = struct.unpack(">H", size)
    end = place + length
    if length < 2:
        raise Damaged("one of its segments has no length")
    if end > len(data):
        raise EndsEarly("it is cut short")
    body = data[place + 2 : end]
    if marker == _LINES:
        raise Damaged("it tells its height only at its end")
    if marker == _SCAN:
        found = _ENDS_ENTROPY.search(data, end)
        if found is None:
            raise EndsEarly("it is cut short")
        end = found.start()
    return Segment(marker, body, data[start:end])


def _frame(segment: Segment) -> Frame:
    body = segment.body
    if len(body) < 6 or len(body) != 6 + 3 * body[5] or not body[5]:
        raise Damaged("its header makes no sense")
    precision, height, width, count = struct.unpack(">BHHB", body[:6])
    if not width or not height:
        raise Damaged("its header makes no sense")
    components = tuple(
        Component(body[at], body[at + 1] >> 4, body[at + 1] & 15, body[at + 2])
        for at in range(6, 6 + 3 * count, 3)
    )
    return Frame(segment.marker, precision, Size(width, height), components)
