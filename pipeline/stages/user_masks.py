"""Read the masks that the user gives along."""

from pathlib import Path, PurePosixPath

import numpy as np

from detectors.arrays import MaskArray
from detectors.geometry import Size
from pipeline.codec import Plane, decode
from pipeline.errors import NotSupported, Unreadable, UsageError
from pipeline.metadata.damaged import Damaged
from pipeline.metadata.facts import read_facts
from pipeline.names import shown
from pipeline.reading import read_regular

SUFFIXES = (".png", ".webp", ".jpg", ".jpeg")
MAX_BYTES = 256 * 2**20
MAX_MEGAPIXELS = 100
_WHITE_ABOVE = 127


def load_mask(masks: Path | None, key: str, size: Size) -> MaskArray | None:
    """Return the user's mask for one picture, at the picture's size.

    White is repainted. In a mask with an alpha channel that is not all the same, what
    is painted (opaque) is repainted, whatever its colour. A mask of another size is
    fitted by its nearest pixels.

    Args:
        masks: A folder with the pictures' own paths in it (`a/b.png` is the mask of
            `a/b.jpg`), or one file that is the mask of every picture; None for none.
        key: The picture.
        size: The picture's size, upright.

    Returns:
        (H, W) bool, True = repaint; None when there is no mask for this picture.

    Raises:
        UsageError: `masks` does not exist.
        Unreadable: the mask is no sound picture.
        NotSupported: the mask is animated or too large.
    """
    path = find_mask(masks, key)
    return None if path is None else _fitted(_read(path), size)


def find_mask(masks: Path | None, key: str) -> Path | None:
    """Return the file that holds the mask of a picture; None when there is none.

    Raises:
        UsageError: `masks` does not exist.
    """
    if masks is None:
        return None
    if masks.is_dir():
        own = PurePosixPath(key)
        # The picture's own suffix first.
        names = [own, *(own.with_suffix(suffix) for suffix in SUFFIXES)]
        return next((masks / n for n in names if _is_file(masks / n)), None)
    if not masks.exists():
        raise UsageError(
            f"there is no mask file or folder {shown(masks)}; check --masks"
        )
    return masks


def _is_file(path: Path) -> bool:
    """Tell whether a mask lies there; under a name too long for a file, none does."""
    try:
        return path.is_file()
    except OSError:
        return False


def _read(path: Path) -> Plane:
    """Return the mask as (H, W) uint8, bright where it is to be repainted."""
    name = shown(path)
    try:
        # Whoever names a mask may reach it by links; pictures found by walking may not.
        real = path.resolve()
        facts = read_facts(read_regular(real.parent, real.name, MAX_BYTES))
        if facts.closed:
            raise NotSupported(f"the mask {name} cannot be used: {facts.closed}")
        if facts.size.width * facts.size.height > MAX_MEGAPIXELS * 1e6:
            raise NotSupported(f"the mask {name} is over {MAX_MEGAPIXELS} megapixels")
        decoded = decode(facts)
    except Damaged as error:
        raise Unreadable(f"the mask {name} is not sound: {error}") from error
    alpha = decoded.alpha
    if alpha is not None and alpha.min() != alpha.max():
        return alpha
    grey: Plane = np.rint(decoded.pixels.mean(axis=2)).astype(np.uint8)
    return grey


def _fitted(plane: Plane, size: Size) -> MaskArray:
    height, width = plane.shape
    rows = (np.arange(size.height) * 2 + 1) * height // (2 * size.height)
    columns = (np.arange(size.width) * 2 + 1) * width // (2 * size.width)
    mask: MaskArray = plane[np.ix_(rows, columns)] > _WHITE_ABOVE
    return mask
