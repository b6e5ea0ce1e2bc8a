"""Encode a repaired picture as the file it came from: same format, mode and metadata.

PNG and lossless WebP come out with exactly the given pixels. In a baseline JPEG only
the squares in which something was changed are coded anew, and all others stay to the
last bit (`pipeline.metadata.jpeg_splice`); a progressive one is coded anew as a whole,
with the source's quantisation tables, sampling and colour space. Lossy WebP is written
at the quality estimated from the source's quantisers (`pipeline.metadata.vp8`), with
exact alpha. EXIF and its thumbnail stay byte for byte, so the pixels are turned back to
the stored orientation.
"""

import io
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from detectors.arrays import RgbArray, check_rgb, size_of
from pipeline.codec import Decoded, decode
from pipeline.errors import NotSupported, PictureProblem
from pipeline.metadata import Provenance, carry, jpeg, vp8, webp
from pipeline.metadata.damaged import Damaged
from pipeline.metadata.facts import read_facts
from pipeline.metadata.jpeg_scan import Unwalkable
from pipeline.metadata.jpeg_splice import splice
from pipeline.metadata.orientation import as_stored, upright
from pipeline.names import shown
from pipeline.records import Picture

MODES = frozenset({"L", "LA", "RGB", "RGBA"})
"""What can be written back exactly."""

_WEBP_METHOD = 4
"""Effort of the WebP encoder, 0..6; its own default."""

_SAMPLINGS = {(1, 1): 0, (2, 1): 1, (2, 2): 2}
"""(across, down) of the first component to Pillow's number for 4:4:4, 4:2:2, 4:2:0."""

Stored = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class _Fresh:
    """A newly written file, without the source's metadata."""

    data: bytes
    exact: Stored
    """(H, W) uint8, as stored: 1 where the file must decode to the given pixels."""

    @classmethod
    def all_exact(cls, data: bytes, stored: Stored) -> "_Fresh":
        return cls(data, np.ones(stored.shape[:2], dtype=np.uint8))


def encode(picture: Picture, pixels: RgbArray, provenance: Provenance | None) -> bytes:
    """Return the file of a repaired picture, checked by decoding it again.

    Args:
        picture: Where format, mode, alpha and all metadata come from.
        pixels: (H, W, 3) uint8 RGB, upright, of the picture's size.
        provenance: The own entry to add; None keeps the one that may be there.

    Raises:
        NotSupported: the picture's mode has no exact way back.
        PictureProblem: the written file does not hold what was to be written.
    """
    check_rgb(pixels)
    name = shown(picture.ref.key)
    if size_of(pixels) != picture.size:
        raise ValueError(f"{name} is {picture.size}, got {size_of(pixels)}")
    if picture.mode not in MODES:
        raise NotSupported(f"{name} cannot be written: no way back to {picture.mode}")
    before = as_stored(_in_mode(picture, picture.pixels), picture.orientation)
    after = as_stored(_in_mode(picture, pixels), picture.orientation)
    try:
        fresh = _ENCODERS[picture.format](picture.encoded, before, after)
        data = carry(picture.encoded, fresh.data, provenance)
        written = decode(read_facts(data))
    except Damaged as error:
        raise PictureProblem(f"{name} could not be written: {error}") from error
    if not _is_right(
        picture, pixels, written, upright(fresh.exact, picture.orientation)
    ):
        raise PictureProblem(
            f"{name} could not be written: the new file decodes to something else; "
            "please report this"
        )
    return data


def _in_mode(picture: Picture, pixels: RgbArray) -> Stored:
    """Return the channels of the stored mode, upright."""
    if picture.mode in {"L", "LA"}:
        # Pillow's weights sum to 1, so untouched pixels (R = G = B) come back exactly.
        colour = np.asarray(Image.fromarray(pixels).convert("L"))[:, :, None]
    else:
        colour = pixels
    if picture.alpha is None:
        return colour[:, :, 0] if picture.mode == "L" else colour
    return np.concatenate([colour, picture.alpha[:, :, None]], axis=2)


