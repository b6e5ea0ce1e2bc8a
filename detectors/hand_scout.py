"""A tiny network that points at places where a small hand may be.

The palm network finds nearly every hand that fills a third to two thirds of the window
it is shown, down to 24 px; but such windows are hundreds to a picture. The scout looks
at the whole picture once and says which of them are worth showing.
"""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from detectors import weights
from detectors.arrays import RgbArray
from detectors.errors import WeightsWrong
from detectors.hand_hints import Hint

WEIGHTS = "hand-scout/hand_scout.safetensors"

STRIDE = 8
"""One cell of its map stands for so many pixels of what it is shown, each way."""

LONGER_PX = 640
"""A picture of up to 1024 px is shown at this length; hands of 20 px are then 12 px."""

_RATIO = 0.625
_MOST_PX = 1280
"""Larger pictures are shown at 0.625, up to this length."""

_FIRST, _SECOND, _WIDTH = 24, 48, 128
"""Channels at a half, a quarter and an eighth of the side."""

_REACHES = (1, 2, 1, 3, 1, 2, 1, 1)
"""Dilations of the last steps: a hand is told by the arm that it is on, too."""

_PEAK_CELLS = 3

FloatArray = npt.NDArray[np.float32]


class Step(nn.Module):
    """Look around in each channel, then mix the channels; add the input if it fits."""

    def __init__(
        self, inside: int, outside: int, kernel: int, stride: int = 1, reach: int = 1
    ) -> None:
        super().__init__()
        self.look = nn.Conv2d(
            inside,
            inside,
            kernel,
            stride,
            reach * (kernel // 2),
            dilation=reach,
            groups=inside,
            bias=False,
        )
        self.look_norm: nn.Module = nn.BatchNorm2d(inside)
        self.mix = nn.Conv2d(inside, outside, 1, bias=False)
        self.mix_norm: nn.Module = nn.BatchNorm2d(outside)
        self.adds = inside == outside and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        seen = functional.relu(self.look_norm(self.look(x)))
        mixed: Tensor = functional.relu(self.mix_norm(self.mix(seen)))
        return x + mixed if self.adds else mixed

    def fuse(self) -> None:
        """Fold the norms into the convolutions; for a network that only answers."""
        self.look, self.look_norm = _fused(self.look, self.look_norm), nn.Identity()
        self.mix, self.mix_norm = _fused(self.mix, self.mix_norm), nn.Identity()


class ScoutNet(nn.Module):
    """Twenty-four convolutions; 0.2 M weights."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, _FIRST, 3, 2, 1, bias=False)
        self.stem_norm: nn.Module = nn.BatchNorm2d(_FIRST)
        self.steps = nn.Sequential(
            Step(_FIRST, _SECOND, 3, 2),
            Step(_SECOND, _SECOND, 3),
            Step(_SECOND, _WIDTH, 3, 2),
            *(Step(_WIDTH, _WIDTH, 5, reach=reach) for reach in _REACHES),
        )
        self.answer = nn.Conv2d(_WIDTH, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, 2, H/8, W/8): the logit of a hand's middle, and log2 of its size.

        Args:
            x: (N, 3, H, W) float RGB in 0..1. The size is in pixels of this.
        """
        seen = self.steps(functional.relu(self.stem_norm(self.stem(x * 2 - 1))))
        answer: Tensor = self.answer(seen)
        return answer

    def fuse(self) -> None:
        """Fold all norms; for a network that only answers."""
        self.stem, self.stem_norm = _fused(self.stem, self.stem_norm), nn.Identity()
        for step in self.steps:
            if isinstance(step, Step):
                step.fuse()


class HandScout:
    """Points at places where a small hand may be."""

    def __init__(self, net: ScoutNet) -> None:
        self._net = net

    @classmethod
    def open(cls, folder: Path | None = None) -> "HandScout":
        """Load the scout.

        Args:
            folder: Where the weights are; None takes this project's own.

        Raises:
            WeightsMissing: the file is not there.
            WeightsWrong: it does not hold the scout.
        """
        path = weights.own(WEIGHTS, folder)
        net = ScoutNet()
        try:
            stored = load_file(str(path))
            net.load_state_dict({name: kept.float() for name, kept in stored.items()})
        except (SafetensorError, RuntimeError) as problem:
            raise WeightsWrong(
                f"{path} does not hold the hand scout: {problem}; check the "
                "repository out again"
            ) from problem
        net.eval().requires_grad_(False).fuse()
        return cls(net.to(memory_format=torch.channels_last))

    def hints(self, pixels: RgbArray, *, above: float) -> list[Hint]:
        """Return the places where it sees most reason to look, best first.

        Args:
            pixels: (H, W, 3) uint8 RGB.
            above: Places with a lower score are left out, 0..1.
        """
        shown, ratio = _shown(pixels)
        tensor = torch.from_numpy(shown).permute(2, 0, 1)[None].float().div_(255)
        with torch.inference_mode():
            said = self._net(tensor.contiguous(memory_format=torch.channels_last))[0]
        heat = torch.sigmoid(said[0]).numpy()
        top = heat == cv2.dilate(heat, np.ones((_PEAK_CELLS, _PEAK_CELLS), np.uint8))
        rows, columns = np.nonzero(top & (heat >= above))
        sizes = np.exp2(np.clip(said[1].numpy()[rows, columns], 2.0, 8.0))
        found = [
            Hint(
                float(heat[row, column]),
                float(column + 0.5) * STRIDE / ratio,
                float(row + 0.5) * STRIDE / ratio,
                float(size) / ratio,
            )
            for row, column, size in zip(rows, columns, sizes, strict=True)
        ]
        return sorted(found, reverse=True)


def _shown(pixels: RgbArray) -> tuple[RgbArray, float]:
    """Return the picture as the network is shown it, and the ratio of sizes."""
    height, width = pixels.shape[:2]
    longer = max(height, width)
    wanted = min(max(LONGER_PX, longer * _RATIO), _MOST_PX, longer)
    ratio = wanted / longer
    size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    below, right = -size[1] % STRIDE, -size[0] % STRIDE
    whole: RgbArray = cv2.copyMakeBorder(
        small, 0, below, 0, right, cv2.BORDER_REPLICATE
    )
    return whole, ratio


def _fused(conv: nn.Conv2d, norm: nn.Module) -> nn.Conv2d:
    if not isinstance(norm, nn.BatchNorm2d):
        raise TypeError("the network is fused already")
    return fuse_conv_bn_eval(conv, norm)
