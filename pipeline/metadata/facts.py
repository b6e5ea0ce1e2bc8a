"""What a picture file says about itself before anything is decoded.

Everything here is read from the file's structure: no decoder has seen it yet.
"""

from dataclasses import dataclass

from detectors.geometry import Size
from pipeline.metadata import exif, jpeg, png, webp
from pipeline.metadata.damaged import Damaged
from pipeline.records import PictureFormat

_PNG_MODES = {0: "L", 2: "RGB", 3: "P", 4: "LA", 6: "RGBA"}
_JPEG_MODES = {1: "L", 3: "RGB", 4: "CMYK"}
_SIGNED = "it carries signed content credentials (C2PA), which a repair would break"
_ANIMATED = "it is animated"
_SEVERAL = "it holds more than one picture"


@dataclass(frozen=True, slots=True)
class Facts:
    """One picture file, as its own structure describes it."""

    format: PictureFormat
    size: Size
    """As stored, before any turning upright."""

    bare: bytes
    """The same picture with pixels only: what a decoder is given."""

    orientation: int = 1
    """EXIF orientation, 1..8."""

    closed: str = ""
    """Why it must not be opened at all, or ""; one clause."""

    one_way: str = ""
    """Why there is no exact way back from decoded pixels, or ""; one clause."""


def format_of(data: bytes) -> PictureFormat | None:
    """Tell the format by the first bytes; None when it is none of the three."""
    if data.startswith(png.SIGNATURE):
        return "PNG"
    if data.startswith(jpeg.START + b"\xff"):
        return "JPEG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    return None


def read_facts(data: bytes) -> Facts:
    """Check the whole structure of a file and say what it holds.

    Raises:
        Damaged: it is no PNG, JPEG or WebP file, or not a whole one.
    """
    kind = format_of(data)
    if kind == "PNG":
        return _png(png.split(data))
    if kind == "JPEG":
        return _jpeg(jpeg.split(data))
    if kind == "WEBP":
        return _webp(webp.split(data))
    raise Damaged("it is no PNG, JPEG or WebP file")


def _png(parts: png.PngParts) -> Facts:
    kinds = {chunk.kind for chunk in parts.extras}
    blocks = [chunk.body for chunk in parts.extras if chunk.kind == b"eXIf"]
    header = parts.header
    mode = _PNG_MODES[header.colour]
    one_way = ""
    if header.depth == 16:
        one_way = "it has 16 bits per channel"
    elif mode == "P":
        one_way = "its colours are a palette"
    elif header.depth < 8:
        one_way = f"it has {header.depth} bit per pixel"
    elif b"tRNS" in kinds:
        one_way = "one of its colours stands for see-through"
    elif kinds & {b"caBX", b"dSIG"}:
        one_way = _SIGNED
    return Facts(
        format="PNG",
        size=header.size,
        bare=png.bare(parts),
        orientation=exif.read_orientation(blocks[0]) if blocks else 1,
        closed=_ANIMATED if b"acTL" in kinds else "",
        one_way=one_way,
    )


def _jpeg(parts: jpeg.JpegParts) -> Facts:
    bodies = [(s.marker, s.body) for s in parts.extras]
    blocks = [b for m, b in bodies if m == jpeg.APP1 and b.startswith(b"Exif\0\0")]
    frame = parts.frame
    mode = _JPEG_MODES.get(len(frame.components))
    closed = one_way = ""
    if frame.precision != 8:
        closed = f"it has {frame.precision} bits per channel"
    elif mode is None:
        closed = f"it has {len(frame.components)} channels"
    elif frame.lossless:
        one_way = "it is a lossless JPEG, which cannot be written again"
    elif mode == "CMYK":
        one_way = "its colours are CMYK"
    elif any(m == 0xE2 and b.startswith(b"MPF\0") for m, b in bodies):
        one_way = _SEVERAL
    elif any(m == jpeg.APP11 and b"c2pa" in b[:128] for m, b in bodies):
        one_way = _SIGNED
    return Facts(
        format="JPEG",
        size=frame.size,
        bare=jpeg.bare(parts),
        orientation=exif.read_orientation(blocks[0]) if blocks else 1,
        closed=closed,
        one_way=one_way,
    )


def _webp(parts: webp.WebpParts) -> Facts:
    kinds = {chunk.kind for chunk in parts.extras}
    blocks = [chunk.body for chunk in parts.extras if chunk.kind == b"EXIF"]
    return Facts(
        format="WEBP",
        size=parts.size,
        bare=webp.bare(parts),
        orientation=exif.read_orientation(blocks[0]) if blocks else 1,
        closed=_ANIMATED if parts.animated else "",
        one_way=_SIGNED if b"C2PA" in kinds else "",
    )
