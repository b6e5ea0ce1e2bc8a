"""What a training of the judge begins with: networks, weights and optimisers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from detectors import weights
from detectors.hand_judge_net import HandJudgeNet
from detectors.hand_trunk import SameConv
from workshop.judge.convert import landmark_net
from workshop.steepest import Steepest, is_kernel

FROZEN = 2
"""Blocks that stay as they are: those at 112 and 56 cells, a third of the time."""


class FloatDepthwise(SameConv):
    """Depthwise convolutions in float32: their bf16 gradient is ten times slower."""

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast("cpu", enabled=False):
            return super().forward(x.float())


def prepare(net: HandJudgeNet) -> HandJudgeNet:
    """Make a network ready to be trained on a CPU: layout, precision, frozen stem."""
    trunk = net.trunk
    early = (trunk.stem, trunk.stem_look, trunk.stem_project, *trunk.blocks[:FROZEN])
    for part in early:
        part.requires_grad_(False)
    for layer in net.modules():
        learns = isinstance(layer, SameConv) and layer.weight.requires_grad
        if learns and getattr(layer, "groups", 1) > 1:
            layer.__class__ = FloatDepthwise
    net.to(memory_format=torch.channels_last)
    return net


def fresh_net() -> HandJudgeNet:
    """Return the judge with MediaPipe's trunk and new heads."""
    net = HandJudgeNet()
    net.trunk.load_state_dict(
        landmark_net(weights.find("hand_landmarker")).trunk.state_dict()
    )
    with torch.no_grad():
        # Tips and flaws are rare: start from "nothing here".
        if net.draw.bias is not None:
            net.draw.bias.copy_(torch.tensor([-1.0, -3.0, -3.0]))
    return net


def optimisers_for(
    parts: Sequence[tuple[Sequence[nn.Parameter], float]],
) -> list[torch.optim.Optimizer]:
    """Return Muon for what mixes channels, AdamW for the rest, each at its own rate."""

    def groups(kernels: bool) -> list[dict[str, Any]]:
        return [
            {"params": [p for p in part if is_kernel(p) == kernels], "top": top}
            for part, top in parts
        ]

    return [
        Steepest(groups(kernels=True), 1e-4, weight_decay=0.01),
        torch.optim.AdamW(groups(kernels=False), lr=1e-4, weight_decay=0.01),
    ]


def weights_of(path: Path) -> dict[str, Tensor]:
    """Read the weights to begin from, of either kind."""
    if path.suffix == ".safetensors":
        return {name: value.float() for name, value in load_file(path).items()}
    stored: dict[str, Tensor] = torch.load(path, weights_only=True)["average"]
    return stored
