"""An optimizer for few steps: orthogonalised momentum for kernels, AdamW for the rest.

Every step moves all directions of a kernel by the same amount, instead of mostly those
few that the gradient is large in: "Muon" (Jordan et al. 2024, kellerjordan.github.io/
posts/muon), with the five-step iteration and the coefficients given there. A kernel of
a convolution counts as a matrix with one row per channel that goes out. torch's own
`torch.optim.Muon` takes matrices only, and most weights here are convolutions'.
"""

import math
from collections.abc import Iterable
from typing import Any

import torch

from workshop.precision import fast_dtype

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5
RMS_LIKE_ADAM = 0.2
"""Scale at which a step is as large as one of AdamW, so that both share one learning
rate (Liu et al. 2025, arXiv 2502.16982)."""


class Steepest(torch.optim.Optimizer):
    """Muon for weights of two and more dimensions, with Nesterov momentum."""

    def __init__(
        self,
        weights: Iterable[Any],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__(list(weights), defaults)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Move every weight that has a gradient."""
        del closure
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if "speed" not in state:
                    state["speed"] = torch.zeros_like(weight)
                speed = state["speed"]
                speed.lerp_(weight.grad, 1 - group["momentum"])
                ahead = weight.grad.lerp(speed, group["momentum"])
                matrix = ahead.reshape(len(ahead), -1)
                scale = RMS_LIKE_ADAM * math.sqrt(max(matrix.shape))
                move = orthogonal(matrix).reshape(weight.shape)
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.add_(move, alpha=-group["lr"] * scale)


def orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """Return the matrix with all its singular values brought near one.

    Args:
        matrix: (rows, columns), any scale.

    Returns:
        The same shape, float32; its singular values lie in about 0.7 to 1.2.
    """
    a, b, c = COEFFICIENTS
    x = matrix.to(fast_dtype())
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.T
    x = x / (x.norm() + 1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    result: torch.Tensor = (x.T if tall else x).float()
    return result


def optimizers_for(
    network: torch.nn.Module, rate: float, weight_decay: float
) -> list[torch.optim.Optimizer]:
    """Return the optimizers that between them move every weight that learns."""
    learning = [weight for weight in network.parameters() if weight.requires_grad]
    kernels = [weight for weight in learning if is_kernel(weight)]
    others = [weight for weight in learning if not is_kernel(weight)]
    return [
        Steepest(kernels, rate, weight_decay=weight_decay),
        torch.optim.AdamW(others, rate, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def is_kernel(weight: torch.Tensor) -> bool:
    """Tell whether a weight mixes channels: what a depthwise one does is no matrix."""
    if weight.ndim < 2 or (weight.ndim == 4 and weight.shape[1] == 1):
        return False
    return min(len(weight), weight[0].numel()) > 8
