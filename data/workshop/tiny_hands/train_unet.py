"""Train the UNet, the text encoder and the ControlNet of the small checkpoint together.

Run: python -m workshop.tiny_hands.train_unet PAIRS OUT --minutes 60
Needs OUT/vae. Resumes where it stopped. The learning rate falls over the minutes given.
With --start data/models/tiny-hands a new OUT begins from what was shipped; copy its vae
to OUT/vae first. With --channels 4 the UNet becomes a plain one, for comparison.
"""

import argparse
import math
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from diffusers import AutoencoderKL

from workshop.steepest import optimizers_for
from workshop.tiny_hands.batches import ZOOM, draw_sample
from workshop.tiny_hands.captions import WORDS
from workshop.tiny_hands.checkpoints import Average, load_state, save_state
from workshop.tiny_hands.networks import (
    INPAINTING,
    PLAIN,
    make_schedule,
    write_tokenizer,
)
from workshop.tiny_hands.painter import Painter, Steered, loss_of
from workshop.tiny_hands.pictures import Shard, take_in
from workshop.tiny_hands.stock import Stock, draw_latents

CONTROL_RATE = 2.0
"""The ControlNet's learning rate, in learning rates of the UNet, which knows more."""

AT_FIRST = 8
"""Batches drawn before the first step, which would learn a few samples by heart."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast to train."""

    side: int
    zoom: tuple[float, float]
    batch: int
    fresh: int
    """Newly drawn samples a step; the others come out of the stock."""

    minutes: float
    peak_rate: float
    workers: int
    """Threads, each with a batch of its own; they meet once a step."""

    compiled: bool
    start: Path | None
    """A diffusers folder whose networks are trained on."""

    decay: float
    """Of the moving average of the weights, a step."""

    channels: int = INPAINTING
    """9 trains an inpainting UNet, 4 one that only knows noisy latents."""


class Training:
    """The painter under training, with all that must survive a stop."""

    def __init__(self, out: Path, plan: Plan) -> None:
        self._out = out
        self._plan = plan
        self._schedule = make_schedule()
        self._tokenizer = write_tokenizer(out / "tokenizer", WORDS)
        vae = AutoencoderKL.from_pretrained(str(out / "vae")).eval()
        self._vae = vae.requires_grad_(False).to(memory_format=torch.channels_last)
        torch.manual_seed(0)
        self._painter = Painter(self._tokenizer, plan.channels)
        if plan.start is not None:
            self._painter.begin_from(plan.start)
        self._steered: Any = Steered(self._painter.unet, self._painter.controlnet)
        if plan.compiled:
            self._steered = torch.compile(self._steered)
        self._optimizers = [
            *optimizers_for(self._painter.unet, 1.0, 1e-3),
            *optimizers_for(self._painter.text_encoder, 1.0, 1e-3),
            *optimizers_for(self._painter.controlnet, CONTROL_RATE, 1e-3),
        ]
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                group["initial_lr"] = group["lr"]
        self._learning = list(self._painter.parameters())
        self._threads = ThreadPoolExecutor(plan.workers)
        self._average = Average(self._painter, plan.decay)
        self._stock = Stock()
        self._warm = False
        self.done = 0
        if state := load_state(out / "unet.pt"):
            self._painter.load_state_dict(state["painter"])
            for optimizer, kept in zip(
                self._optimizers, state["optimizers"], strict=True
            ):
                optimizer.load_state_dict(kept)
            self._average.restore(state["average"])
            self.done = state["done"]
        torch.manual_seed(self.done)

    def step(
        self, shards: list[Shard], share: float, rng: np.random.Generator
    ) -> float:
        """Learn from one batch; return its loss.

        Args:
            shards: What fresh samples are drawn from.
            share: How much of the time is used up, 0..1.
            rng: Source of the samples.
        """
        draw = partial(self._gradients, shards)
        chances = rng.spawn(self._plan.workers)
        # The first step compiles, which one thread does for all.
        each = self._threads.map if self._warm else map
        parts = list(each(draw, chances))
        self._warm = True
        for number, weight in enumerate(self._learning):
            weight.grad = torch.stack([part[0][number] for part in parts]).mean(0)
        torch.nn.utils.clip_grad_norm_(self._learning, 1.0)
        rate = self._plan.peak_rate * rate_at(self.done, share)
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate * group["initial_lr"]
            optimizer.step()
        self._average.follow(self._painter)
        self.done += 1
        return float(np.mean([loss for _, loss in parts]))

    def _gradients(
        self, shards: list[Shard], rng: np.random.Generator
    ) -> tuple[Sequence[torch.Tensor], float]:
        """Renew a part of the stock, and return gradients and loss of one batch."""
        plan = self._plan
        fresh = plan.fresh if self._warm else AT_FIRST * plan.batch
        samples = [draw_sample(shards, plan.side, rng, plan.zoom) for _ in range(fresh)]
        self._stock.add(draw_latents(self._vae, samples), rng)
        batch = self._stock.draw(plan.batch, rng)
        loss = loss_of(self._painter, self._steered, batch, self._schedule)
        return torch.autograd.grad(loss, self._learning), loss.item()

    def keep(self) -> None:
        """Write the state and the averaged networks."""
        state = {
            "painter": self._painter.state_dict(),
            "optimizers": [each.state_dict() for each in self._optimizers],
            "average": self._average.state(),
            "done": self.done,
        }
        save_state(self._out / "unet.pt", state)
        export(self._average, self._tokenizer, self._plan.channels, self._out)


