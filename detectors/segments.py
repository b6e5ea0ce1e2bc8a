"""Adapter: find whatever Ultralytics weights of the user's own can find.

Ultralytics unpickles, downloads, installs and reports home unless it is told not to, so
it is told before it is imported, and only a file with a known digest is handed to it.
"""

import difflib
import hashlib
import importlib.util
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import torch
from PIL import Image

from detectors.arrays import MaskArray, RgbArray, check_rgb, size_of
from detectors.errors import (
    DetectorFailed,
    DetectorMisconfigured,
    DeviceLost,
    WeightsMissing,
    WeightsWrong,
)
from detectors.findings import Finding, Kind, Severity
from detectors.geometry import Box, Size

_CONFIG = tempfile.TemporaryDirectory(prefix="nightmend-ultralytics-")
os.environ.update(
    ULTRALYTICS_SAFE_LOAD="1",
    YOLO_AUTOINSTALL="false",
    YOLO_OFFLINE="true",
    YOLO_VERBOSE="false",
    YOLO_CONFIG_DIR=_CONFIG.name,
)

_plain_open = Image.open

import ultralytics  # noqa: E402  the environment above must be set first
from ultralytics.nn import tasks  # noqa: E402

# It puts an opener of its own in Pillow's place, which looks for a package to install
# when a picture is damaged, and fails with another error. Nobody here asked for that.
Image.open = _plain_open

NAME = "segments"

_SEVERITIES = {
    "note": Severity.NOTE,
    "warning": Severity.WARNING,
    "error": Severity.ERROR,
}


class SegmentsDetector:
    """Runs detection or segmentation weights that the user names."""

    def __init__(
        self,
        model: Any,
        wanted: Mapping[int, str],
        severity: Severity,
        *,
        confidence: float,
        area_shares: tuple[float, float],
    ) -> None:
        """Hold a loaded model.

        Args:
            model: An Ultralytics model.
            wanted: Class number to class name, of the classes that count.
            severity: How much a finding weighs.
            confidence: Findings below this are dropped, 0..1.
            area_shares: Least and greatest share of the picture's area, 0..1.
        """
        self._model = model
        self._wanted = wanted
        self._confidence = confidence
        self._area_shares = area_shares
        self._kinds = {
            _slug(label): Kind(f"a region of the class {label!r}", severity, True)
            for label in wanted.values()
        }

    @property
    def name(self) -> str:
        return NAME

    @property
    def kinds(self) -> Mapping[str, Kind]:
        return self._kinds

    def inspect(self, pixels: RgbArray) -> list[Finding]:
        """Return one finding per region of a wanted class, surest first.

        Raises:
            DetectorFailed: Ultralytics could not run the model.
            DeviceLost: it never will again in this process.
        """
        check_rgb(pixels)
        try:
            result = self._model.predict(
                np.ascontiguousarray(pixels[:, :, ::-1]),  # Ultralytics wants BGR
                conf=self._confidence,
                classes=sorted(self._wanted),
                retina_masks=True,
                save=False,
                verbose=False,
            )[0]
            found = self._to_findings(result, size_of(pixels))
        except torch.AcceleratorError as problem:
            reason = str(problem).strip().partition("\n")[0]
            raise DeviceLost(f"{NAME}: {reason}") from problem
        except (RuntimeError, ValueError, TypeError, IndexError, cv2.error) as problem:
            raise DetectorFailed(
                f"Ultralytics could not look with {self._model.ckpt_path}: {problem}"
            ) from problem
        return sorted(found, key=lambda one: (-one.confidence, one.box.y0, one.box.x0))

    def close(self) -> None:
        """Let go of the model's memory."""
        self._model = _Closed()

    def _to_findings(self, result: Any, size: Size) -> list[Finding]:
        boxes = result.boxes
        masks = None if result.masks is None else result.masks.data.cpu().numpy()
        rows = zip(
            boxes.xyxy.cpu().numpy(),
            boxes.conf.cpu().numpy(),
            boxes.cls.cpu().numpy().astype(int),
            strict=True,
        )
        low, high = (share * size.width * size.height for share in self._area_shares)
        found = []
        for number, (corners, confidence, label) in enumerate(rows):
            box = Box.around(*(float(one) for one in corners)).clipped(size)
            outline = None if masks is None else _outline(masks[number], box, size)
            area = box.area if outline is None else int(outline.sum())
            if box.area and low <= area <= high:
                kind = _slug(self._wanted[int(label)])
                sure = float(np.clip(confidence, 0.0, 1.0))
                words = f"{self._wanted[int(label)]} {sure:.2f}"
                found.append(Finding(NAME, kind, box, sure, outline, words))
        return found


