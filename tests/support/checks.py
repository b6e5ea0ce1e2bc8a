"""What must hold of pictures, said once."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from detectors.arrays import MaskArray, RgbArray


def assert_same_outside(mask: MaskArray, before: RgbArray, after: RgbArray) -> None:
    """Two pictures are equal to the last bit wherever the mask is not set."""
    assert before.shape == after.shape
    np.testing.assert_array_equal(after[~mask], before[~mask])


def assert_changed_inside(mask: MaskArray, before: RgbArray, after: RgbArray) -> None:
    """Two pictures differ somewhere under the mask."""
    assert (before[mask] != after[mask]).any()


def decoded(data: bytes) -> npt.NDArray[np.uint8]:
    """Return the pixels of a file as Pillow reads them."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))
