"""The landmark network of MediaPipe's face_landmarker.task, and its mean face.

The Tasks API would first run its own face finder, which misses small faces, and hides
how sure the landmark network is. So the network is run directly, on cut-outs that are
placed by another finder.
"""

import struct
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from detectors import weights
from detectors.arrays import RgbArray
from detectors.chatter import quiet
from detectors.errors import DetectorFailed, WeightsWrong

FloatArray = npt.NDArray[np.float32]

FACE_PX = 256
"""Side of the square that the network reads."""

MEAN_FACE_POINTS = 468
"""The mean face has no irises; the network's last ten points are those."""

LANDMARK_MEMBER = "face_landmarks_detector.tflite"
_GEOMETRY_MEMBER = "geometry_pipeline_metadata_landmarks.binarypb"


@dataclass(frozen=True, slots=True, eq=False)
class FaceReading:
    """What the network says about one cut-out."""

    points: FloatArray
    """(478, 3) float32: x and y in pixels of the cut-out, z in the same unit, smaller
    is nearer; the last ten are the irises, five each."""

    logit: float
    """Log odds that the cut-out shows a face; about 16 for a good photograph."""

    @property
    def presence(self) -> float:
        """The same as a probability, 0..1."""
        return float(1.0 / (1.0 + np.exp(-np.clip(self.logit, -50.0, 50.0))))


class FaceNet:
    """The landmark network, loaded once; not to be shared between threads."""

    def __init__(self, content: bytes, geometry: bytes) -> None:
        """Load the network's flatbuffer and the geometry that belongs to it.

        Raises:
            WeightsWrong: one of them cannot be read.
        """
        try:
            with quiet():
                self._net: Any = _interpreter(content)
                self._net.allocate_tensors()
            self._input: int = self._net.get_input_details()[0]["index"]
            points, presence = self._net.get_output_details()[:2]
            self._points: int = points["index"]
            self._presence: int = presence["index"]
            self.mean_face = _mean_face(geometry)
            """(468, 3) float32: a face in centimetres, x right, y up, z to the eye."""
        except (ValueError, RuntimeError, IndexError, struct.error) as problem:
            raise WeightsWrong(
                f"the face landmark network cannot be loaded: {problem}; "
                "install its package afresh"
            ) from problem

    @classmethod
    def open(cls, path: Path | None = None) -> "FaceNet":
        """Load the packaged network, or that of another .task file.

        Raises:
            WeightsMissing: the package is not installed.
            WeightsWrong: the file is not what it should be.
        """
        path = weights.find("face_landmarker") if path is None else path
        try:
            with zipfile.ZipFile(path) as task:
                return cls(task.read(LANDMARK_MEMBER), task.read(_GEOMETRY_MEMBER))
        except (zipfile.BadZipFile, KeyError) as problem:
            raise WeightsWrong(
                f"{path} is not a face landmarker: {problem}; install it afresh"
            ) from problem

    @property
    def interpreter(self) -> Any:
        """The loaded network with its inner maps, for who reads those too."""
        return self._net

    def read(self, crop: RgbArray) -> FaceReading:
        """Return the landmarks of one upright cut-out, (256, 256, 3) uint8 RGB.

        Raises:
            DetectorFailed: the runtime refused, or answered with NaN.
        """
        if crop.shape != (FACE_PX, FACE_PX, 3) or crop.dtype != np.uint8:
            raise ValueError(
                f"crop must be ({FACE_PX}, {FACE_PX}, 3) uint8, "
                f"got {crop.shape} {crop.dtype}"
            )
        try:
            self._net.set_tensor(self._input, crop[None].astype(np.float32) / 255.0)
            self._net.invoke()
            points = self._net.get_tensor(self._points).reshape(478, 3)
            logit = float(self._net.get_tensor(self._presence).reshape(-1)[0])
        except (ValueError, RuntimeError, KeyError) as problem:
            raise DetectorFailed(f"the face network failed: {problem}") from problem
        if not np.isfinite(points).all() or not np.isfinite(logit):
            raise DetectorFailed("the face landmark network answered with NaN")
        return FaceReading(points.astype(np.float32), logit)


def _interpreter(network: bytes) -> Any:
    with warnings.catch_warnings():
        # It warns that keeping inner maps costs memory; a few MB here, once.
        warnings.simplefilter("ignore")
        return Interpreter(
            model_content=network,
            num_threads=1,
            experimental_preserve_all_tensors=True,
        )


def _mean_face(geometry: bytes) -> FloatArray:
    """Read the vertices out of MediaPipe's geometry message.

    The message holds one mesh (field 1), and the mesh its vertices as packed floats
    (field 3), five each: x, y, z and two texture coordinates.
    """
    mesh = next(value for field, value in _fields(geometry) if field == 1)
    vertices = next(value for field, value in _fields(mesh) if field == 3)
    values = np.frombuffer(vertices, "<f4").reshape(-1, 5)
    if len(values) != MEAN_FACE_POINTS:
        raise ValueError(f"the mean face has {len(values)} points")
    return values[:, :3].astype(np.float32)


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (field number, content) of a protocol buffer message, repeats joined.

    Only what this one message needs: numbers are skipped, and repeated plain floats
    are joined as if they were packed.
    """
    floats: dict[int, list[bytes]] = {}
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        field, wire = tag >> 3, tag & 7
        if wire == 0:
            _, place = _varint(message, place)
        elif wire == 5:
            floats.setdefault(field, []).append(message[place : place + 4])
            place += 4
        elif wire == 2:
            length, place = _varint(message, place)
            yield field, message[place : place + length]
            place += length
        else:
            raise ValueError(f"the geometry message has a field of wire type {wire}")
    for field, parts in floats.items():
        yield field, b"".join(parts)


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
