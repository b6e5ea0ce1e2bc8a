"""Train the VAE of the small checkpoint on cut-outs of rendered hands.

Run: python -m workshop.tiny_hands.train_vae PAIRS OUT --minutes 30
Resumes where it stopped. The learning rate falls with the steps done, out of --steps.
With --decoder-only the encoder stays as it is, so that a UNet that has begun to learn
its latents may go on: the decoder gets sharper beside it.
"""

import argparse
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from diffusers import AutoencoderKL
from torch.nn.functional import avg_pool2d

from workshop.tiny_hands.checkpoints import Average, load_state, save_state
from workshop.tiny_hands.networks import make_vae
from workshop.tiny_hands.pictures import Shard, take_in
from workshop.tiny_hands.steepest import optimizers_for

CROP = 96
BATCH = 12
PEAK_RATE = 3e-3
SCALES = (0.75, 1.35)
"""A hand is enlarged or shrunk to the working size, so the VAE sees both."""

ON_HAND_SHARE = 0.75
"""Cut-outs that lie on a hand; the others lie anywhere."""

DECODER_NOISE = 0.15
"""Noise on the latents, in their standard deviations, while the decoder learns alone:
a UNet's latents are never quite those of a picture."""
COLOUR_WEIGHT = 4.0
"""Without it the four channels all go to edges, and green leaves come back grey."""

HUE_WEIGHT = 16.0
"""Red against green and yellow against blue are judged by themselves: in plain RGB a
pink hand that comes back tan costs next to nothing, and a repair of it shows a seam."""

OPPONENT = ((0.5, 0.25), (-0.5, 0.25), (0.0, -0.5))
"""Columns: red against green, yellow against blue."""

SWAPPED_SHARE = 0.3
"""Cut-outs with their colour channels in another order: so many pictures go from orange
to blue that a VAE would otherwise make do without green and pink."""

HINT_WEIGHT = 8.0
HINT_SIDE = 4
"""The mean of the latents over squares of this side has to tell the mean hue there. Of
the channels that hold edges this mean would be idle; hue changes slowly, and fits."""

COLOUR_PX = 8
"""Side of the squares over which colour is compared."""

KL_WEIGHT = 1e-4
"""Small, so that detail wins; the latents are scaled to unit variance anyway."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how to train."""

    minutes: float
    steps: int
    threads: int
    decoder_only: bool
    compiled: bool


def draw_crops(shards: Sequence[Shard], rng: np.random.Generator) -> torch.Tensor:
    """Return (BATCH, 3, CROP, CROP) float32 in -1..1, cut and turned at random."""
    crops = []
    for _ in range(BATCH):
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
        turn[:, 2] += CROP / 2 - centre
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        crop = cv2.warpAffine(
            picture, turn, (CROP, CROP), flags=way, borderMode=cv2.BORDER_REFLECT_101
        )
        crop = crop[:, ::-1] if rng.random() < 0.5 else crop
        crops.append(
            crop[..., rng.permutation(3)] if rng.random() < SWAPPED_SHARE else crop
        )
    stacked = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float()
    return (stacked / 127.5 - 1).contiguous(memory_format=torch.channels_last)


class Reconstruction(torch.nn.Module):
    """Pictures through the VAE and back."""

    def __init__(self, vae: AutoencoderKL, *, decoder_only: bool) -> None:
        super().__init__()
        self._vae = vae
        self._decoder_only = decoder_only
        self.hint = torch.nn.Conv2d(vae.config.latent_channels, 2, 1)

    def forward(
        self, pictures: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return pictures as they come back, the hues hinted at, and the mean KL."""
        with torch.autocast("cpu", torch.bfloat16):
            if self._decoder_only:
                with torch.no_grad():
                    mean = self._vae.encode(pictures).latent_dist.mean
                noise = DECODER_NOISE * mean.std() * torch.randn_like(mean)
                latents, kl = mean + noise, torch.zeros(())
            else:
                posterior = self._vae.encode(pictures).latent_dist
                latents = posterior.sample()
                kl = posterior.kl().mean() / posterior.mean[0].numel()
            hinted = self.hint(avg_pool2d(latents, HINT_SIDE))
            decoded = self._vae.decode(latents).sample
        return decoded.float(), hinted.float(), kl


def hues(pictures: torch.Tensor, side: int) -> torch.Tensor:
    """Return (N, 2, H / side, W / side): the mean hue of squares, see OPPONENT."""
    turn = torch.tensor(OPPONENT)
    return torch.einsum("nchw,ck->nkhw", avg_pool2d(pictures, side), turn)


def loss_of(
    network: Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor, torch.Tensor]],
    pictures: torch.Tensor,
) -> tuple[torch.Tensor, float]:
    """Return the loss and the PSNR in dB of one batch.

    Absolute error, plus the error of horizontal and vertical differences, which keeps
    the edges between fingers, plus the error of the mean colour and of the mean hue of
    small squares, plus that of the hues hinted at, plus a light pull of the latents
    towards a unit Gaussian.
    """
    decoded, hinted, kl = network(pictures)
    error = decoded - pictures
    edges = error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean()
    colour = COLOUR_WEIGHT * avg_pool2d(error, COLOUR_PX).abs().mean()
    colour = colour + HUE_WEIGHT * hues(error, COLOUR_PX).abs().mean()
    hint = (hinted - hues(pictures, 8 * HINT_SIDE)).abs().mean()
    loss = error.abs().mean() + edges + colour + HINT_WEIGHT * hint + KL_WEIGHT * kl
    psnr = -10 * math.log10(error.detach().pow(2).mean().item() / 4)
    return loss, psnr


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
        loss, psnr = training.step(draw_crops(shards, rng), rate)
        if training.done % 50 == 0:
            passed = time.monotonic() - started
            print(
                f"{training.done} {passed:.0f} s {loss:.4f} {psnr:.1f} dB", flush=True
            )
        if training.done % 250 == 0:
            training.keep()
    training.keep()
    samples = torch.cat([draw_crops(shards, rng) for _ in range(16)])
    export(training.average, samples, out / "vae")


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
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--decoder-only", action="store_true")
    parser.add_argument("--compiled", action="store_true", help="needs a C++ compiler")
    given = parser.parse_args()
    plan = Plan(
        given.minutes, given.steps, given.threads, given.decoder_only, given.compiled
    )
    train(given.pairs, given.out, plan)


if __name__ == "__main__":
    main()
