"""Train the VAE of the small checkpoint on cut-outs of rendered hands.

Run: python -m workshop.tiny_hands.train_vae PAIRS OUT --minutes 30
Resumes where it stopped. The learning rate falls with the steps done, out of --steps.
With --decoder-only the encoder stays as it is, so that a UNet that has begun to learn
its latents may go on: the decoder gets sharper beside it.
"""

import argparse
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from diffusers import AutoencoderKL

from workshop.steepest import optimizers_for
from workshop.tiny_hands.checkpoints import Average, load_state, save_state
from workshop.tiny_hands.networks import make_vae
from workshop.tiny_hands.pictures import Shard, take_in
from workshop.tiny_hands.reconstruction import Reconstruction, loss_of

PEAK_RATE = 3e-3
SCALES = (0.75, 1.35)
"""A hand is enlarged or shrunk to the working size, so the VAE sees both."""

ON_HAND_SHARE = 0.75
"""Cut-outs that lie on a hand; the others lie anywhere."""

SWAPPED_SHARE = 0.3
"""Cut-outs with their colour channels in another order: so many pictures go from orange
to blue that a VAE would otherwise make do without green and pink."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how to train."""

    minutes: float
    steps: int
    side: int
    """Of a cut-out, in pixels."""

    batch: int
    threads: int
    decoder_only: bool
    compiled: bool


def draw_crops(
    shards: Sequence[Shard], count: int, side: int, rng: np.random.Generator
) -> torch.Tensor:
    """Return (count, 3, side, side) float32 in -1..1, cut and turned at random."""
    crops = []
    for _ in range(count):
        shard = shards[int(rng.integers(len(shards)))]
        index, which = int(rng.integers(len(shard.pixels))), int(rng.integers(2))
        picture, hand = shard.pixels[index, which], shard.hands[index, which]
        scale = float(rng.uniform(*SCALES))
        centre = rng.uniform(0, len(picture), size=2)
        if rng.random() < ON_HAND_SHARE and hand.any():
            places = np.argwhere(hand)
            centre = places[int(rng.integers(len(places)))][::-1].astype(float)
        turn = cv2.getRotationMatrix2D(
            (float(centre[0]), float(centre[1])), float(rng.uniform(-180, 180)), scale
        )
        turn[:, 2] += side / 2 - centre
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        crop = cv2.warpAffine(
            picture, turn, (side, side), flags=way, borderMode=cv2.BORDER_REFLECT_101
        )
        crop = crop[:, ::-1] if rng.random() < 0.5 else crop
        crops.append(
            crop[..., rng.permutation(3)] if rng.random() < SWAPPED_SHARE else crop
        )
    stacked = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float()
    return (stacked / 127.5 - 1).contiguous(memory_format=torch.channels_last)


class Training:
    """The VAE under training, with all that must survive a stop."""

    def __init__(self, state_file: Path, *, decoder_only: bool, compiled: bool) -> None:
        self._state_file = state_file
        self._vae = make_vae().to(memory_format=torch.channels_last)
        network = Reconstruction(self._vae, decoder_only=decoder_only)
        learning = torch.nn.ModuleList([self._vae, network.hint])
        if decoder_only:
            self._vae.encoder.requires_grad_(False)
            self._vae.quant_conv.requires_grad_(False)
            learning = torch.nn.ModuleList(
                [self._vae.post_quant_conv, self._vae.decoder]
            )
        self._optimizers = optimizers_for(learning, PEAK_RATE, weight_decay=1e-3)
        self.average = Average(self._vae, 0.995)
        self.done = 0
        if state := load_state(state_file):
            self._vae.load_state_dict(state["vae"])
            self.average.restore(state["average"])
            network.hint.load_state_dict(state["hint"])
            if state["decoder_only"] == decoder_only:
                for optimizer, kept in zip(
                    self._optimizers, state["optimizers"], strict=True
                ):
                    optimizer.load_state_dict(kept)
                self.done = state["done"]
            else:
                self._vae.load_state_dict(self.average.weights)
        self._decoder_only = decoder_only
        self._hint = network.hint
        self._network: Any = torch.compile(network) if compiled else network

    def step(self, pictures: torch.Tensor, rate: float) -> tuple[float, float]:
        """Learn from one batch; return its loss and its PSNR in dB."""
        loss, psnr = loss_of(self._network, pictures)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._vae.parameters(), 1.0)
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
            optimizer.zero_grad()
        self.average.follow(self._vae)
        self.done += 1
        return loss.item(), psnr

    def keep(self) -> None:
        """Write the state, so that the next start goes on from here."""
        state = {
            "vae": self._vae.state_dict(),
            "optimizers": [each.state_dict() for each in self._optimizers],
            "hint": self._hint.state_dict(),
            "average": self.average.state(),
            "done": self.done,
            "decoder_only": self._decoder_only,
        }
        save_state(self._state_file, state)


def train(pairs: Path, out: Path, plan: Plan) -> None:
    """Train until the minutes or the steps are used up, then export the average."""
    torch.set_num_threads(plan.threads)
    cv2.setNumThreads(1)
    torch.manual_seed(0)
    training = Training(
        out / "vae.pt", decoder_only=plan.decoder_only, compiled=plan.compiled
    )
    known: dict[Path, Shard] = {}
    shards: list[Shard] = []
    rng = np.random.default_rng([1, training.done])
    started = time.monotonic()
    while training.done < plan.steps and time.monotonic() - started < 60 * plan.minutes:
        if training.done % 100 == 0 or not shards:
            take_in(pairs, known)
            shards = list(known.values())
        share = max(
            training.done / plan.steps,
            (time.monotonic() - started) / 60 / plan.minutes,
        )
        warm = min(1.0, (training.done + 1) / 50)
        rate = PEAK_RATE * warm * (0.5 + 0.5 * math.cos(math.pi * share))
        loss, psnr = training.step(draw_crops(shards, plan.batch, plan.side, rng), rate)
        if training.done % 50 == 0:
            passed = time.monotonic() - started
            print(
                f"{training.done} {passed:.0f} s {loss:.4f} {psnr:.1f} dB", flush=True
            )
        if training.done % 250 == 0:
            training.keep()
    training.keep()
    export(training.average, draw_crops(shards, 64, 192, rng), out / "vae")


@torch.no_grad()
def export(average: Average, samples: torch.Tensor, folder: Path) -> None:
    """Save the averaged VAE with the factor that gives its latents unit variance.

    A factor that stands there already stays: a UNet may have learned with it.
    """
    vae = make_vae().eval()
    vae.load_state_dict(average.weights)
    factor = 1 / vae.encode(samples).latent_dist.mean.std().item()
    if (folder / "config.json").exists():
        before = AutoencoderKL.load_config(str(folder))
        factor = before["scaling_factor"]
    vae.register_to_config(scaling_factor=factor)
    vae.save_pretrained(str(folder))


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--side", type=int, default=96)
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--decoder-only", action="store_true")
    parser.add_argument("--compiled", action="store_true", help="needs a C++ compiler")
    given = parser.parse_args()
    plan = Plan(
        given.minutes,
        given.steps,
        given.side,
        given.batch,
        given.threads,
        given.decoder_only,
        given.compiled,
    )
    train(given.pairs, given.out, plan)


if __name__ == "__main__":
    main()
