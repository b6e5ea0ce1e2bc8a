"""Adapter: the MediaPipe tasks that are used here, over plain arrays.

All that may have the library reach out is called where it cannot; see
`detectors.sealed`.
"""

import contextlib
import weakref
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import mediapipe
import numpy as np
import numpy.typing as npt
from mediapipe.tasks.python import BaseOptions, vision

from detectors.arrays import RgbArray, check_rgb
from detectors.chatter import quiet
from detectors.errors import DetectorFailed
from detectors.geometry import Box
from detectors.sealed import call_sealed

_WARM_UP_PX = 64
_LEAST_SURE = 0.1
"""Confidence from which a shared network answers. Less sure boxes never displace surer
ones, so each finder drops what is under its own threshold and gets what it would have
got alone."""


class SeenObject(NamedTuple):
    """One object of a known class."""

    label: str
    box: Box
    """In picture pixels, inside the picture."""

    confidence: float
    """0..1, as the network says; not calibrated."""


class _ObjectTask:
    """One loaded object detector, shared by all finders that look for the same."""

    def __init__(self, weights: Path, least: float, labels: tuple[str, ...]) -> None:
        options = vision.ObjectDetectorOptions(
            base_options=BaseOptions(model_asset_path=str(weights)),
            score_threshold=least,
            category_allowlist=list(labels) or None,
        )
        with quiet():
            self._task = _open(
                vision.ObjectDetector.create_from_options, options, weights
            )
            self._close = weakref.finalize(self, _shut, self._task)
            self.detect(np.zeros((_WARM_UP_PX, _WARM_UP_PX, 3), np.uint8))

    def detect(self, pixels: RgbArray) -> Any:
        return _run(self._task.detect, pixels, self._close)


_TaskKey = tuple[Path, float, tuple[str, ...]]
_object_tasks: weakref.WeakValueDictionary[_TaskKey, _ObjectTask] = (
    weakref.WeakValueDictionary()
)
"""Those in use, so that two detectors that need the same one load it once; a task goes
when the last finder lets go of it."""


class ObjectFinder:
    """Finds objects of the 80 COCO classes."""

    def __init__(self, weights: Path, *, threshold: float, labels: tuple[str, ...]):
        """Load the network, unless another finder has it.

        Args:
            weights: A MediaPipe object detector (.tflite with metadata).
            threshold: Confidence, 0..1, below which nothing is returned.
            labels: Class names to return, such as "person"; () means all.

        Raises:
            DetectorFailed: the file cannot be loaded.
        """
        self._threshold = threshold
        key = (weights, min(threshold, _LEAST_SURE), labels)
        task = _object_tasks.get(key)
        if task is None:
            task = _object_tasks[key] = _ObjectTask(*key)
        self._task: _ObjectTask | None = task

    def find(self, pixels: RgbArray) -> list[SeenObject]:
        """Return the objects in an (H, W, 3) uint8 RGB picture, surest first.

        Raises:
            DetectorFailed: the network could not be run, or was closed.
        """
        if self._task is None:
            raise DetectorFailed("the finder of objects was closed")
        found = self._task.detect(pixels)
        height, width = pixels.shape[:2]
        seen = []
        for item in found.detections:
            frame, best = item.bounding_box, item.categories[0]
            if best.score < self._threshold:
                continue
            box = Box.around(
                frame.origin_x,
                frame.origin_y,
                frame.origin_x + max(frame.width, 0),
                frame.origin_y + max(frame.height, 0),
            ).clipped(Box(0, 0, width, height).size)
            if box.area:
                seen.append(SeenObject(best.category_name, box, float(best.score)))
        return sorted(seen, key=lambda one: -one.confidence)

    def close(self) -> None:
        """Let go of the network; calling it twice does no harm."""
        self._task = None


class Segmenter:
    """Gives each pixel the probability that it belongs to one class."""

    def __init__(self, weights: Path, *, channel: int):
        """Load the network.

        Args:
            weights: A MediaPipe image segmenter (.tflite with metadata).
            channel: Which of its confidence masks to return; -1 is the last.

        Raises:
            DetectorFailed: the file cannot be loaded.
        """
        options = vision.ImageSegmenterOptions(
            base_options=BaseOptions(model_asset_path=str(weights)),
            output_confidence_masks=True,
        )
        self._channel = channel
        with quiet():
            self._task = _open(
                vision.ImageSegmenter.create_from_options, options, weights
            )
            self._close = weakref.finalize(self, _shut, self._task)
            self.probability(np.zeros((_WARM_UP_PX, _WARM_UP_PX, 3), np.uint8))

    def probability(self, pixels: RgbArray) -> npt.NDArray[np.float32]:
        """Return (H, W) float32 in 0..1 for an (H, W, 3) uint8 RGB picture.

        Raises:
            DetectorFailed: the network could not be run.
        """
        found = _run(self._task.segment, pixels, self._close)
        mask = np.squeeze(found.confidence_masks[self._channel].numpy_view())
        height, width = pixels.shape[:2]
        if mask.shape != (height, width):
            mask = cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR)
        whole: npt.NDArray[np.float32] = mask.astype(np.float32).clip(0.0, 1.0)
        return whole

    def close(self) -> None:
        """Free the network; calling it twice does no harm."""
        self._close()


def _open(create: Any, options: Any, weights: Path) -> Any:
    try:
        return call_sealed(create, options)
    except (RuntimeError, ValueError, OSError) as problem:
        raise DetectorFailed(f"MediaPipe cannot load {weights}: {problem}") from problem


def _run(act: Any, pixels: RgbArray, closing: Any) -> Any:
    check_rgb(pixels)
    if not closing.alive:
        raise DetectorFailed("a closed network cannot look")
    image = mediapipe.Image(
        image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(pixels)
    )
    try:
        return call_sealed(act, image)
    except (RuntimeError, ValueError) as problem:
        raise DetectorFailed(f"MediaPipe could not look: {problem}") from problem


def _shut(task: Any) -> None:
    """Close a task once.

    At the interpreter's exit the task's own thread is gone before anything else, so
    closing fails there, and its `__del__` would print a TypeError. A task without a
    handle counts as closed; the memory goes back with the process.
    """
    with contextlib.suppress(RuntimeError, ValueError):
        call_sealed(task.close)
    task._handle = None