def _is_right(
    picture: Picture, pixels: RgbArray, written: Decoded, exact: Stored
) -> bool:
    """Tell whether a file decodes to the picture, to the last bit where `exact`."""
    if size_of(written.pixels) != picture.size or not _same_alpha(picture, written):
        return False
    wanted, got = pixels, written.pixels
    if picture.mode in {"L", "LA"}:
        wanted = np.asarray(Image.fromarray(pixels).convert("L"))[:, :, None]
    differs = (wanted != got).any(axis=2)
    if (differs & (exact == 1)).any():
        return False
    return written.mode == picture.mode or picture.format == "WEBP"


def _same_alpha(picture: Picture, written: Decoded) -> bool:
    if picture.alpha is None or written.alpha is None:
        # An encoder may leave out alpha that is opaque everywhere.
        given = picture.alpha if written.alpha is None else written.alpha
        return given is None or bool((given == 255).all())
    return bool(np.array_equal(picture.alpha, written.alpha))


def _png(_source: bytes, _before: Stored, after: Stored) -> _Fresh:
    # OpenCV's own default is 5 times faster than Pillow's at the same size, and twice
    # as fast as OpenCV's explicit level 1; it knows no grey with alpha.
    if after.ndim == 3 and after.shape[2] == 2:
        return _Fresh.all_exact(_by_pillow(after, "PNG", compress_level=1), after)
    turned = after
    if after.ndim == 3:
        turn = cv2.COLOR_RGB2BGR if after.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
        turned = cv2.cvtColor(after, turn)
    done, data = cv2.imencode(".png", turned)
    if not done:
        raise Damaged("OpenCV could not encode it")
    return _Fresh.all_exact(bytes(data), after)


def _jpeg(source: bytes, before: Stored, after: Stored) -> _Fresh:
    parts = jpeg.split(source)
    tables = jpeg.quantisation(parts)
    if len(set(tables[1:])) == 1:
        tables = tables[:2]  # Both colour channels share the second.
    options: dict[str, Any] = {
        "qtables": [list(table) for table in tables],
        "keep_rgb": parts.is_rgb,
    }
    if len(parts.frame.components) == 3:
        first = parts.frame.components[0]
        # Pillow knows three samplings; a rarer one becomes 4:4:4, which loses nothing.
        options["subsampling"] = _SAMPLINGS.get((first.across, first.down), 0)

    def encode_part(cutout: Stored) -> bytes:
        return _by_pillow(cutout, "JPEG", **options)

    try:
        spliced = splice(parts, before, after, encode_part)
    except Unwalkable:
        whole = {"optimize": True, "progressive": parts.frame.progressive}
        data = _by_pillow(after, "JPEG", **options, **whole)
        return _Fresh(data, np.zeros(after.shape[:2], dtype=np.uint8))
    return _Fresh(spliced.data, spliced.same.astype(np.uint8))


def _webp(source: bytes, _before: Stored, after: Stored) -> _Fresh:
    parts = webp.split(source)
    if parts.lossless:
        data = _by_pillow(after, "WEBP", lossless=True, exact=True, method=_WEBP_METHOD)
        return _Fresh.all_exact(data, after)
    frame = next(c.body for c in parts.image if c.kind == b"VP8 ")
    data = _by_pillow(
        after,
        "WEBP",
        quality=vp8.quality_of(frame),
        alpha_quality=100,
        exact=True,
        method=_WEBP_METHOD,
    )
    return _Fresh(data, np.zeros(after.shape[:2], dtype=np.uint8))


def _by_pillow(stored: Stored, format_name: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(stored).save(buffer, format_name, **options)
    return buffer.getvalue()


_ENCODERS = {"PNG": _png, "JPEG": _jpeg, "WEBP": _webp}
