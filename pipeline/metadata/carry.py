"""Carry everything but the pixels from one file into another, byte for byte.

The pixels come from a freshly written file, all the rest from the source: in a PNG the
chunks before and after the picture data, in a JPEG the APPn and comment segments, in a
WebP all chunks but the picture's, and what follows the end of the file. One entry of
our own is added; it takes the place of the one from the run before.

The own entry is a PNG iTXt chunk of the keyword "nightmend", a JPEG APP10 segment that
opens with "nightmend" and a zero, or a WebP chunk "NMND". None of them is a comment or
EXIF, so no viewer and no prompt reader mistakes it for the picture's own text.
"""

from dataclasses import replace

from pipeline.metadata import jpeg, png, webp
from pipeline.metadata.damaged import Damaged
from pipeline.metadata.facts import format_of
from pipeline.metadata.provenance import KEYWORD, Provenance, from_bytes, to_bytes

_PNG_OPENING = KEYWORD.encode() + b"\0\0\0\0\0"
"""Keyword, no compression, no language, no translated keyword."""

_JPEG_OPENING = KEYWORD.encode() + b"\0"
_WEBP_KIND = b"NMND"
_WEBP_FLAGS = {b"ICCP": webp.ICC, b"EXIF": webp.EXIF, b"XMP ": webp.XMP}


def carry(source: bytes, fresh: bytes, provenance: Provenance | None) -> bytes:
    """Put the pixels of `fresh` into the file `source`.

    Args:
        source: The file whose metadata is kept.
        fresh: A file of the same format, whose pixels are taken.
        provenance: The own entry; None leaves one that is already there as it is.

    Raises:
        Damaged: one of the two is no whole file, or they are of two formats.
    """
    kind = format_of(source)
    if kind is None or kind != format_of(fresh):
        raise Damaged("the two files are of two formats")
    entry = None if provenance is None else to_bytes(provenance)
    if kind == "PNG":
        return _carry_png(png.split(source), png.split(fresh), entry)
    if kind == "JPEG":
        return _carry_jpeg(jpeg.split(source), jpeg.split(fresh), entry)
    return _carry_webp(webp.split(source), webp.split(fresh), entry)


def read_provenance(encoded: bytes) -> Provenance | None:
    """Return the own entry of a file; None when there is none, or it is damaged."""
    try:
        entry = _own_entry(encoded)
    except Damaged:
        return None
    return None if entry is None else from_bytes(entry)


def _carry_png(source: png.PngParts, fresh: png.PngParts, entry: bytes | None) -> bytes:
    after = source.after
    before = source.before
    if entry is not None:
        before = tuple(c for c in before if not _is_own_png(c))
        own = png.make_chunk(b"iTXt", _PNG_OPENING + entry)
        after = (*(c for c in after if not _is_own_png(c)), own)
    return png.join(
        replace(fresh, before=before, after=after, trailing=source.trailing)
    )


def _carry_jpeg(
    source: jpeg.JpegParts, fresh: jpeg.JpegParts, entry: bytes | None
) -> bytes:
    extras = source.extras
    if entry is not None:
        own = jpeg.make_segment(jpeg.APP10, _JPEG_OPENING + entry)
        extras = (*(s for s in extras if not _is_own_jpeg(s)), own)
    picture = tuple(s for s in fresh.segments if not s.is_extra)
    return jpeg.join(
        replace(fresh, segments=extras + picture, trailing=source.trailing)
    )


def _carry_webp(
    source: webp.WebpParts, fresh: webp.WebpParts, entry: bytes | None
) -> bytes:
    kinds = [chunk.kind for chunk in source.chunks]
    middle = next(i for i, kind in enumerate(kinds) if kind in webp.PICTURE)
    before = [c for c in source.chunks[:middle] if c in source.extras]
    after = [c for c in source.chunks[middle:] if c in source.extras]
    if entry is not None:
        before = [c for c in before if c.kind != _WEBP_KIND]
        after = [c for c in after if c.kind != _WEBP_KIND]
        after.append(webp.make_chunk(_WEBP_KIND, entry))
    if not before and not after:
        return webp.wrap(fresh.chunks) + source.trailing
    flags = webp.ALPHA if fresh.has_alpha else 0
    for chunk in (*before, *after):
        flags |= _WEBP_FLAGS.get(chunk.kind, 0)
    head = webp.extended_header(fresh.size, flags)
    return webp.wrap((head, *before, *fresh.image, *after)) + source.trailing


def _own_entry(encoded: bytes) -> bytes | None:
    kind = format_of(encoded)
    if kind == "PNG":
        return next(
            (
                c.body.removeprefix(_PNG_OPENING)
                for c in png.split(encoded).extras
                if _is_own_png(c)
            ),
            None,
        )
    if kind == "JPEG":
        return next(
            (
                s.body.removeprefix(_JPEG_OPENING)
                for s in jpeg.split(encoded).extras
                if _is_own_jpeg(s)
            ),
            None,
        )
    if kind == "WEBP":
        found = (c.body for c in webp.split(encoded).extras if c.kind == _WEBP_KIND)
        return next(found, None)
    return None


def _is_own_png(chunk: png.Chunk) -> bool:
    return chunk.kind == b"iTXt" and chunk.body.startswith(_PNG_OPENING)


def _is_own_jpeg(segment: jpeg.Segment) -> bool:
    return segment.marker == jpeg.APP10 and segment.body.startswith(_JPEG_OPENING)
