"""Keep the pictures that a report shows: small, and named so that no key can harm."""

import hashlib
import re
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from detectors.arrays import RgbArray
from pipeline.files import Disk, check_there, write_whole

WEBP_QUALITY = 90
"""Of 100: no blocks to be seen in a cut-out at twice its size."""

WEBP_MAX_PX = 16383
"""The longest side that the format can hold (RFC 9649, section 2.6)."""

PREVIEW_PX = 1024
"""The longest side of a preview."""

THUMB_PX = 320
"""The longest side of a thumbnail: a card of the report at twice its size."""

THUMB_QUALITY = 75
"""Of 100; a thumbnail of a photograph takes about 12 kB."""

UNHURRIED = Disk(fsync=lambda _descriptor: None)
"""For what can be drawn again: a power cut may leave an empty file."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


class Keeps(Protocol):
    """Takes the pictures that are to be shown later."""

    def keep(self, key: str, name: str, array: npt.NDArray[Any]) -> str:
        """Keep a picture or a mask of the picture `key`, and say where.

        Args:
            key: The picture's identity in the run.
            name: What this shows; lower-case letters, digits and dashes.
            array: (H, W, 3) uint8 RGB, (H, W) bool, or (H, W, 4) uint8 with alpha; the
                last two are kept to the last bit.

        Returns:
            Its path below the state folder, with `/`.
        """
        ...

    def keep_thumb(self, key: str, digest: str, pixels: RgbArray) -> None:
        """Keep a thumbnail of the picture `key` as the file of that digest shows it."""
        ...


class Album:
    """Keeps pictures in the state folder."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def keep(self, key: str, name: str, array: npt.NDArray[Any]) -> str:
        """Write one file: what must be exact as PNG, all else as WebP.

        Raises:
            ValueError: the name has other characters, or the array another type.
            OutputTrouble: the state folder cannot be written to.
        """
        if not _NAME.fullmatch(name):
            raise ValueError(f"not a name for a kept picture: {name!r}")
        check_there(self._state)
        encoded, suffix = encode(array)
        place = f"{folder_of(key)}/{name}{suffix}"
        write_whole(self._state / place, encoded)
        return place

    def keep_thumb(self, key: str, digest: str, pixels: RgbArray) -> None:
        """Write a thumbnail; the disk is not waited for, as it can be drawn again.

        Raises:
            OutputTrouble: the state folder cannot be written to.
        """
        check_there(self._state)
        write_thumb(self._state / thumb_of(key, digest), pixels)


def folder_of(key: str) -> str:
    """Return where the pictures of `key` lie, below the state folder.

    It is named after a digest of the key, since a key is whatever file name somebody
    chose.
    """
    digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
    return f"pictures/{digest[:2]}/{digest[2:24]}"


def thumb_of(key: str, digest: str) -> str:
    """Return where the thumbnail of a picture's file lies; it may not be there.

    The name tells the content, so that a thumbnail of what was there before is never
    shown for what is there now.
    """
    return f"{folder_of(key)}/thumb-{digest[:16]}.webp"


def exact_of(picture: str) -> str:
    """Return where the exact form of a kept variation lies; it may not be there."""
    stem, _, _ = picture.rpartition(".")
    return f"{stem}-exact.png"


def write_thumb(path: Path, pixels: RgbArray) -> None:
    """Write the thumbnail of a picture, (H, W, 3) uint8 RGB.

    Raises:
        OutputTrouble: the folder cannot be written to.
    """
    small = shrunk(pixels, THUMB_PX)
    blue_first = np.ascontiguousarray(small[:, :, ::-1])
    quality = [cv2.IMWRITE_WEBP_QUALITY, THUMB_QUALITY]
    write_whole(path, _encoded(".webp", blue_first, quality), UNHURRIED)


def encode(array: npt.NDArray[Any]) -> tuple[bytes, str]:
    """Return the file's bytes and its suffix.

    Args:
        array: (H, W, 3) uint8 RGB, (H, W) bool, or (H, W, 4) uint8 with alpha.

    Raises:
        ValueError: it is neither, or it has no pixels.
    """
    if array.ndim == 2 and array.dtype == np.bool_ and array.size:
        return _encoded(".png", array.astype(np.uint8) * np.uint8(255), []), ".png"
    if array.ndim != 3 or array.dtype != np.uint8 or not array.size:
        raise ValueError(f"cannot keep {array.shape} {array.dtype}")
    if array.shape[2] == 4:
        return _encoded(".png", cv2.cvtColor(array, cv2.COLOR_RGBA2BGRA), []), ".png"
    blue_first = np.ascontiguousarray(array[:, :, ::-1])
    if max(array.shape[:2]) > WEBP_MAX_PX:
        return _encoded(".png", blue_first, []), ".png"
    quality = [cv2.IMWRITE_WEBP_QUALITY, WEBP_QUALITY]
    return _encoded(".webp", blue_first, quality), ".webp"


def preview(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return a picture shrunk to at most `PREVIEW_PX` on its longest side."""
    return shrunk(pixels, PREVIEW_PX)


def shrunk(pixels: npt.NDArray[np.uint8], longest_px: int) -> npt.NDArray[np.uint8]:
    """Return a picture shrunk to at most that many pixels on its longest side."""
    height, width = pixels.shape[:2]
    scale = longest_px / max(height, width)
    if scale >= 1:
        return pixels
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small: npt.NDArray[np.uint8] = cv2.resize(
        pixels, size, interpolation=cv2.INTER_AREA
    )
    return small


def _encoded(suffix: str, array: npt.NDArray[Any], options: list[int]) -> bytes:
    done, encoded = cv2.imencode(suffix, array, options)
    if not done:
        raise ValueError(f"cannot encode {array.shape} as {suffix}")
    return bytes(encoded)
