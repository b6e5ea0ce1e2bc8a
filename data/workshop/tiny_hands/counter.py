"""A second opinion: a small network that counts digits, for measuring repairs only.

It learns from drawn pairs, shares no layer with the detector `hands`, and has no part
in a repair: no repaired hand was chosen for pleasing it.

Run: python -m workshop.tiny_hands.counter PAIRS OUT --minutes 15
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812  the name everybody knows
from torch import nn

from workshop.tiny_hands.checkpoints import load_state, save_state
from workshop.tiny_hands.pictures import Shard, load_shard, take_in
from workshop.tiny_hands.steepest import optimizers_for

SIDE = 96
PAIRS_A_STEP = 16
PEAK_RATE = 2e-3
COUNTS = (3, 4, 5, 6, 7)
HELD_OUT = 250
"""Pairs of the last shard, never learnt from."""

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the counter says about one hand."""

    digits: int
    flawed: float
    """0..1, not calibrated."""

    @property
    def sound(self) -> bool:
        return self.digits == 5 and self.flawed < 0.5


class Block(nn.Module):
    """Two convolutions beside a shortcut, at half the side."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, after, 3, 2, 1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, 1, 1, bias=False),
            nn.BatchNorm2d(after),
        )
        self.shortcut = nn.Conv2d(before, after, 1, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = F.relu(self.body(x) + self.shortcut(x))
        return result


class Counter(nn.Module):
    """(N, 3, SIDE, SIDE) in -1..1 -> (N, 1 + len(COUNTS)): flawed, and the count."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 32, 3, 1, 1),
            nn.ReLU(),
            Block(32, 48),
            Block(48, 96),
            Block(96, 160),
            Block(160, 224),
        )
        self.head = nn.Linear(224, 1 + len(COUNTS))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.head(self.body(x).mean((2, 3)))
        return result


def crop(picture: Pixels, box: tuple[int, int, int, int], turn: float = 0.0) -> Pixels:
    """Cut out a hand as the counter sees it: square, with a seventh of air around.

    Args:
        picture: (H, W, 3) RGB.
        box: x0, y0, x1, y1 of palm and digits, in pixels.
        turn: Degrees, counter-clockwise.
    """
    x0, y0, x1, y1 = box
    scale = SIDE / (1.3 * max(x1 - x0, y1 - y0, 1))
    middle = ((x0 + x1) / 2, (y0 + y1) / 2)
    warp = cv2.getRotationMatrix2D(middle, turn, scale)
    warp[:, 2] += SIDE / 2 - np.array(middle)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    result: Pixels = cv2.warpAffine(
        picture, warp, (SIDE, SIDE), flags=way, borderMode=cv2.BORDER_REFLECT_101
    )
    return result


