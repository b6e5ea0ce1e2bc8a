"""The chunks of a WebP file: find, check, and put together again.

Layout and rules: RFC 9649 (WebP image format), sections 2 and 3; RFC 6386 (VP8),
sections 9.1 to 9.6 for the quantiser.
"""

import struct
from dataclasses import dataclass
from typing import NamedTuple

from detectors.geometry import Size
from pipeline.metadata.damaged import Damaged, EndsEarly

ICC, ALPHA, EXIF, XMP, ANIMATION = 0x20, 0x10, 0x08, 0x04, 0x02
"""Flags of the extended header."""

EXTENDED = b"VP8X"
_IMAGE = frozenset({b"VP8 ", b"VP8L"})
PICTURE = _IMAGE | {b"ALPH"}
"""Chunks that hold pixels."""

_LAYOUT = PICTURE | {EXTENDED}
_MOST_CHUNKS = 100_000


class Chunk(NamedTuple):
    """One RIFF chunk as it stands in the file."""

    kind: bytes
    body: bytes
    raw: bytes
    """Kind, size, body and padding."""


@dataclass(frozen=True, slots=True)
class WebpParts:
    """A whole WebP file, taken apart."""

    size: Size
    flags: int
    """Of the extended header; 0 when there is none."""

    lossless: bool
    has_alpha: bool
    animated: bool
    chunks: tuple[Chunk, ...]
    trailing: bytes
    """What follows the RIFF container."""

    @property
    def image(self) -> tuple[Chunk, ...]:
        return tuple(c for c in self.chunks if c.kind in PICTURE)

    @property
    def extras(self) -> tuple[Chunk, ...]:
        return tuple(c for c in self.chunks if c.kind not in _LAYOUT)


def split(data: bytes) -> WebpParts:
    """Take a WebP file apart, checking every length.

    Raises:
        Damaged: it is cut short, or its chunks contradict each other.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise Damaged("it does not start like a WebP file")
    (inside,) = struct.unpack("<I", data[4:8])
    end = 8 + inside
    if end > len(data):
        raise EndsEarly("it is cut short")
    chunks = _chunks(data, end)
    if not chunks or chunks[0].kind not in _IMAGE | {EXTENDED}:
        raise Damaged("it holds no picture data")
    flags = _flags(chunks[0])
    animated = bool(flags & ANIMATION) or any(c.kind == b"ANMF" for c in chunks)
    images = [c for c in chunks if c.kind in _IMAGE]
    if len(images) != 1 and not animated:
        raise Damaged("it holds no picture data, or more than one picture's")
    size = _size(chunks[0])
    if not animated and _size(images[0]) != size:
        raise Damaged("its header and its picture disagree about the size")
    lossless = not animated and images[0].kind == b"VP8L"
    alpha = bool(flags & ALPHA)
    if lossless and chunks[0].kind != EXTENDED:
        alpha = bool(images[0].body[4] & 0x10)
    return WebpParts(
        size, flags, lossless, alpha, animated, tuple(chunks), data[max(end, 12) :]
    )


def wrap(chunks: tuple[Chunk, ...]) -> bytes:
    """Return a WebP file of these chunks."""
    inside = b"WEBP" + b"".join(chunk.raw for chunk in chunks)
    return b"RIFF" + struct.pack("<I", len(inside)) + inside


def bare(parts: WebpParts) -> bytes:
    """Return the same picture without anything that is not pixels."""
    head: tuple[Chunk, ...] = ()
    if parts.chunks[0].kind == EXTENDED:
        head = (extended_header(parts.size, parts.flags & ALPHA),)
    return wrap(head + parts.image)


def make_chunk(kind: bytes, body: bytes) -> Chunk:
    """Build a chunk, padded to an even length."""
    raw = kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) & 1)
    return Chunk(kind, body, raw)


def extended_header(size: Size, flags: int) -> Chunk:
    """Build the chunk that announces metadata and alpha."""
    width = (size.width - 1).to_bytes(3, "little")
    height = (size.height - 1).to_bytes(3, "little")
    return make_chunk(EXTENDED, struct.pack("<I", flags) + width + height)


def _chunks(data: bytes, end: int) -> list[Chunk]:
    chunks: list[Chunk] = []
    place = 12
    while place < end:
        if place + 8 > end:
            raise EndsEarly("it is cut short")
        kind = data[place : place + 4]
        (length,) = struct.unpack("<I", data[place + 4 : place + 8])
        stop = place + 8 + length
        if stop > end:
            raise EndsEarly("it is cut short")
        padded = min(stop + (length & 1), end)
        chunks.append(Chunk(kind, data[place + 8 : stop], data[place:padded]))
        place = padded
        if len(chunks) > _MOST_CHUNKS:
            raise Damaged("it has more chunks than any picture needs")
    return chunks


def _flags(first: Chunk) -> int:
    if first.kind != EXTENDED:
        return 0
    if len(first.body) < 10:
        raise Damaged("its header makes no sense")
    flags: int = struct.unpack("<I", first.body[:4])[0]
    return flags


def _size(chunk: Chunk) -> Size:
    body = chunk.body
    if chunk.kind == EXTENDED:
        width = int.from_bytes(body[4:7], "little") + 1
        return Size(width, int.from_bytes(body[7:10], "little") + 1)
    if chunk.kind == b"VP8L" and len(body) > 5 and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return Size((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if chunk.kind == b"VP8 " and len(body) > 10 and body[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", body[6:10])
        if not body[0] & 1 and width & 0x3FFF and height & 0x3FFF:
            return Size(width & 0x3FFF, height & 0x3FFF)
    raise Damaged("its picture data makes no sense")
