"""Find faces, from 11 px up, with CenterFace through OpenCV.

Decoding follows the network's published post-processing: a heat map at stride 4 whose
peaks carry a size, a sub-cell shift and five points.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from detectors.arrays import RgbArray, check_rgb
from detectors.errors import DetectorFailed
from detectors.geometry import Box, Size

FloatArray = npt.NDArray[np.float32]

_STRIDE = 4
_MULTIPLE = 32
_OUTPUTS = ("537", "538", "539", "540")
"""Names of the heat map, the sizes, the shifts and the points in the network."""

_NMS_OVERLAP = 0.3
_MAX_AREA = 4_000_000
"""Larger pictures are looked at shrunk to this many pixels, so time stays bounded.

The network costs about 0.6 s of CPU per megapixel; the smallest face that can be found
grows from 11 px by the same factor as the picture was shrunk.
"""

_SMALL_AREA = 300_000
"""Smaller pictures are also looked at enlarged twice, which costs little."""

_COARSE_SIDE = 512
"""Big pictures are also looked at this small: faces that fill them are missed else."""

_TILE = 1280
_TILE_OVERLAP = 160


@dataclass(frozen=True, slots=True, eq=False)
class FoundFace:
    """One face, as the finder sees it."""

    box: Box
    """In picture pixels, inside the picture."""

    confidence: float
    """0..1, as the network says; not calibrated."""

    points: FloatArray
    """(5, 2) x and y in picture pixels: eye, eye, nose, mouth corner, mouth corner;
    the first of each pair is the one further left in an upright picture."""

    @property
    def short_side_px(self) -> int:
        return min(self.box.width, self.box.height)


class FaceFinder:
    """Finds faces of any size; not to be shared between threads."""

    def __init__(self, weights: Path) -> None:
        """Load the network.

        Args:
            weights: CenterFace as an ONNX file.

        Raises:
            DetectorFailed: the file cannot be loaded.
        """
        # OpenCV's classic engine keeps the upsampling of the first picture size it saw
        # and answers wrongly for any other; the new engine does not.
        try:
            self._net = cv2.dnn.readNetFromONNX(str(weights), cv2.dnn.ENGINE_NEW)
        except cv2.error as problem:
            raise DetectorFailed(
                f"OpenCV cannot load {weights}: {problem}"
            ) from problem

    def find(self, pixels: RgbArray, *, above: float) -> list[FoundFace]:
        """Return the faces, surest first; overlapping answers are joined.

        Args:
            pixels: (H, W, 3) uint8 RGB.
            above: Confidence from which a face counts, 0..1.

        Raises:
            DetectorFailed: the network could not be run.
        """
        check_rgb(pixels)
        height, width = pixels.shape[:2]
        rows = [
            self._look(view, scale, left, top, above)
            for view, scale, left, top in _views(pixels)
        ]
        found = np.concatenate(rows)
        found = found[_survivors(found[:, :4], found[:, 4])]
        return [
            face
            for row in found
            if (face := _to_face(row, Size(width, height))).box.area > 0
        ]

    def _look(
        self, view: RgbArray, scale: float, left: int, top: int, above: float
    ) -> FloatArray:
        """Return (N, 15): box, confidence and points of one view, in the picture."""
        height, width = view.shape[:2]
        framed = cv2.copyMakeBorder(
            view,
            *(0, -height % _MULTIPLE, 0, -width % _MULTIPLE),
            cv2.BORDER_CONSTANT,
            value=(0, 0, 0),
        )
        # The network reads RGB in 0..255 as it is.
        try:
            self._net.setInput(cv2.dnn.blobFromImage(framed))
            maps = self._net.forward(_OUTPUTS)
        except cv2.error as problem:
            raise DetectorFailed(
                f"the face network could not look: {problem}"
            ) from problem
        found = _decode(*(one[0] for one in maps), above=above)
        spots = found[:, [0, 1, 2, 3, *range(5, 15)]].reshape(-1, 7, 2)
        spots = (spots + np.array([left, top], np.float32)) / scale
        found[:, [0, 1, 2, 3, *range(5, 15)]] = spots.reshape(-1, 14)
        return found


def _views(pixels: RgbArray) -> Iterator[tuple[RgbArray, float, int, int]]:
    """Yield (view, its scale, and its left and top at that scale)."""
    height, width = pixels.shape[:2]
    fine = min(1.0, (_MAX_AREA / (height * width)) ** 0.5)
    for scaled in (_scaled(pixels, fine),):
        for top in _starts(scaled.shape[0]):
            for left in _starts(scaled.shape[1]):
                tile = scaled[top : top + _TILE, left : left + _TILE]
                yield tile, fine, left, top
    coarse = _COARSE_SIDE / max(height, width)
    if coarse < 0.6:
        yield _scaled(pixels, coarse), coarse, 0, 0
    if height * width <= _SMALL_AREA:
        yield _scaled(pixels, 2.0), 2.0, 0, 0


def _scaled(pixels: RgbArray, scale: float) -> RgbArray:
    if scale == 1.0:
        return pixels
    height, width = pixels.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    smaller: RgbArray = cv2.resize(pixels, size, interpolation=how)
    return smaller


def _starts(length: int) -> list[int]:
    """Return where tiles begin along one side, so that neighbours overlap enough."""
    if length <= _TILE:
        return [0]
    count = -(-(length - _TILE_OVERLAP) // (_TILE - _TILE_OVERLAP))
    return [round(step * (length - _TILE) / (count - 1)) for step in range(count)]


def _decode(
    heat: FloatArray,
    sizes: FloatArray,
    shifts: FloatArray,
    points: FloatArray,
    *,
    above: float,
) -> FloatArray:
    """Turn the network's maps, (C, H/4, W/4) each, into (N, 15) rows in view pixels."""
    y, x = np.nonzero(heat[0] > above)
    high, wide = np.exp(sizes[:, y, x].clip(-8, 8)) * _STRIDE
    left = (x + shifts[1, y, x] + 0.5) * _STRIDE - wide / 2
    top = (y + shifts[0, y, x] + 0.5) * _STRIDE - high / 2
    rows = [left, top, left + wide, top + high, heat[0, y, x]]
    for number in range(5):
        rows.append(points[2 * number + 1, y, x] * wide + left)
        rows.append(points[2 * number, y, x] * high + top)
    return np.stack(rows, axis=1).astype(np.float32)


def _survivors(boxes: FloatArray, confidence: FloatArray) -> list[int]:
    """Return the rows that no surer row overlaps, surest first."""
    order = list(np.argsort(-confidence, kind="stable"))
    kept: list[int] = []
    while order:
        best = order.pop(0)
        kept.append(int(best))
        order = [
            other
            for other in order
            if _overlap(boxes[best], boxes[other]) < _NMS_OVERLAP
        ]
    return kept


def _overlap(one: FloatArray, other: FloatArray) -> float:
    """Return intersection over the smaller area, so a part inside a whole is joined."""
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    common = float(np.prod((high - low).clip(0)))
    areas = [float(np.prod((box[2:] - box[:2]).clip(1e-6))) for box in (one, other)]
    return common / min(areas)


def _to_face(row: FloatArray, size: Size) -> FoundFace:
    box = Box.around(*(float(value) for value in row[:4])).clipped(size)
    return FoundFace(box, float(row[4]), row[5:].reshape(5, 2).copy())
