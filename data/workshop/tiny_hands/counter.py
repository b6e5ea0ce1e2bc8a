"""A second opinion: a small network that counts digits, for measuring repairs only.

It outlines every digit that is seen and counts the outlines. It learns from drawn
pairs, shares no layer with the detector `hands`, and has no part in a repair: no
repaired hand was chosen for pleasing it.

Run: python -m workshop.tiny_hands.counter PAIRS OUT --minutes 15
"""

import argparse
import math
import time
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812  the name everybody knows
from torch import nn

from workshop.precision import autocast
from workshop.steepest import optimizers_for
from workshop.tiny_hands.checkpoints import Average, load_state, save_state
from workshop.tiny_hands.pictures import Shard, load_shard, take_in

SIDE = 128
PAIRS_A_STEP = 12
PEAK_RATE = 3e-3
HELD_OUT = 125
"""Pairs of the last shard, never learnt from."""

SPLIT_KINDS = frozenset(("fused", "melt"))
"""Flaws whose drawn digits cannot be told apart by eye; their twins are learnt from."""

RIM_PX = 3
"""A digit's rim at this width is a class of its own, so that neighbours stay apart."""

LEAST_AREA = 20
"""Pixels of its inside from which a digit counts as seen."""

ELSEWHERE, INSIDE, RIM = 0, 1, 2
CLASS_WEIGHTS = (0.5, 1.5, 2.5)

Pixels = npt.NDArray[np.uint8]


class Block(nn.Module):
    """Two convolutions with group norms."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, after, 3, 1, 1),
            nn.GroupNorm(8, after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, 1, 1),
            nn.GroupNorm(8, after),
            nn.ReLU(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.body(x)
        return result


class Counter(nn.Module):
    """A U-Net: (N, 3, SIDE, SIDE) in -1..1 -> (N, 3, SIDE / 2, SIDE / 2) logits."""

    def __init__(self) -> None:
        super().__init__()
        widths = (32, 64, 96, 128, 128)
        self.stem = nn.Conv2d(3, widths[0], 5, 2, 2)
        pairs = list(pairwise(widths))
        self.down = nn.ModuleList(Block(before, after) for before, after in pairs)
        self.up = nn.ModuleList(
            Block(after + before, before) for before, after in reversed(pairs)
        )
        self.head = nn.Conv2d(widths[0], 3, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.stem(x))
        passed = []
        for block in self.down:
            passed.append(x)
            x = block(F.max_pool2d(x, 2))
        for block, beside in zip(self.up, reversed(passed), strict=True):
            x = block(torch.cat([F.interpolate(x, scale_factor=2.0), beside], dim=1))
        result: torch.Tensor = self.head(x)
        return result


def crop_matrix(
    box: tuple[int, int, int, int], turn: float = 0.0, side: int = SIDE
) -> npt.NDArray[np.float64]:
    """Return the (2, 3) matrix that cuts out a hand, square, with air around it.

    Args:
        box: x0, y0, x1, y1 of palm and digits, in pixels.
        turn: Degrees, counter-clockwise.
        side: Of the cut-out, in pixels.
    """
    x0, y0, x1, y1 = box
    scale = side / (1.3 * max(x1 - x0, y1 - y0, 1))
    middle = ((x0 + x1) / 2, (y0 + y1) / 2)
    matrix: npt.NDArray[np.float64] = cv2.getRotationMatrix2D(middle, turn, scale)
    matrix[:, 2] += side / 2 - np.array(middle)
    return matrix


def crop(picture: Pixels, matrix: npt.NDArray[np.float64]) -> Pixels:
    """Cut a hand out."""
    shrinks = float(np.linalg.det(matrix[:, :2])) < 1
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    result: Pixels = cv2.warpAffine(
        picture, matrix, (SIDE, SIDE), flags=way, borderMode=cv2.BORDER_REFLECT_101
    )
    return result


def classes_of(digits: Pixels, matrix: npt.NDArray[np.float64]) -> Pixels:
    """Return (SIDE / 2, SIDE / 2) uint8: what each cell of a cut-out shows.

    Args:
        digits: (H, W) the visible digits of a picture, numbered from 1.
        matrix: Of the cut-out.
    """
    cut = cv2.warpAffine(digits, matrix, (SIDE, SIDE), flags=cv2.INTER_NEAREST)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * RIM_PX + 1,) * 2)
    shown = np.where(cut > 0, RIM, ELSEWHERE).astype(np.uint8)
    for number in np.unique(cut[cut > 0]):
        shown[cv2.erode((cut == number).astype(np.uint8), disc) > 0] = INSIDE
    return np.ascontiguousarray(shown[::2, ::2])


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
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return pictures (2 P, 3, SIDE, SIDE) and classes (2 P, SIDE / 2, SIDE / 2)."""
    pictures: list[Pixels] = []
    classes: list[Pixels] = []
    while len(pictures) < 2 * PAIRS_A_STEP:
        shard = shards[int(rng.integers(len(shards)))]
        index = int(rng.integers(len(shard.pixels)))
        box = np.array(box_of(shard.hands[index].any(axis=0)))
        box += rng.integers(-12, 13, 4)
        matrix = crop_matrix(tuple(box.tolist()), float(rng.uniform(-180, 180)))
        mirrored = bool(rng.random() < 0.5)
        for which in (0, 1):
            if which == 0 and shard.labels[index][0] in SPLIT_KINDS:
                continue
            seen = crop(shard.pixels[index, which], matrix)
            shown = classes_of(shard.digits[index, which], matrix)
            if mirrored:
                seen, shown = seen[:, ::-1], np.ascontiguousarray(shown[:, ::-1])
            pictures.append(worn(seen, rng))
            classes.append(shown)
    return tensor_of(pictures), torch.from_numpy(np.stack(classes)).long()


