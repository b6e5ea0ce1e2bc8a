"""The network that judges one hand: its layers, and how its weights are loaded."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from detectors.arrays import RgbArray
from detectors.errors import WeightsWrong
from detectors.hand_trunk import POOLED, TOP, HandTrunk, SameConv

FloatArray = npt.NDArray[np.float32]

SIDE_PX = 224
"""The network looks at square cut-outs of this side."""

MAP_SIDE = 56
"""Side of the maps that it draws: one cell stands for 4x4 pixels of the cut-out."""

COUNT_CLASSES = ("3 or fewer", "4", "5", "6", "7 or more", "cannot see")
KIND_CLASSES = ("ok", "extra", "missing", "fused", "bent", "length", "melt")
MAP_CHANNELS = ("hand", "tip", "flaw")

_ANSWERS = 1 + len(COUNT_CLASSES) + len(KIND_CLASSES)
_WIDTHS = (96, 64, 48, 20)
"""Channels of the decoder, coarse to fine; fine levels are dear."""


class Glance(nn.Module):
    """Answer from nothing but how strongly each feature is seen anywhere.

    It is fitted to the frozen trunk before fine-tuning starts, so that training begins
    with a judge and not with a guess (Kumar et al., "Fine-Tuning can Distort Pretrained
    Features", 2022).
    """

    mean: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(POOLED))
        self.register_buffer("scale", torch.ones(POOLED))
        self.drop = nn.Dropout(0.3)
        self.answer = nn.Linear(POOLED, _ANSWERS)

    def forward(self, maps: list[Tensor]) -> Tensor:
        answers: Tensor = self.answer(self.drop(self.scaled(self.pool(maps))))
        return answers

    def scaled(self, pooled: Tensor) -> Tensor:
        """Return (N, POOLED), each feature about 0 with spread 1, outliers cut."""
        return ((pooled - self.mean) * self.scale).clamp(-5, 5)

    @staticmethod
    def pool(maps: list[Tensor]) -> Tensor:
        """Return (N, POOLED) float32 from the trunk's maps."""
        parts: list[Tensor] = []
        for inner in maps[1:-1]:
            flat = inner.float().flatten(2)
            parts += [flat.mean(2), flat.amax(2), (flat.var(2) + 1e-6).sqrt()]
        return torch.cat([*parts, maps[-1].float().mean((2, 3))], 1)


class Merge(nn.Module):
    """Bring one finer level into the picture that the coarser levels drew."""

    def __init__(self, coarse: int, fine: int, width: int) -> None:
        super().__init__()
        self.narrow = SameConv(coarse, width, 1)
        self.lateral = SameConv(fine, width, 1)
        self.look = SameConv(width, width, 3, 1, groups=width)
        self.mix = SameConv(width, width, 1)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        narrow = self.narrow(coarse)
        raised = functional.interpolate(narrow, scale_factor=2.0, mode="nearest")
        joined = functional.relu6(raised + self.lateral(fine))
        mixed: Tensor = self.mix(self.look.clipped(joined))
        return functional.relu6(joined + mixed)


class Judgement(NamedTuple):
    """What the network says about a batch; all of it before any squashing."""

    flawed: Tensor
    """(N,) logit of "this hand is flawed"."""

    digits: Tensor
    """(N, 6) logits over COUNT_CLASSES."""

    kind: Tensor
    """(N, 7) logits over KIND_CLASSES."""

    maps: Tensor
    """(N, 3, 56, 56) logits over MAP_CHANNELS."""


class HandJudgeNet(nn.Module):
    """The trunk, a small decoder that draws maps, and a head that sums them up."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = HandTrunk()
        self.top = SameConv(TOP, _WIDTHS[0], 1)
        self.merges = nn.ModuleList(
            Merge(coarse, fine, width)
            for coarse, fine, width in zip(
                _WIDTHS[:-1], (112, 40, 24), _WIDTHS[1:], strict=True
            )
        )
        self.draw = SameConv(_WIDTHS[-1], len(MAP_CHANNELS), 1)
        self.glance = Glance()
        self.squeeze = nn.Linear(TOP, 192)
        summed = 192 + 2 * sum(_WIDTHS[1:]) + 4
        # What is summed up differs in scale by a thousand; without this, it is deaf.
        self.head = nn.Sequential(
            nn.BatchNorm1d(summed, momentum=0.03),
            nn.Dropout(0.2),
            nn.Linear(summed, 128),
            nn.ReLU6(),
            nn.Dropout(0.2),
            nn.Linear(128, _ANSWERS),
        )

    def forward(self, x: Tensor) -> Judgement:
        """Judge a batch.

        Args:
            x: (N, 3, 224, 224) float RGB in 0..1, the hand upright and centred.
        """
        inner = self.trunk(x)
        summed, maps = self.sum_up(inner)
        heads = summed + self.glance(inner)
        counts = 1 + len(COUNT_CLASSES)
        return Judgement(heads[:, 0], heads[:, 1:counts], heads[:, counts:], maps)

    def sum_up(self, inner: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Return the decoder's answers, (N, 14), and its maps, (N, 3, 56, 56)."""
        fine, middle, _, coarse, _, top = inner
        seen = self.top.clipped(top)
        summary = [functional.relu6(self.squeeze(top.mean((2, 3))))]
        for merge, level in zip(self.merges, (coarse, middle, fine), strict=True):
            seen = merge(seen, level)
            summary += [seen.mean((2, 3)), seen.amax((2, 3))]
        maps: Tensor = self.draw(seen)
        summary.append(self._counted(maps))
        summed: Tensor = self.head(torch.cat(summary, 1))
        return summed, maps

    @staticmethod
    def _counted(maps: Tensor) -> Tensor:
        """Return (N, 4): how many tips are drawn, and how much flaw, mean and peak.

        A tip is drawn as a blob of about 12 cells, so its sum is scaled to be near 1.
        """
        drawn = torch.sigmoid(maps.float())
        tips = drawn[:, 1].sum((1, 2)) / 12.0
        worst = drawn[:, 2].flatten(1).topk(16, 1).values.mean(1)
        share = drawn[:, 2].sum((1, 2)) / (drawn[:, 0].sum((1, 2)) + 10.0)
        peaks = functional.max_pool2d(drawn[:, 1:2], 5, 1, 2)
        tops = ((peaks == drawn[:, 1:2]) & (peaks > 0.35)).sum((1, 2, 3))
        return torch.stack([tips, worst, share, tops / 5.0], 1).to(maps.dtype)


class Said(NamedTuple):
    """What the network says about a batch of looks, as arrays."""

    flawed: FloatArray
    """(N,) float32, logit of "this hand is flawed", not calibrated."""

    digits: FloatArray
    """(N, 6) float32, probabilities over COUNT_CLASSES."""

    kind: FloatArray
    """(N, 7) float32, probabilities over KIND_CLASSES."""

    maps: FloatArray
    """(N, 3, 56, 56) float32, probabilities over MAP_CHANNELS."""


def load_net(weights: Path) -> HandJudgeNet:
    """Return the network with the weights of a safetensors file, ready to judge.

    Raises:
        WeightsWrong: the file does not hold this network.
    """
    net = HandJudgeNet()
    try:
        stored = load_file(str(weights))
        net.load_state_dict({name: value.float() for name, value in stored.items()})
    except (SafetensorError, RuntimeError) as problem:
        raise WeightsWrong(
            f"{weights} does not hold the hand judge: {problem}; "
            "check the repository out again"
        ) from problem
    net.to(memory_format=torch.channels_last).eval().requires_grad_(False)
    for layer in net.modules():
        if isinstance(layer, SameConv):
            layer.finish()
    return net


def ask(net: HandJudgeNet, looks: RgbArray) -> Said:
    """Show looks at one hand to the network.

    Args:
        net: From `load_net`.
        looks: (N, 224, 224, 3) uint8 RGB, the hand upright and centred.
    """
    pixels = torch.from_numpy(looks).permute(0, 3, 1, 2).float().div_(255)
    with torch.inference_mode():
        said = net(pixels.contiguous(memory_format=torch.channels_last))
    return Said(
        said.flawed.numpy(),
        said.digits.softmax(1).numpy(),
        said.kind.softmax(1).numpy(),
        said.maps.sigmoid().numpy(),
    )
