"""Write the coded data of a JPEG bit by bit (ITU-T T.81, F.1.2.3)."""

from typing import TypeAlias

Code: TypeAlias = tuple[int, int]
"""Bits as a number, and how many they are."""

_FLUSH_BITS = 4096


class BitWriter:
    """Bits that are being written."""

    def __init__(self) -> None:
        self._done = bytearray()
        self._number = 0
        self._count = 0

    def add(self, code: Code) -> None:
        self._number = self._number << code[1] | code[0]
        self._count += code[1]
        if self._count >= _FLUSH_BITS:
            keep = self._count & 7
            self._done += (self._number >> keep).to_bytes(self._count >> 3, "big")
            self._number &= (1 << keep) - 1
            self._count = keep

    def stuffed(self) -> bytes:
        """Return all bits, filled up with ones, with a zero stuffed behind each FF."""
        fill = -self._count & 7
        last = self._number << fill | ((1 << fill) - 1)
        whole = bytes(self._done) + last.to_bytes((self._count + fill) >> 3, "big")
        return whole.replace(b"\xff", b"\xff\0")