class _Closed:
    """Stands where the model was."""

    ckpt_path = "a closed detector"

    def predict(self, *_: object, **__: object) -> Any:
        raise RuntimeError("the detector was closed")


def build(  # noqa: PLR0913  one argument per setting
    *,
    weights: Path | None,
    sha256: str,
    classes: tuple[str, ...],
    confidence: float,
    min_area_share: float,
    max_area_share: float,
    severity: Literal["note", "warning", "error"],
) -> SegmentsDetector:
    """Build the detector from the settings' section of the same name.

    Raises:
        WeightsMissing: there is no such file.
        WeightsWrong: the file has another digest, or cannot be loaded safely.
        DetectorMisconfigured: no weights are named, a .pt file comes without a digest,
            or a class is not one that the weights know.
    """
    path = _checked(weights, sha256)
    model = _load(path)
    wanted = _wanted(dict(model.names), classes, path)
    return SegmentsDetector(
        model,
        wanted,
        _SEVERITIES[severity],
        confidence=confidence,
        area_shares=(min_area_share, max_area_share),
    )


def _checked(weights: Path | None, sha256: str) -> Path:
    """Return the absolute path of a weights file that may be handed on."""
    if weights is None:
        raise DetectorMisconfigured(
            "the detector 'segments' has no weights; name them with: "
            "--set segments.weights=FILE --set segments.sha256=DIGEST"
        )
    path = Path(weights).expanduser().absolute()
    if not path.is_file():
        raise WeightsMissing(
            f"no weights at {path}; correct segments.weights, "
            "or get them with: nightmend models fetch"
        )
    if path.suffix not in {".pt", ".onnx"}:
        raise DetectorMisconfigured(
            f"segments.weights must be a .pt or an .onnx file, got {path}"
        )
    if path.suffix == ".onnx" and importlib.util.find_spec("onnxruntime") is None:
        raise WeightsMissing(
            f"{path} needs the package 'onnxruntime'; "
            "install it with: pip install onnxruntime"
        )
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if sha256 and found != sha256.lower():
        raise WeightsWrong(
            f"{path} has the digest {found}, but segments.sha256 says {sha256}; "
            "get the file afresh, or correct the setting if you trust it"
        )
    if not sha256 and path.suffix == ".pt":
        raise DetectorMisconfigured(
            f"{path} is a pickle and could run code when it is loaded; if you trust "
            f"where it comes from, set segments.sha256={found}"
        )
    return path


def _load(path: Path) -> Any:
    if not (tasks.SAFE_LOAD and tasks._SafeLoad.SUPPORTED):
        raise DetectorMisconfigured(
            "ultralytics cannot load safely here: it was imported before this "
            "detector, or torch is too old; it needs torch 2.10 or newer"
        )
    ultralytics.settings.update({"sync": False})
    try:
        model = ultralytics.YOLO(str(path))
        # The first picture would otherwise be the one that finds a broken file.
        with torch.inference_mode():
            model.predict(np.zeros((64, 64, 3), np.uint8), verbose=False, save=False)
    except (
        *(RuntimeError, ValueError, TypeError, KeyError, AttributeError),
        *(OSError, ImportError, EOFError, cv2.error),
    ) as problem:
        raise WeightsWrong(
            f"Ultralytics cannot load {path} safely: {problem}"
        ) from problem
    return model


def _wanted(
    names: dict[int, str], classes: tuple[str, ...], path: Path
) -> dict[int, str]:
    """Return number and name of the classes that count.

    Raises:
        DetectorMisconfigured: the weights do not know one of them.
    """
    for label in classes:
        if label not in names.values():
            near = difflib.get_close_matches(label, names.values(), n=3, cutoff=0.4)
            known = near or sorted(names.values())[:20]
            raise DetectorMisconfigured(
                f"{path} knows no class {label!r}; it knows: {', '.join(known)}"
            )
    return {
        number: label
        for number, label in names.items()
        if not classes or label in classes
    }


def _outline(
    mask: np.ndarray[Any, np.dtype[Any]], box: Box, size: Size
) -> MaskArray | None:
    """Cut a mask of any size to the box; None when nothing of it is left."""
    if mask.shape != (size.height, size.width):
        mask = cv2.resize(mask.astype(np.float32), size)
    outline: MaskArray = mask[box.rows, box.columns] > 0.5
    return outline if outline.any() else None


def _slug(label: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")
    return f"segment/{words or 'unnamed'}"
