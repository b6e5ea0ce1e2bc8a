"""The palm network and the landmark network of MediaPipe's hand_landmarker.task.

The Tasks API hides what matters here: the landmark network's presence, and the maps
inside it that a judge reads. So both networks are run directly.
"""

import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from detectors import weights
from detectors.arrays import RgbArray
from detectors.chatter import quiet
from detectors.errors import DetectorFailed, WeightsWrong
from detectors.hand_framing import FRAME_PX, PointArray

FloatArray = npt.NDArray[np.float32]

PALM_PX = 192
"""Side of the square that the palm network reads."""

_PALM_MEMBER = "hand_detector.tflite"
_LANDMARK_MEMBER = "hand_landmarks_detector.tflite"
_ANCHORS = ((24, 2), (12, 6))
"""Cells a side, and boxes a cell: strides 8 and 16 of the 192 px square."""

_TAPS = (
    *(f"model_1/model/add_{number}/add" for number in (1, 3, 5, 6, 7, 8)),
    "model_1/model/global_average_pooling2d/Mean",
)
"""Inner maps worth reading: 28x28x40, 14x14x80, 14x14x112, three of 7x7x192, 1152."""


@dataclass(frozen=True, slots=True, eq=False)
class Palm:
    """One palm, in pixels of the picture that was shown."""

    centre: PointArray
    """(2,) centre of the box."""

    side_px: float
    wrist: PointArray
    """(2,)"""

    middle_knuckle: PointArray
    """(2,)"""

    score: float
    """0..1"""


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What the landmark network says about one cut-out."""

    points: PointArray
    """(21, 2) float32, in pixels of the cut-out."""

    world: FloatArray
    """(21, 3) float32, metres about the hand's centre."""

    presence: float
    """0..1, that there is a hand."""

    right_hand: float
    """0..1, that it is a right hand."""


class HandNets:
    """Both networks, loaded once; not to be shared between threads."""

    def __init__(self, palm: bytes, landmark: bytes) -> None:
        """Load the two flatbuffers.

        Raises:
            WeightsWrong: one of them is not a network that the runtime can load.
        """
        self._palm = _Net(_PALM_MEMBER, palm, keep_inner=False)
        self._landmark = _Net(_LANDMARK_MEMBER, landmark, keep_inner=True)
        self._anchors = _anchors()

    @classmethod
    def open(cls, path: Path | None = None) -> "HandNets":
        """Load the packaged networks, or those of another .task file.

        Raises:
            WeightsMissing: the package is not installed.
            WeightsWrong: the file is not what it should be.
        """
        path = weights.find("hand_landmarker") if path is None else path
        try:
            with zipfile.ZipFile(path) as task:
                return cls(task.read(_PALM_MEMBER), task.read(_LANDMARK_MEMBER))
        except (zipfile.BadZipFile, KeyError) as problem:
            raise WeightsWrong(
                f"{path} is not a hand landmarker: {problem}; install it afresh"
            ) from problem

    def palms(
        self, pixels: RgbArray, *, above: float, soften: float = 0.0
    ) -> list[Palm]:
        """Return the palms in a picture, best first, overlapping ones joined.

        Args:
            pixels: (H, W, 3) uint8 RGB; shown whole, letterboxed to 192x192.
            above: Palms with a lower score are left out, 0..1.
            soften: Standard deviation of a blur, in pixels of the 192.
        """
        square, ratio, left, top = _letterbox(pixels)
        if soften:
            square[0] = cv2.GaussianBlur(square[0], (0, 0), soften)
        boxes, logits = self._palm.run(square, "Identity", "Identity_1")
        scores = _sigmoid(logits[0, :, 0])
        chosen = np.flatnonzero(scores > above)
        chosen = chosen[np.argsort(-scores[chosen], kind="stable")]
        shift = np.array([left, top], np.float32)
        found: list[Palm] = []
        for index in chosen:
            values = boxes[0, index].reshape(9, 2)
            anchor = self._anchors[index] * PALM_PX
            # Rows: centre, size, then seven points: 0 is the wrist, 2 the knuckle.
            place = (np.vstack([values[:1], values[2:]]) + anchor - shift) / ratio
            place = place.astype(np.float32)
            side = float(values[1, 0]) / ratio
            palm = Palm(place[0], side, place[1], place[3], float(scores[index]))
            if not any(_same_palm(palm, other) for other in found):
                found.append(palm)
        return found

    def read(self, crop: RgbArray) -> Reading:
        """Return the landmarks of one upright cut-out, (224, 224, 3) uint8 RGB."""
        return self._read(crop)[0]

    def read_with_features(self, crop: RgbArray) -> tuple[Reading, FloatArray]:
        """Return the landmarks, and (3576,) float32: what the network saw inside.

        Mean, maximum and standard deviation of each channel of six inner maps, then
        the 1152 averages that the network's own answers are made of.
        """
        reading, maps = self._read(crop)
        parts = []
        for inner in maps[:-1]:
            flat = inner.reshape(-1, inner.shape[-1])
            parts += [flat.mean(axis=0), flat.max(axis=0), flat.std(axis=0)]
        parts.append(maps[-1].reshape(-1))
        return reading, np.concatenate(parts).astype(np.float32)

    def _read(self, crop: RgbArray) -> tuple[Reading, list[FloatArray]]:
        if crop.shape != (FRAME_PX, FRAME_PX, 3) or crop.dtype != np.uint8:
            raise ValueError(
                f"crop must be ({FRAME_PX}, {FRAME_PX}, 3) uint8, "
                f"got {crop.shape} {crop.dtype}"
            )
        shown = crop[None].astype(np.float32) / 255.0
        points, presence, right, world, *maps = self._landmark.run(
            shown, "Identity", "Identity_1", "Identity_2", "Identity_3", *_TAPS
        )
        if not np.isfinite(points).all():
            raise DetectorFailed("the hand landmark network answered with NaN")
        reading = Reading(
            points.reshape(21, 3)[:, :2].astype(np.float32),
            world.reshape(21, 3).astype(np.float32),
            float(presence[0, 0]),
            float(right[0, 0]),
        )
        return reading, maps


