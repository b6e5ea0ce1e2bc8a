"""Decode picture files with Pillow, which is shown pixels and nothing else.

Pillow gets the file without its metadata (`Facts.bare`), one allowed format, and only
after the size in the header was found to be within the limit. So a hostile profile,
EXIF block or packed text never reaches it.
"""

import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from detectors.arrays import RgbArray
from pipeline.metadata import jpeg, png
from pipeline.metadata.damaged import Damaged
from pipeline.metadata.facts import Facts
from pipeline.metadata.jpeg_scan import check_scan
from pipeline.metadata.orientation import upright

Plane: TypeAlias = npt.NDArray[np.uint8]
"""(H, W) uint8."""

MAX_PIXELS = 1_000_000_000
"""More is never decoded, whatever the settings say."""

_INTERLACED = 28
"""Place in a PNG file of the byte that says whether it is interlaced."""

_DIRECT = frozenset({"L", "LA", "RGB", "RGBA"})
_WHAT_DECODERS_RAISE = (
    OSError,
    SyntaxError,
    ValueError,
    LookupError,
    OverflowError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """The pixels of a file, upright."""

    pixels: RgbArray
    alpha: Plane | None
    mode: str
    """Pillow's name for the stored mode."""


def decode(facts: Facts) -> Decoded:
    """Decode a picture whose size the caller has found acceptable.

    L, LA, RGB and RGBA come out exactly. For looking only, palettes and 1-bit pictures
    come out in their colours, 16-bit ones by their upper byte, and CMYK roughly.

    Raises:
        Damaged: the picture data cannot be decoded, or is not what the header says.
    """
    try:
        image = _open(facts)
    except _WHAT_DECODERS_RAISE as error:
        reason = str(error).partition("\n")[0]
        raise Damaged(f"it cannot be decoded ({reason})") from error
    if facts.format == "PNG" and _may_lack_rows(facts, image):
        png.check_pixels(facts.bare)
    if facts.format == "JPEG":
        check_scan(jpeg.split(facts.bare))
    mode = image.mode
    if mode not in _DIRECT:
        image = _for_looking(image)
    stored = np.asarray(image)
    channels = 1 if stored.ndim == 2 else stored.shape[2]
    grey = stored if stored.ndim == 2 else stored[:, :, 0]
    colour = stored[:, :, :3] if channels >= 3 else np.stack([grey] * 3, axis=-1)
    alpha = stored[:, :, -1] if channels in {2, 4} else None
    return Decoded(
        pixels=upright(colour, facts.orientation),
        alpha=None if alpha is None else upright(alpha, facts.orientation),
        mode=mode,
    )


def _open(facts: Facts) -> Image.Image:
    _lift_limit()
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        image = Image.open(io.BytesIO(facts.bare), formats=(facts.format,))
        if image.size != facts.size:
            raise ValueError("its header and its picture disagree about the size")
        image.load()
    return image


def _may_lack_rows(facts: Facts, image: Image.Image) -> bool:
    """Tell whether the data may have ended early, which Pillow does not say.

    It decodes row by row into zeros, so a last row of anything else is a last row that
    was there. Interlaced pictures are filled in another order.
    """
    last = image.crop((0, image.height - 1, image.width, image.height))
    return bool(facts.bare[_INTERLACED]) or not np.asarray(last).any()


def _lift_limit() -> None:
    # The caller has checked the size against the user's limit, which may be above
    # Pillow's. It only ever goes up, so threads cannot disturb each other.
    if Image.MAX_IMAGE_PIXELS is not None and Image.MAX_IMAGE_PIXELS < MAX_PIXELS:
        Image.MAX_IMAGE_PIXELS = MAX_PIXELS


def _for_looking(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode == "1":
        return image.convert("L")
    if "transparency" in image.info:
        return image.convert("RGBA")
    return image.convert("RGB")