def box_of(hand: npt.NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Return x0, y0, x1, y1 of a mask; the whole of an empty one."""
    rows, columns = np.nonzero(hand)
    if not rows.size:
        return 0, 0, hand.shape[1], hand.shape[0]
    left, top = int(columns.min()), int(rows.min())
    return left, top, int(columns.max()) + 1, int(rows.max()) + 1


def worn(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """Soften, shade or compress a cut-out, as a VAE, a camera or a file would."""
    if rng.random() < 0.6:
        picture = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.3, 1.6)))
    if rng.random() < 0.4:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 95))]
        encoded = cv2.imencode(".jpg", picture, quality)[1]
        picture = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
    shaded = picture.astype(np.float32) * rng.uniform(0.7, 1.25) + rng.normal(0, 12)
    noisy = shaded + rng.normal(0, rng.uniform(0, 6), picture.shape)
    return noisy.clip(0, 255).astype(np.uint8)


def draw_batch(
    shards: list[Shard], rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return pictures (2 P, 3, SIDE, SIDE), flawed (2 P,) and count (2 P,)."""
    pictures, flawed, counts = [], [], []
    for _ in range(PAIRS_A_STEP):
        shard = shards[int(rng.integers(len(shards)))]
        index = int(rng.integers(len(shard.pixels)))
        box = np.array(box_of(shard.hands[index].any(axis=0)))
        box += rng.integers(-8, 9, 4)
        turn, mirrored = float(rng.uniform(-30, 30)), bool(rng.random() < 0.5)
        for which, digits in ((0, int(shard.labels[index][1])), (1, 5)):
            seen = crop(shard.pixels[index, which], tuple(box.tolist()), turn)
            pictures.append(worn(seen[:, ::-1] if mirrored else seen, rng))
            flawed.append(1.0 - which)
            counts.append(min(max(digits, COUNTS[0]), COUNTS[-1]) - COUNTS[0])
    return tensor_of(pictures), torch.tensor(flawed), torch.tensor(counts)


def tensor_of(pictures: list[Pixels]) -> torch.Tensor:
    """Return (N, 3, SIDE, SIDE) float32 in -1..1, channels last."""
    stacked = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float()
    return (stacked / 127.5 - 1).contiguous(memory_format=torch.channels_last)


class CounterJudge:
    """The trained counter, ready to be asked."""

    def __init__(self, file: Path) -> None:
        state = load_state(file)
        if state is None:
            raise FileNotFoundError(f"{file} is missing; train it, see the docstring")
        self._network = Counter().eval()
        self._network.load_state_dict(state["network"])

    @torch.no_grad()
    def opinion(self, picture: Pixels, box: tuple[int, int, int, int]) -> Opinion:
        """Judge one hand as the mean over four views, two of them mirrored."""
        views = [crop(picture, box, turn) for turn in (-8.0, 8.0)]
        views += [np.ascontiguousarray(view[:, ::-1]) for view in views]
        said = self._network(tensor_of(views))
        digits = COUNTS[int(said[:, 1:].softmax(1).mean(0).argmax())]
        return Opinion(digits, float(said[:, 0].sigmoid().mean()))


def train(pairs: Path, out: Path, minutes: float, steps: int) -> None:
    """Train, or go on, until the minutes or the steps are used up."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = Counter().to(memory_format=torch.channels_last)
    optimizers = optimizers_for(network, PEAK_RATE, 1e-2)
    done = 0
    if state := load_state(out):
        network.load_state_dict(state["network"])
        for optimizer, kept in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        done = state["done"]
    rng = np.random.default_rng([3, done])
    known: dict[Path, Shard] = {}
    take_in(pairs, known)
    shards = [known[path] for path in sorted(known)][:-1]
    started = time.monotonic()
    while done < steps and time.monotonic() - started < 60 * minutes:
        share = max(0.02, 0.5 + 0.5 * float(np.cos(np.pi * done / steps)))
        rate = PEAK_RATE * min(1.0, (done + 1) / 50) * share
        pictures, flawed, counts = draw_batch(shards, rng)
        with torch.autocast("cpu", torch.bfloat16):
            said = network(pictures).float()
        loss = F.binary_cross_entropy_with_logits(said[:, 0], flawed)
        loss = loss + F.cross_entropy(said[:, 1:], counts)
        loss.backward()  # type: ignore[no-untyped-call]
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
            optimizer.zero_grad()
        done += 1
        if done % 100 == 0:
            print(f"{done} {time.monotonic() - started:.0f} s {loss:.3f}", flush=True)
    state = {
        "network": network.state_dict(),
        "optimizers": [each.state_dict() for each in optimizers],
        "done": done,
    }
    save_state(out, state)
    report(CounterJudge(out), load_shard(sorted(known)[-1]))


def report(judge: CounterJudge, shard: Shard) -> None:
    """Print how often the counter is right about hands it has not seen."""
    right = called_sound = sound_found = 0
    for index in range(min(HELD_OUT, len(shard.pixels))):
        box = box_of(shard.hands[index].any(axis=0))
        flawed, sound = (judge.opinion(shard.pixels[index, w], box) for w in (0, 1))
        right += (flawed.digits == int(shard.labels[index][1])) + (sound.digits == 5)
        called_sound += flawed.sound
        sound_found += sound.sound
    share = 1 / len(shard.pixels)
    print(f"digits counted right: {right * share / 2:.3f}")
    print(f"sound hands called sound: {sound_found * share:.3f}")
    print(f"flawed hands called sound: {called_sound * share:.3f}")


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--steps", type=int, default=4000)
    given = parser.parse_args()
    train(given.pairs, given.out, given.minutes, given.steps)


if __name__ == "__main__":
    main()
