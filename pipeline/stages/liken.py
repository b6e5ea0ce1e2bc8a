"""Say in few bits what a picture looks like, so that its like can be found.

Two hashes of 64 bits each, made from the picture's grey levels at 32 x 32:

- which of the 64 lowest frequencies of its cosine transform lie above their median
  (the perceptual hash; Zauner, "Implementation and Benchmarking of Perceptual Image
  Hash Functions", 2010);
- whether each of 8 x 8 cells is brighter than its right-hand neighbour (the difference
  hash; Krawetz, "Kind of Like That", 2013).

The first sees the composition, the second its edges; two pictures that differ in one
bit in sixteen or less over both are nearly the same.
"""

import hashlib

import cv2
import numpy as np
import numpy.typing as npt

from detectors.arrays import RgbArray, check_rgb
from pipeline.records import Likeness

_SIDE = 32
_CELLS = 8
_FLAT = 4.0
"""Standard deviation of grey levels, of 255, below which nothing is shown to liken."""


def liken(pixels: RgbArray) -> Likeness:
    """Return what tells whether two pictures are the same, or nearly so.

    Args:
        pixels: (H, W, 3) uint8 RGB, upright.
    """
    check_rgb(pixels)
    height, width = pixels.shape[:2]
    held = hashlib.sha256(f"{width}x{height}:".encode())
    held.update(np.ascontiguousarray(pixels).data)
    return Likeness(held.hexdigest(), _look(pixels))


def _look(pixels: RgbArray) -> str:
    """Return 128 bits in hex, or "" where next to nothing is shown."""
    # Scaled by area in colour first: turning a large picture grey costs more.
    small = cv2.resize(pixels, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    if float(grey.std()) < _FLAT:
        return ""
    bits = np.concatenate([_composition(grey), _edges(grey)])
    return np.packbits(bits).tobytes().hex()


def _composition(grey: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    low = cv2.dct(grey)[:_CELLS, :_CELLS].reshape(-1)
    # The first is the mean brightness, which says nothing about the composition.
    above: npt.NDArray[np.bool_] = low > np.median(low[1:])
    above[0] = False
    return above


def _edges(grey: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    cells = cv2.resize(grey, (_CELLS + 1, _CELLS), interpolation=cv2.INTER_AREA)
    brighter: npt.NDArray[np.bool_] = (cells[:, 1:] > cells[:, :-1]).reshape(-1)
    return brighter
