"""Train the VAE of the small checkpoint on cut-outs of rendered hands.

Run: python -m workshop.tiny_hands.train_vae PAIRS OUT --minutes 30
Resumes where it stopped. The learning rate falls with the steps done, out of --steps.
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL

from workshop.tiny_hands.checkpoints import Average, load_state, save_state
from workshop.tiny_hands.networks import make_vae
from workshop.tiny_hands.pictures import SIZE, Shard, take_in

CROP = 96
BATCH = 16
PEAK_RATE = 1.5e-3
COLOUR_WEIGHT = 4.0
"""Without it the four channels all go to edges, and green leaves come back grey."""

COLOUR_PX = 8
"""Side of the squares over which colour is compared."""

KL_WEIGHT = 1e-4
"""Small, so that detail wins; the latents are scaled to unit variance anyway."""


def draw_crops(pictures: list[np.ndarray], rng: np.random.Generator) -> torch.Tensor:
    """Return (BATCH, 3, CROP, CROP) float32 in -1..1, cut and mirrored at random."""
    crops = []
    for _ in range(BATCH):
        shard = pictures[int(rng.integers(len(pictures)))]
        picture = shard[int(rng.integers(len(shard))), int(rng.integers(2))]
        y, x = rng.integers(0, SIZE - CROP + 1, size=2)
        crop = picture[y : y + CROP, x : x + CROP]
        crop = crop.transpose(1, 0, 2) if rng.random() < 0.5 else crop
        crops.append(crop[:, ::-1] if rng.random() < 0.5 else crop)
    stacked = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float()
    return (stacked / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def loss_of(vae: AutoencoderKL, pictures: torch.Tensor) -> tuple[torch.Tensor, float]:
    """Return the loss and the PSNR in dB of one batch.

    Absolute error, plus the error of horizontal and vertical differences, which keeps
    the edges between fingers, plus the error of the mean colour of small squares, plus
    a light pull of the latents towards a unit Gaussian.
    """
    with torch.autocast("cpu", torch.bfloat16):
        posterior = vae.encode(pictures).latent_dist
        decoded = vae.decode(posterior.sample()).sample.float()
    error = decoded - pictures
    edges = error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean()
    colour = torch.nn.functional.avg_pool2d(error, COLOUR_PX).abs().mean()
    kl = posterior.kl().mean() / posterior.mean[0].numel()
    loss = error.abs().mean() + edges + COLOUR_WEIGHT * colour + KL_WEIGHT * kl
    psnr = -10 * math.log10(error.detach().pow(2).mean().item() / 4)
    return loss, psnr


class Training:
    """The VAE under training, with all that must survive a stop."""

    def __init__(self, state_file: Path) -> None:
        self._state_file = state_file
        self._vae = make_vae().to(memory_format=torch.channels_last)
        self._optimizer = torch.optim.AdamW(
            self._vae.parameters(), PEAK_RATE, weight_decay=1e-3
        )
        self.average = Average(self._vae, 0.995)
        self.done = 0
        if state := load_state(state_file):
            self._vae.load_state_dict(state["vae"])
            self._optimizer.load_state_dict(state["optimizer"])
            self.average.restore(state["average"])
            self.done = state["done"]

    def step(self, pictures: torch.Tensor, rate: float) -> tuple[float, float]:
        """Learn from one batch; return its loss and its PSNR in dB."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        loss, psnr = loss_of(self._vae, pictures)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._vae.parameters(), 1.0)
        self._optimizer.step()
        self.average.follow(self._vae)
        self.done += 1
        return loss.item(), psnr

    def keep(self) -> None:
        """Write the state, so that the next start goes on from here."""
        state = {
            "vae": self._vae.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "average": self.average.state(),
            "done": self.done,
        }
        save_state(self._state_file, state)


def train(pairs: Path, out: Path, *, minutes: float, steps: int) -> None:
    """Train until the minutes or the steps are used up, then export the average."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    training = Training(out / "vae.pt")
    shards: dict[Path, Shard] = {}
    pictures: list[np.ndarray] = []
    rng = np.random.default_rng([1, training.done])
    started = time.monotonic()
    while training.done < steps and time.monotonic() - started < 60 * minutes:
        if training.done % 100 == 0 or not pictures:
            take_in(pairs, shards)
            pictures = [shard.pixels for shard in shards.values()]
        share = training.done / steps
        warm = min(1.0, (training.done + 1) / 100)
        rate = PEAK_RATE * warm * (0.5 + 0.5 * math.cos(math.pi * share))
        loss, psnr = training.step(draw_crops(pictures, rng), rate)
        if training.done % 50 == 0:
            passed = time.monotonic() - started
            print(
                f"{training.done} {passed:.0f} s {loss:.4f} {psnr:.1f} dB", flush=True
            )
        if training.done % 250 == 0:
            training.keep()
    training.keep()
    export(training.average, draw_crops(pictures, rng), out / "vae")


@torch.no_grad()
def export(average: Average, sample: torch.Tensor, folder: Path) -> None:
    """Save the averaged VAE with the factor that gives its latents unit variance."""
    vae = make_vae().eval()
    vae.load_state_dict(average.weights)
    latents = vae.encode(sample).latent_dist.mean
    vae.register_to_config(scaling_factor=1 / latents.std().item())
    vae.save_pretrained(str(folder))


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--steps", type=int, default=3000)
    arguments = parser.parse_args()
    train(
        arguments.pairs, arguments.out, minutes=arguments.minutes, steps=arguments.steps
    )


if __name__ == "__main__":
    main()
