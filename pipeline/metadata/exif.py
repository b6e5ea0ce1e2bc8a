"""Read the few EXIF fields that matter here, from bytes that nobody vouches for.

Layout: TIFF 6.0, section 2; the fields' numbers are those of Exif 2.32.
"""

import struct
from collections.abc import Mapping

MAKE, MODEL, DESCRIPTION, ORIENTATION = 0x010F, 0x0110, 0x010E, 0x0112
USER_COMMENT = 0x9286
_EXIF_FOLDER = 0x8769
_WIDTHS = {1: 1, 2: 1, 3: 2, 4: 4, 7: 1}
"""Field type to bytes per value, for the types of the fields above."""

_MOST_FIELDS = 512
_PREFIX = b"Exif\0\0"


def read_fields(block: bytes) -> Mapping[int, bytes]:
    """Return the raw values of the first folder and of its EXIF folder, by number.

    Numbers come out big-endian, whatever the block says. A damaged block gives what
    could be read of it; it never raises.
    """
    block = block.removeprefix(_PREFIX)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None:
        return {}
    fields = _folder(block, order, _number(block, order, 4))
    inner = fields.get(_EXIF_FOLDER)
    if inner is not None and len(inner) == 4:
        fields |= _folder(block, order, int.from_bytes(inner, "big"))
    return fields


def read_orientation(block: bytes) -> int:
    """Return the EXIF orientation, 1..8; 1 when there is none or it makes no sense."""
    value = int.from_bytes(read_fields(block).get(ORIENTATION, b"\0\1")[:2], "big")
    return value if 1 <= value <= 8 else 1


def is_little_endian(block: bytes) -> bool:
    """Tell the block's byte order; text in it tends to share it."""
    return block.removeprefix(_PREFIX).startswith(b"II")


def _folder(block: bytes, order: str, place: int) -> dict[int, bytes]:
    fields: dict[int, bytes] = {}
    head = block[place : place + 2]
    if len(head) < 2 or place < 8:
        return fields
    for number in range(min(struct.unpack(order + "H", head)[0], _MOST_FIELDS)):
        entry = block[place + 2 + 12 * number : place + 14 + 12 * number]
        if len(entry) < 12:
            break
        tag, kind, count = struct.unpack(order + "HHI", entry[:8])
        length = _WIDTHS.get(kind, 0) * count
        at = _number(entry, order, 8)
        value = entry[8 : 8 + length] if length <= 4 else block[at : at + length]
        if len(value) == length and length:
            swap = order == "<" and kind in {3, 4} and count == 1
            fields.setdefault(tag, value[::-1] if swap else value)
    return fields


def _number(block: bytes, order: str, place: int) -> int:
    raw = block[place : place + 4]
    if len(raw) < 4:
        return 0
    number: int = struct.unpack(order + "I", raw)[0]
    return number
