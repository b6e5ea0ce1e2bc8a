"""Train the scout; half an hour of one core, checkpoints every 50 steps, resumes.

Run: `PYTHONPATH=data python -m workshop.scout.train --samples data/workshop/out/judge
--out data/workshop/out/scout --export data/models/hand-scout`. With
`--start data/models/hand-scout` it trains what is shipped further.
"""

import argparse
import math
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from detectors.hand_nets import HandNets
from detectors.hand_scout import WEIGHTS, ScoutNet
from workshop.scout.pictures import Lesson, grounds, lesson, patches
from workshop.steepest import optimizers_for
from workshop.tiny_hands.checkpoints import Average, load_state, save_state

BATCH = 16
SEED = 20_260
_CHECKPOINT_EVERY = 50
_LEARNING_RATE = 3e-3
_WARM_UP = 60
_AVERAGED = 0.99
"""What is exported is the moving average of the weights."""

_SIZE_WEIGHT = 0.1


def loss_of(said: Tensor, heat: Tensor, size: Tensor) -> Tensor:
    """Return the focal loss of the middles (Law and Deng, CornerNet, 2018) and sizes.

    Args:
        said: (N, 2, S, S) from the network.
        heat: (N, S, S) in 0..1, 1 at middles.
        size: (N, S, S) log2 of the length; 0 where there is none.
    """
    p = torch.sigmoid(said[:, 0].float()).clamp(1e-4, 1 - 1e-4)
    middles = heat >= 0.999
    found = torch.log(p) * (1 - p) ** 2 * middles
    spared = torch.log(1 - p) * p**2 * (1 - heat) ** 4 * ~middles
    focal = -(found.sum() + spared.sum()) / middles.sum().clamp(min=1)
    known = size > 0
    gap = functional.smooth_l1_loss(
        said[:, 1].float()[known], size[known], reduction="sum", beta=0.2
    )
    return focal + _SIZE_WEIGHT * gap / known.sum().clamp(min=1)


def stacked(lessons: list[Lesson]) -> tuple[Tensor, Tensor, Tensor]:
    """Return pixels (N, 3, H, W) in 0..1, heat and size as tensors."""
    pixels = torch.from_numpy(np.stack([one.pixels for one in lessons]))
    shown = pixels.permute(0, 3, 1, 2).float().div_(255)
    return (
        shown.contiguous(memory_format=torch.channels_last),
        torch.from_numpy(np.stack([one.heat for one in lessons])),
        torch.from_numpy(np.stack([one.size for one in lessons])),
    )


def train(given: argparse.Namespace) -> ScoutNet:
    """Train, or go on where a checkpoint stands."""
    net = ScoutNet().to(memory_format=torch.channels_last)
    net.answer.bias = torch.nn.Parameter(torch.tensor([-4.0, 5.0]))
    if given.start is not None:
        stored = load_file(str(given.start / Path(WEIGHTS).name))
        net.load_state_dict({name: kept.float() for name, kept in stored.items()})
    optimizers = optimizers_for(net, given.rate, 0.01)
    average = Average(net, _AVERAGED)
    first = _resume(given.out, net, optimizers, average)
    hands = patches(given.samples, HandNets.open())
    behind = grounds(given.grounds, SEED)
    start, mean = time.monotonic(), 0.0
    for step in range(first, given.steps):
        rng = np.random.default_rng([SEED, step])
        batch = [lesson(rng, hands, behind) for _ in range(BATCH)]
        shown, heat, size = stacked(batch)
        loss = loss_of(net(shown), heat, size)
        net.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = given.rate * _share(step, given.steps)
            optimizer.step()
        average.follow(net)
        mean = 0.98 * mean + 0.02 * loss.item()
        if (step + 1) % _CHECKPOINT_EVERY == 0:
            _keep(given.out, net, optimizers, average, step + 1)
            pace = (time.monotonic() - start) / (step + 1 - first)
            print(f"step {step + 1}: loss {mean:.3f}, {pace:.2f} s a step", flush=True)
    net.load_state_dict(average.weights)
    return net.eval()


def _share(step: int, steps: int) -> float:
    """Return the share of the peak learning rate: warm-up, then half a cosine."""
    warm = min(1.0, (step + 1) / _WARM_UP)
    return warm * (0.02 + 0.49 * (1 + math.cos(math.pi * step / steps)))


def _keep(
    folder: Path,
    net: ScoutNet,
    optimizers: list[torch.optim.Optimizer],
    average: Average,
    step: int,
) -> None:
    state = {
        "net": net.state_dict(),
        "optimizers": [each.state_dict() for each in optimizers],
        "average": average.state(),
        "step": step,
    }
    save_state(folder / "checkpoint.pt", state)


def _resume(
    folder: Path,
    net: ScoutNet,
    optimizers: list[torch.optim.Optimizer],
    average: Average,
) -> int:
    state = load_state(folder / "checkpoint.pt")
    if state is None:
        return 0
    net.load_state_dict(state["net"])
    for optimizer, kept in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(kept)
    average.restore(state["average"])
    return int(state["step"])


def main() -> None:
    """Train and export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--export", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="a folder of weights to go on from")
    parser.add_argument("--rate", type=float, default=_LEARNING_RATE)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--grounds", type=int, default=240)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    net = train(given)
    given.export.mkdir(parents=True, exist_ok=True)
    kept = {
        name: value.contiguous().half()
        for name, value in net.state_dict().items()
        if value.is_floating_point()
    }
    save_file(kept, str(given.export / Path(WEIGHTS).name))
    print(f"written to {given.export}; add its digest to data/models/SHA256SUMS")


if __name__ == "__main__":
    main()