class _Net:
    """One TFLite network whose inner tensors can be read by name."""

    def __init__(self, name: str, content: bytes, *, keep_inner: bool) -> None:
        self._name = name
        try:
            with quiet(), warnings.catch_warnings():
                # It warns that keeping inner tensors costs memory; 40 MB here, once.
                warnings.simplefilter("ignore")
                self._net: Any = Interpreter(
                    model_content=content,
                    num_threads=1,
                    experimental_preserve_all_tensors=keep_inner,
                )
                self._net.allocate_tensors()
            self._input: int = self._net.get_input_details()[0]["index"]
            inner = self._net.get_tensor_details()
            outputs = self._net.get_output_details()
        except (ValueError, RuntimeError) as problem:
            raise WeightsWrong(
                f"{name} cannot be loaded: {problem}; install its package afresh"
            ) from problem
        self._index = {tensor["name"]: tensor["index"] for tensor in inner}
        self._index |= {tensor["name"]: tensor["index"] for tensor in outputs}

    def run(self, shown: FloatArray, *wanted: str) -> list[FloatArray]:
        """Return copies of the named tensors after one pass.

        Raises:
            DetectorFailed: the runtime refused, or a tensor is not there.
        """
        try:
            self._net.set_tensor(self._input, shown)
            self._net.invoke()
            return [self._net.get_tensor(self._index[name]) for name in wanted]
        except (ValueError, RuntimeError, KeyError) as problem:
            raise DetectorFailed(
                f"the network {self._name} failed: {problem}"
            ) from problem


def _letterbox(pixels: RgbArray) -> tuple[FloatArray, float, int, int]:
    height, width = pixels.shape[:2]
    ratio = PALM_PX / max(height, width)
    new_width = max(1, round(width * ratio))
    new_height = max(1, round(height * ratio))
    method = cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR
    small = cv2.resize(pixels, (new_width, new_height), interpolation=method)
    left, top = (PALM_PX - new_width) // 2, (PALM_PX - new_height) // 2
    square = np.zeros((1, PALM_PX, PALM_PX, 3), np.float32)
    square[0, top : top + new_height, left : left + new_width] = small / 255.0
    return square, ratio, left, top


def _anchors() -> FloatArray:
    """Return the (2016, 2) centres of the palm network's boxes, as shares of 1."""
    rows = []
    for cells, per_cell in _ANCHORS:
        steps = (np.arange(cells, dtype=np.float32) + 0.5) / cells
        x, y = np.meshgrid(steps, steps)
        rows.append(np.repeat(np.stack([x, y], -1).reshape(-1, 2), per_cell, axis=0))
    return np.concatenate(rows)


def _same_palm(one: Palm, other: Palm) -> bool:
    distance = float(np.linalg.norm(one.centre - other.centre))
    return distance < 0.35 * max(one.side_px, other.side_px)


def _sigmoid(logits: FloatArray) -> FloatArray:
    result = 1.0 / (1.0 + np.exp(-np.clip(logits, -50.0, 50.0)))
    return result.astype(np.float32)
