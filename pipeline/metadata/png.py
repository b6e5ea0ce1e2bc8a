"""The chunks of a PNG file: find, check, and put together again.

Layout and rules: PNG specification, third edition (W3C, 2025), sections 5 and 11.
"""

import struct
import zlib
from dataclasses import dataclass
from typing import NamedTuple

from detectors.geometry import Size
from pipeline.metadata.damaged import Damaged, EndsEarly

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CRITICAL = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
_DEPTHS = {
    0: (1, 2, 4, 8, 16),
    2: (8, 16),
    3: (1, 2, 4, 8),
    4: (8, 16),
    6: (8, 16),
}
"""Colour type to the bit depths that go with it."""

_MOST_CHUNKS = 100_000
_STEP_BYTES = 1 << 20
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PASSES = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
"""Adam7: first column, first row, column step, row step of each pass."""


class Chunk(NamedTuple):
    """One chunk as it stands in the file."""

    kind: bytes
    body: bytes
    raw: bytes
    """Length, kind, body and checksum."""


@dataclass(frozen=True, slots=True)
class Header:
    """What IHDR says."""

    size: Size
    depth: int
    """Bits per sample."""

    colour: int
    """0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGB with alpha."""

    interlaced: bool = False


@dataclass(frozen=True, slots=True)
class PngParts:
    """A whole PNG file, taken apart."""

    header: Header
    ihdr: Chunk
    before: tuple[Chunk, ...]
    """Everything between IHDR and the first IDAT, in order."""

    image: tuple[Chunk, ...]
    """The IDAT chunks."""

    after: tuple[Chunk, ...]
    """Everything between the last IDAT and IEND, in order."""

    end: Chunk
    trailing: bytes
    """What follows IEND."""

    @property
    def extras(self) -> tuple[Chunk, ...]:
        return self.before + self.after


def split(data: bytes) -> PngParts:
    """Take a PNG file apart, checking every length and every checksum.

    Raises:
        Damaged: it is cut short, a checksum is wrong, or chunks are missing or out of
            order.
    """
    if not data.startswith(SIGNATURE):
        raise Damaged("it does not start like a PNG file")
    chunks: list[Chunk] = []
    place = len(SIGNATURE)
    while not chunks or chunks[-1].kind != b"IEND":
        chunk = _chunk_at(data, place)
        chunks.append(chunk)
        place += len(chunk.raw)
        if len(chunks) > _MOST_CHUNKS:
            raise Damaged("it has more chunks than any picture needs")
    header = _header(chunks[0])
    kinds = [chunk.kind for chunk in chunks]
    if b"IDAT" not in kinds:
        raise Damaged("it holds no picture data")
    first = kinds.index(b"IDAT")
    last = len(kinds) - 1 - kinds[::-1].index(b"IDAT")
    if set(kinds[first : last + 1]) != {b"IDAT"} or kinds.count(b"IHDR") != 1:
        raise Damaged("its chunks are out of order")
    return PngParts(
        header=header,
        ihdr=chunks[0],
        before=tuple(chunks[1:first]),
        image=tuple(chunks[first : last + 1]),
        after=tuple(chunks[last + 1 : -1]),
        end=chunks[-1],
        trailing=data[place:],
    )


def join(parts: PngParts) -> bytes:
    """Return the file again; `join(split(data)) == data`."""
    chunks = (parts.ihdr, *parts.before, *parts.image, *parts.after, parts.end)
    return SIGNATURE + b"".join(chunk.raw for chunk in chunks) + parts.trailing


def bare(parts: PngParts) -> bytes:
    """Return the same picture without anything that is not pixels."""
    pixels = (c for c in parts.before if c.kind in {b"PLTE", b"tRNS"})
    chunks = (parts.ihdr, *pixels, *parts.image, parts.end)
    return SIGNATURE + b"".join(chunk.raw for chunk in chunks)


def check_pixels(data: bytes) -> None:
    """Unpack the picture data and see whether it is all there.

    Checksums cannot tell: a file whose data was cut before it was put into chunks has
    good ones, and decoders leave what is missing black.

    Raises:
        Damaged: the picture data is too short, or is not packed properly.
    """
    parts = split(data)
    unpacker = zlib.decompressobj()
    missing = _unpacked_bytes(parts.header)
    try:
        for chunk in parts.image:
            packed = chunk.body
            while packed and missing > 0:
                missing -= len(unpacker.decompress(packed, _STEP_BYTES))
                packed = unpacker.unconsumed_tail
        if missing > 0:
            missing -= len(unpacker.flush())
    except zlib.error as error:
        raise Damaged("its picture data cannot be unpacked") from error
    if missing > 0:
        raise EndsEarly("its picture data ends early")


def make_chunk(kind: bytes, body: bytes) -> Chunk:
    """Build a chunk with its length and checksum."""
    checksum = zlib.crc32(body, zlib.crc32(kind))
    raw = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)
    return Chunk(kind, body, raw)


def _chunk_at(data: bytes, place: int) -> Chunk:
    head = data[place : place + 8]
    if len(head) < 8:
        raise EndsEarly("it is cut short")
    (length,) = struct.unpack(">I", head[:4])
    kind = head[4:]
    raw = data[place : place + 12 + length]
    if len(raw) < 12 + length:
        raise EndsEarly("it is cut short")
    body = raw[8:-4]
    if struct.unpack(">I", raw[-4:])[0] != zlib.crc32(body, zlib.crc32(kind)):
        raise Damaged(f"the checksum of its {_readable(kind)} chunk is wrong")
    if not kind.isalpha() or (kind[:1].isupper() and kind not in _CRITICAL):
        raise Damaged(f"it needs a chunk that no reader knows, {_readable(kind)}")
    return Chunk(kind, body, raw)


def _unpacked_bytes(header: Header) -> int:
    """Return how long the unpacked picture data is: a byte and the pixels per row."""
    bits = header.depth * _CHANNELS[header.colour]
    total = 0
    for x, y, across, down in _PASSES if header.interlaced else ((0, 0, 1, 1),):
        columns = max(0, -((x - header.size.width) // across))
        rows = max(0, -((y - header.size.height) // down))
        if columns:
            total += rows * (1 + (columns * bits + 7) // 8)
    return total


def _header(chunk: Chunk) -> Header:
    if chunk.kind != b"IHDR" or len(chunk.body) != 13:
        raise Damaged("it has no proper header")
    width, height, depth, colour, packing, filters, lacing = struct.unpack(
        ">IIBBBBB", chunk.body
    )
    sound = depth in _DEPTHS.get(colour, ()) and (packing, filters) == (0, 0)
    if not sound or lacing > 1 or not (0 < width < 2**31 and 0 < height < 2**31):
        raise Damaged("its header makes no sense")
    return Header(Size(width, height), depth, colour, bool(lacing))


def _readable(kind: bytes) -> str:
    return repr(kind.decode("ascii", "backslashreplace"))
