"""Find the texts in a picture file: PNG text chunks, EXIF, comments.

All of it is hostile: lengths are bounded before anything is unpacked, and what makes no
sense is passed over.
"""

import zlib
from collections.abc import Mapping

from pipeline.metadata import exif, jpeg, png, webp
from pipeline.metadata.damaged import Damaged
from pipeline.metadata.facts import format_of

MAX_TEXT_BYTES = 2 * 1024 * 1024
"""The longest text that is read; a large ComfyUI graph is a tenth of this."""

MAX_ALL_BYTES = 4 * MAX_TEXT_BYTES
"""What is read of all texts of one file together."""


def read_texts(encoded: bytes) -> Mapping[str, str]:
    """Return the texts of a file by keyword; the first of a keyword wins.

    PNG texts have their own keywords. What EXIF and JPEG comments hold has no keyword,
    so it goes by "UserComment", "ImageDescription", "Make", "Model" and "Comment".
    """
    try:
        kind = format_of(encoded)
        if kind == "PNG":
            return _png_texts(png.split(encoded))
        if kind == "JPEG":
            return _jpeg_texts(jpeg.split(encoded))
        if kind == "WEBP":
            blocks = [c.body for c in webp.split(encoded).extras if c.kind == b"EXIF"]
            return _exif_texts(blocks[0]) if blocks else {}
    except Damaged:
        pass
    return {}


def _png_texts(parts: png.PngParts) -> dict[str, str]:
    texts: dict[str, str] = {}
    readers = {b"tEXt": _plain, b"zTXt": _packed, b"iTXt": _international}
    room = MAX_ALL_BYTES
    for chunk in parts.extras:
        if chunk.kind in readers and room > 0:
            keyword, _, rest = chunk.body.partition(b"\0")
            text = readers[chunk.kind](rest)
            room -= MAX_TEXT_BYTES if text is None else len(text)
            if text is not None:
                texts.setdefault(keyword.decode("latin-1"), text)
        elif chunk.kind == b"eXIf":
            for name, text in _exif_texts(chunk.body).items():
                texts.setdefault(name, text)
    return texts


def _plain(body: bytes) -> str | None:
    # Latin-1 by the standard, but several generators write UTF-8 here.
    if len(body) > MAX_TEXT_BYTES:
        return None
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode("latin-1")


def _packed(body: bytes) -> str | None:
    return _plain(unpacked) if (unpacked := _unpack(body[1:])) is not None else None


def _international(body: bytes) -> str | None:
    is_packed, rest = body[:1] == b"\1", body[2:]
    text = rest.split(b"\0", 2)[-1]
    unpacked = _unpack(text) if is_packed else text
    if unpacked is None or len(unpacked) > MAX_TEXT_BYTES:
        return None
    return unpacked.decode("utf-8", "replace")


def _unpack(packed: bytes) -> bytes | None:
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(packed, MAX_TEXT_BYTES + 1)
    except zlib.error:
        return None
    return text if len(text) <= MAX_TEXT_BYTES else None


def _jpeg_texts(parts: jpeg.JpegParts) -> dict[str, str]:
    texts: dict[str, str] = {}
    for segment in parts.extras:
        if segment.marker == jpeg.APP1 and segment.body.startswith(b"Exif\0\0"):
            for name, text in _exif_texts(segment.body).items():
                texts.setdefault(name, text)
        elif segment.marker == jpeg.COMMENT:
            texts.setdefault("Comment", segment.body.decode("utf-8", "replace"))
    return texts


def _exif_texts(block: bytes) -> dict[str, str]:
    fields = exif.read_fields(block)
    texts: dict[str, str] = {}
    plain = {"ImageDescription": exif.DESCRIPTION, "Make": exif.MAKE}
    for name, number in {**plain, "Model": exif.MODEL}.items():
        value = fields.get(number, b"").rstrip(b"\0")
        if value and len(value) <= MAX_TEXT_BYTES:
            texts[name] = value.decode("utf-8", "replace")
    comment = fields.get(exif.USER_COMMENT, b"")
    if 8 < len(comment) <= MAX_TEXT_BYTES:
        texts["UserComment"] = _user_comment(comment, exif.is_little_endian(block))
    return texts


def _user_comment(value: bytes, little: bool) -> str:
    """Decode a UserComment, whose first eight bytes name its encoding.

    AUTOMATIC1111 writes UTF-16 with the high byte first whatever the block's order is
    (it uses piexif); others follow the block's order. Text in Latin letters tells which
    by the place of its zeros.
    """
    code, text = value[:8], value[8:]
    if code != b"UNICODE\0":
        return text.rstrip(b"\0").decode("utf-8", "replace")
    text = text[: len(text) // 2 * 2]
    if text[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return text.decode("utf-16", "replace")
    high_first, low_first = text[::2].count(0), text[1::2].count(0)
    low_order = low_first > high_first or (little and low_first == high_first)
    encoding = "utf-16-le" if low_order else "utf-16-be"
    return text.decode(encoding, "replace").rstrip("\0")
