"""Ask what the landmark network saw inside whether a face looks damaged.

The network must tell eyes from lids to place its points, so its inner maps hold much of
what tells a drawn face from a melted one. A linear model reads their statistics.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file

from detectors import weights
from detectors.arrays import RgbArray
from detectors.errors import DetectorFailed, WeightsWrong
from detectors.face_nets import FACE_PX, FaceNet

FloatArray = npt.NDArray[np.float32]

WEIGHTS = "face-probe/face_probe.safetensors"

_TRUNK = "model_5/model_4/model_3/"
_TAPS = (
    *("add_62/add", "p_re_lu_144/add", "add_67/add", "p_re_lu_154/add"),
    *("add_72/add", "p_re_lu_164/add", "add_77/add", "p_re_lu_174/add"),
    *("add_82/add", "p_re_lu_184/add"),
)
"""Two inner maps at each of 64, 32, 16, 8 and 4 cells a side."""


@dataclass(frozen=True, slots=True, eq=False)
class ProbeWeights:
    """A linear model on standardised features."""

    mean: FloatArray
    """(2880,)"""

    spread: FloatArray
    """(2880,), above 0"""

    weight: FloatArray
    """(2880,)"""

    bias: float

    def log_odds(self, features: FloatArray) -> float:
        """Return the log odds that a face with these features is damaged."""
        return float((features - self.mean) / self.spread @ self.weight) + self.bias


class FaceProbe:
    """Reads inner maps of the landmark network; not to be shared between threads."""

    def __init__(self, net: FaceNet, model: ProbeWeights) -> None:
        """Find the inner maps of a network that is loaded already.

        Raises:
            WeightsWrong: the network is not the expected one.
        """
        self._model = model
        self._net: Any = net.interpreter
        try:
            self._input: int = self._net.get_input_details()[0]["index"]
            inner = {
                one["name"].partition(";")[0]: one["index"]
                for one in self._net.get_tensor_details()
                if len(one["shape"]) == 4 and one["shape"][1] > 1  # a map, no constant
            }
            self._taps = [inner[_TRUNK + tap] for tap in _TAPS]
        except (ValueError, RuntimeError, KeyError) as problem:
            raise WeightsWrong(
                f"the face landmark network cannot be probed: {problem}; "
                "install its package afresh"
            ) from problem

    @classmethod
    def open(cls, net: FaceNet, model: Path | None = None) -> "FaceProbe":
        """Load our own linear model, to look into a network that is loaded already.

        Raises:
            WeightsMissing: the model is not there.
            WeightsWrong: one of them is not what it should be.
        """
        return cls(net, load_model(weights.own(WEIGHTS) if model is None else model))

    def log_odds(self, crop: RgbArray) -> float:
        """Return the log odds of damage, seen straight and in a mirror.

        Args:
            crop: (256, 256, 3) uint8 RGB, the face upright and framed as by
                `detectors.face_reading`.

        Raises:
            DetectorFailed: the runtime refused.
        """
        views = (crop, np.ascontiguousarray(crop[:, ::-1]))
        odds = [self._model.log_odds(self.features(view)) for view in views]
        return float(np.mean(odds))

    def features(self, crop: RgbArray) -> FloatArray:
        """Return (2880,) float32: mean, spread and maximum of each channel, as logs.

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
            maps = [self._net.get_tensor(tap)[0] for tap in self._taps]
        except (ValueError, RuntimeError) as problem:
            raise DetectorFailed(f"the face network failed: {problem}") from problem
        pooled = np.concatenate([_pooled(one) for one in maps])
        if not np.isfinite(pooled).all():
            raise DetectorFailed("the face network answered with NaN")
        logs: FloatArray = np.sign(pooled) * np.log1p(np.abs(pooled))
        return logs


def load_model(path: Path) -> ProbeWeights:
    """Read the linear model.

    Raises:
        WeightsWrong: the file does not hold it.
    """
    try:
        stored = load_file(path)
        return ProbeWeights(
            stored["mean"],
            stored["spread"],
            stored["weight"],
            float(stored["bias"][0]),
        )
    except (SafetensorError, KeyError, OSError) as problem:
        raise WeightsWrong(f"{path} holds no face probe: {problem}") from problem


def _pooled(inner: FloatArray) -> FloatArray:
    """Pool the middle of an (H, W, C) map; the rim shows hair and background."""
    rim = len(inner) // 8
    middle = inner[rim : len(inner) - rim, rim : len(inner) - rim]
    flat = middle.reshape(-1, inner.shape[-1])
    return np.concatenate([flat.mean(axis=0), flat.std(axis=0), flat.max(axis=0)])