def tensor_of(pictures: list[Pixels]) -> torch.Tensor:
    """Return (N, 3, SIDE, SIDE) float32 in -1..1, channels last."""
    stacked = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float()
    return (stacked / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def count(inside: npt.NDArray[np.bool_]) -> int:
    """Count the digits in a map of (SIDE / 2, SIDE / 2) cells."""
    _, _, table, _ = cv2.connectedComponentsWithStats(
        inside.astype(np.uint8), connectivity=4
    )
    return int((table[1:, cv2.CC_STAT_AREA] >= LEAST_AREA / 4).sum())


class CounterJudge:
    """The trained counter, ready to be asked."""

    def __init__(self, file: Path) -> None:
        state = load_state(file)
        if state is None:
            raise FileNotFoundError(f"{file} is missing; train it, see the docstring")
        self._network = Counter().eval()
        self._network.load_state_dict(state["average"])

    @torch.no_grad()
    def digits(self, picture: Pixels, box: tuple[int, int, int, int]) -> int:
        """Count the digits that are seen, on the mean of a view and its mirror image.

        Args:
            picture: (H, W, 3) RGB.
            box: x0, y0, x1, y1 of the hand, in pixels.
        """
        view = crop(picture, crop_matrix(box))
        said = self._network(tensor_of([view, np.ascontiguousarray(view[:, ::-1])]))
        mean = (said[0] + said[1].flip(-1)).softmax(0)
        return count(mean[INSIDE].numpy() > 0.5)


def train(pairs: Path, out: Path, minutes: float) -> None:
    """Train, or go on, until the minutes are used up."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = Counter().to(memory_format=torch.channels_last)
    optimizers = optimizers_for(network, PEAK_RATE, 1e-3)
    average = Average(network, 0.99)
    done = 0
    if state := load_state(out):
        network.load_state_dict(state["network"])
        average.weights = state["average"]
        done = state["done"]
    rng = np.random.default_rng([3, done])
    known: dict[Path, Shard] = {}
    take_in(pairs, known)
    shards = [known[path] for path in sorted(known)][:-1]
    started = time.monotonic()
    while (share := (time.monotonic() - started) / (60 * minutes)) < 1:
        rate = PEAK_RATE * min(1.0, (done + 1) / 30) * (1 + math.cos(math.pi * share))
        pictures, classes = draw_batch(shards, rng)
        with autocast():
            said = network(pictures).float()
        loss = F.cross_entropy(said, classes, torch.tensor(CLASS_WEIGHTS))
        loss.backward()  # type: ignore[no-untyped-call]
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate / 2
            optimizer.step()
            optimizer.zero_grad()
        average.follow(network)
        done += 1
        if done % 50 == 0:
            print(f"{done} {time.monotonic() - started:.0f} s {loss:.3f}", flush=True)
    state = {
        "network": network.state_dict(),
        "average": average.weights,
        "done": done,
    }
    save_state(out, state)
    report(CounterJudge(out), load_shard(sorted(known)[-1]))


def report(judge: CounterJudge, shard: Shard) -> None:
    """Print how often the counter is right about hands it has not seen."""
    right: dict[str, list[bool]] = {"sound": [], "flawed": []}
    fives = []
    for index in range(min(HELD_OUT, len(shard.pixels))):
        box = box_of(shard.hands[index].any(axis=0))
        for which, name in ((0, "flawed"), (1, "sound")):
            matrix = crop_matrix(box)
            shown = classes_of(shard.digits[index, which], matrix)
            there = count(shown == INSIDE)
            seen = judge.digits(shard.pixels[index, which], box)
            if which == 1 or shard.labels[index][0] not in SPLIT_KINDS:
                right[name].append(seen == there)
            if there == 5:
                fives.append(seen == 5)
    for name, told in right.items():
        print(f"digits counted right, {name} hands: {np.mean(told):.2f} ({len(told)})")
    print(f"five digits counted where five are seen: {np.mean(fives):.2f}")


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=15)
    given = parser.parse_args()
    train(given.pairs, given.out, given.minutes)


if __name__ == "__main__":
    main()
