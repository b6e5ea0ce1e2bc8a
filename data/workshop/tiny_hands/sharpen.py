"""Train the decoder on against a discriminator, so that pictures come out crisp.

Run: python -m workshop.tiny_hands.sharpen PAIRS OUT --minutes 60
OUT/vae is read, and written anew. Resumes where it stopped. The encoder stays as it is,
so a UNet that has learned its latents goes on with the new decoder. With --guesses half
of the batches are what the networks in OUT make of noisy latents.

With absolute errors alone a decoder draws the mean of all edges that the latents leave
open, which is a blur. A discriminator that looks at patches takes no blur for a picture
(Esser et al. 2021, "Taming transformers", arXiv 2012.09841). Its features are compared
as well, so that what is made up still resembles what was there.
"""

import argparse
import math
import time
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  the name everybody knows
from diffusers import AutoencoderKL
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from workshop.precision import autocast
from workshop.tiny_hands.checkpoints import Average, load_state, save_state
from workshop.tiny_hands.guesses import Guesser
from workshop.tiny_hands.pictures import Shard, take_in
from workshop.tiny_hands.reconstruction import colour_error, edge_error
from workshop.tiny_hands.train_vae import draw_crops

RATE = 3e-4
BETAS = (0.5, 0.9)
WARM_STEPS = 60
"""Steps in which the discriminator learns alone."""

MOST_NOISE = 0.2
"""Noise on the latents, in their standard deviations, from none up to this: a UNet's
latents are never quite those of a picture."""

ADVERSARIAL_WEIGHT = 0.05
FEATURE_WEIGHT = 1.0
EDGE_WEIGHT = 0.5


class Discriminator(nn.Module):
    """Says of patches of about 40 px whether they are drawn or decoded."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 24, 48, 96)
        self.stages = nn.ModuleList(
            nn.Sequential(
                spectral_norm(nn.Conv2d(before, after, 4, 2, 1)), nn.LeakyReLU(0.2)
            )
            for before, after in pairwise(widths)
        )
        self.last = spectral_norm(nn.Conv2d(widths[-1], 1, 3, 1, 1))

    def forward(
        self, pictures: torch.Tensor
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Return (N, 1, H / 8, W / 8), higher = drawn, and the features before it."""
        features = []
        for stage in self.stages:
            pictures = stage(pictures)
            features.append(pictures)
        return self.last(pictures), features


class Training:
    """Decoder and discriminator, with all that must survive a stop."""

    def __init__(self, out: Path) -> None:
        self._file = out / "sharpen.pt"
        self.vae = AutoencoderKL.from_pretrained(str(out / "vae")).float()
        self.vae.to(memory_format=torch.channels_last)
        self.vae.requires_grad_(False)
        self._learning = nn.ModuleList([self.vae.post_quant_conv, self.vae.decoder])
        self._learning.requires_grad_(True)
        self._judge = Discriminator().to(memory_format=torch.channels_last)
        self._optimizers = [
            torch.optim.Adam(network.parameters(), RATE, betas=BETAS)
            for network in (self._learning, self._judge)
        ]
        self.average = Average(self.vae, 0.99)
        self.done = 0
        if state := load_state(self._file):
            self.vae.load_state_dict(state["vae"])
            self._judge.load_state_dict(state["judge"])
            self.average.restore(state["average"])
            for optimizer, kept in zip(
                self._optimizers, state["optimizers"], strict=True
            ):
                optimizer.load_state_dict(kept)
            self.done = state["done"]

    def step(
        self, latents: torch.Tensor, pictures: torch.Tensor, rate: float
    ) -> tuple[float, ...]:
        """Learn from one batch; return absolute error, and what the judge says."""
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
        with autocast():
            decoded = self.vae.decode(latents).sample
        decoded = decoded.float()
        with autocast():
            real, shown = self._judge(pictures)
            fake, _ = self._judge(decoded.detach())
        said = F.relu(1 - real).mean() + F.relu(1 + fake).mean()
        self._descend(said, 1)
        error = decoded - pictures
        if self.done >= WARM_STEPS:
            with autocast():
                fooled, seen = self._judge(decoded)
            alike = sum(
                (one - other.detach()).abs().mean()
                for one, other in zip(seen, shown, strict=True)
            )
            loss = error.abs().mean() + EDGE_WEIGHT * edge_error(error)
            loss = loss + colour_error(error)
            loss = loss - ADVERSARIAL_WEIGHT * fooled.mean() + FEATURE_WEIGHT * alike
            self._descend(loss, 0)
            self.average.follow(self.vae)
        self.done += 1
        return error.abs().mean().item(), real.mean().item(), fake.mean().item()

    @torch.no_grad()
    def noisy_latents(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the latents of pictures, with some noise on them."""
        with autocast():
            mean = self.vae.encode(pictures).latent_dist.mean.float()
        most = MOST_NOISE * torch.rand(len(mean), 1, 1, 1)
        noisy: torch.Tensor = mean + most * mean.std() * torch.randn_like(mean)
        return noisy

    def _descend(self, loss: torch.Tensor, which: int) -> None:
        optimizer = self._optimizers[which]
        for each in self._optimizers:
            each.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    def keep(self) -> None:
        """Write the state, so that the next start goes on from here."""
        state = {
            "vae": self.vae.state_dict(),
            "judge": self._judge.state_dict(),
            "average": self.average.state(),
            "optimizers": [each.state_dict() for each in self._optimizers],
            "done": self.done,
        }
        save_state(self._file, state)

    def export(self, folder: Path) -> None:
        """Save the averaged VAE; the factor of its latents stays."""
        vae = AutoencoderKL.from_pretrained(str(folder)).float()
        vae.load_state_dict(self.average.weights)
        vae.save_pretrained(str(folder))


def train(
    pairs: Path, out: Path, minutes: float, size: tuple[int, int], *, guesses: bool
) -> None:
    """Train until the minutes are used up, then export the average.

    Args:
        pairs: Where `pictures` wrote.
        out: Holds `vae`, and with `guesses` all that `train_unet` wrote.
        minutes: Of wall time.
        size: Cut-outs a batch, and their side in pixels.
        guesses: Learn from guessed latents in every other step.
    """
    cv2.setNumThreads(1)
    torch.manual_seed(0)
    training = Training(out)
    guesser = Guesser(out, training.vae) if guesses else None
    known: dict[Path, Shard] = {}
    take_in(pairs, known)
    shards = list(known.values())
    rng = np.random.default_rng([2, training.done])
    started = time.monotonic()
    while (share := (time.monotonic() - started) / 60 / minutes) < 1:
        rate = RATE * (0.5 + 0.5 * math.cos(math.pi * share))
        if guesser is not None and training.done % 2:
            latents, pictures = guesser.draw(shards, *size, rng)
        else:
            pictures = draw_crops(shards, *size, rng)
            latents = training.noisy_latents(pictures)
        told = training.step(latents, pictures, rate)
        if training.done % 25 == 0:
            figures = " ".join(f"{figure:.4f}" for figure in told)
            passed = time.monotonic() - started
            print(f"{training.done} {passed:.0f} s {figures}", flush=True)
        if training.done % 100 == 0:
            training.keep()
    training.keep()
    training.export(out / "vae")


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--guesses", action="store_true")
    given = parser.parse_args()
    size = given.batch, given.side
    train(given.pairs, given.out, given.minutes, size, guesses=given.guesses)


if __name__ == "__main__":
    main()