def train(pairs: Path, out: Path, plan: Plan) -> None:
    """Train until the minutes are used up, then export the average."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    training = Training(out, plan)
    rng = np.random.default_rng([2, training.done])
    known: dict[Path, Shard] = {}
    shards: list[Shard] = []
    recent: list[float] = []
    started = time.monotonic()
    while (share := (time.monotonic() - started) / (60 * plan.minutes)) < 1:
        if training.done % 200 == 0 or not shards:
            take_in(pairs, known)
            shards = list(known.values())
        recent = [*recent[-99:], training.step(shards, share, rng)]
        if training.done % 25 == 0:
            passed = time.monotonic() - started
            print(f"{training.done} {passed:.0f} s {np.mean(recent):.4f}", flush=True)
        if training.done % 200 == 0:
            training.keep()
    training.keep()


def rate_at(done: int, share: float) -> float:
    """Return the share of the peak learning rate: warm-up, then half a cosine."""
    return min(1.0, (done + 1) / 100) * max(0.02, 0.5 + 0.5 * math.cos(math.pi * share))


@torch.no_grad()
def export(average: Average, tokenizer: Any, channels: int, out: Path) -> None:
    """Save the averaged networks as diffusers and transformers folders."""
    painter = Painter(tokenizer, channels)
    painter.load_state_dict(average.weights)
    painter.unet.save_pretrained(str(out / "unet"))
    painter.controlnet.save_pretrained(str(out / "controlnet"))
    painter.text_encoder.save_pretrained(str(out / "text_encoder"))
    make_schedule().save_pretrained(str(out / "scheduler"))


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--side", type=int, default=192)
    parser.add_argument("--zoom", type=float, nargs=2, default=ZOOM)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--fresh", type=int, default=6)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--start", type=Path)
    parser.add_argument("--decay", type=float, default=0.998)
    parser.add_argument(
        "--channels", type=int, choices=(INPAINTING, PLAIN), default=INPAINTING
    )
    parser.add_argument("--compiled", action="store_true", help="needs a C++ compiler")
    given = parser.parse_args()
    plan = Plan(
        given.side,
        tuple(given.zoom),
        given.batch,
        given.fresh,
        given.minutes,
        given.rate,
        given.workers,
        given.compiled,
        given.start,
        given.decay,
        given.channels,
    )
    train(given.pairs, given.out, plan)


if __name__ == "__main__":
    main()
