"""Train the inpainting UNet and the text encoder of the small checkpoint.

Run: python -m workshop.tiny_hands.train_unet PAIRS OUT --minutes 60 --steps 6000
Needs OUT/vae. Resumes where it stopped, also with another side or more steps.
"""

import argparse
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  the name everybody knows
from diffusers import AutoencoderKL
from diffusers.models.attention_processor import AttnProcessor

from workshop.tiny_hands.batches import Sample, draw_sample
from workshop.tiny_hands.captions import WORDS
from workshop.tiny_hands.checkpoints import Average, load_state, save_state
from workshop.tiny_hands.networks import (
    make_schedule,
    make_text_encoder,
    make_unet,
    write_tokenizer,
)
from workshop.tiny_hands.pictures import Shard, take_in

SNR_CAP = 5.0
"""Min-SNR weighting for velocity targets (Hang et al. 2023, arXiv 2303.09556)."""

OUTSIDE_WEIGHT = 0.15
"""Weight of what is not masked; the paste-back throws it away."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast to train."""

    side: int
    batch: int
    steps: int
    minutes: float
    peak_rate: float


class Painter(torch.nn.Module):
    """The two networks that are trained together."""

    def __init__(self, tokenizer: Any) -> None:
        super().__init__()
        self.unet = make_unet().to(memory_format=torch.channels_last)
        # The fused attention's backward is slow on CPUs: plain products train a step in
        # 0.83 of its time. The weights are the same.
        self.unet.set_attn_processor(AttnProcessor())
        self.text_encoder = make_text_encoder(len(tokenizer))
        self._tokenizer = tokenizer

    def encode(self, captions: list[str]) -> torch.Tensor:
        """Return (B, 77, width) text features."""
        tokens = self._tokenizer(
            captions,
            padding="max_length",
            truncation=True,
            max_length=77,
            return_tensors="pt",
        )
        features: torch.Tensor = self.text_encoder(tokens.input_ids).last_hidden_state
        return features


def loss_of(
    painter: Painter, vae: AutoencoderKL, samples: list[Sample], schedule: Any
) -> torch.Tensor:
    """Return the weighted velocity error of one batch."""
    pixels = torch.from_numpy(np.stack([sample.pixels for sample in samples]))
    pixels = (pixels.permute(0, 3, 1, 2).float() / 127.5 - 1).contiguous(
        memory_format=torch.channels_last
    )
    mask = torch.from_numpy(np.stack([sample.mask for sample in samples]))[:, None]
    with torch.autocast("cpu", torch.bfloat16):
        with torch.no_grad():
            both = torch.cat([pixels, pixels * ~mask])
            latents = vae.encode(both).latent_dist.mean.float()
        latents, masked = (latents * vae.config.scaling_factor).chunk(2)
        small = F.interpolate(mask.float(), latents.shape[2:], mode="nearest")
        steps = torch.randint(0, 1000, (len(samples),))
        noise = torch.randn_like(latents)
        noisy = schedule.add_noise(latents, noise, steps)
        features = painter.encode([sample.caption for sample in samples])
        told = torch.cat([noisy, small, masked], dim=1)
        guess = painter.unet(told, steps, features).sample.float()
    target = schedule.get_velocity(latents, noise, steps)
    signal = schedule.alphas_cumprod[steps]
    snr = signal / (1 - signal)
    importance = snr.clamp(max=SNR_CAP) / (snr + 1) + 0.05
    place = OUTSIDE_WEIGHT + (1 - OUTSIDE_WEIGHT) * small
    error = (guess - target).pow(2) * place * importance[:, None, None, None]
    loss: torch.Tensor = error.sum() / (place.sum() * 4)
    return loss


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
        self._painter = Painter(self._tokenizer)
        self._optimizer = torch.optim.AdamW(self._painter.parameters(), plan.peak_rate)
        self._average = Average(self._painter, 0.998)
        self.done = 0
        if state := load_state(out / "unet.pt"):
            self._painter.load_state_dict(state["painter"])
            self._optimizer.load_state_dict(state["optimizer"])
            self._average.restore(state["average"])
            self.done = state["done"]
        torch.manual_seed(self.done)

    def step(self, samples: list[Sample]) -> float:
        """Learn from one batch; return its loss."""
        for group in self._optimizer.param_groups:
            group["lr"] = self._plan.peak_rate * rate_at(self.done, self._plan.steps)
        loss = loss_of(self._painter, self._vae, samples, self._schedule)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._painter.parameters(), 1.0)
        self._optimizer.step()
        self._average.follow(self._painter)
        self.done += 1
        return loss.item()

    def keep(self) -> None:
        """Write the state and the averaged networks."""
        state = {
            "painter": self._painter.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "average": self._average.state(),
            "done": self.done,
        }
        save_state(self._out / "unet.pt", state)
        export(self._average, self._tokenizer, self._out)


def train(pairs: Path, out: Path, plan: Plan) -> None:
    """Train until the minutes or the steps are used up, then export the average."""
    torch.set_num_threads(1)
    training = Training(out, plan)
    rng = np.random.default_rng([2, training.done])
    shards: dict[Path, Shard] = {}
    recent: list[float] = []
    started = time.monotonic()
    while training.done < plan.steps and time.monotonic() - started < 60 * plan.minutes:
        if training.done % 200 == 0 or not shards:
            take_in(pairs, shards)
        everything = list(shards.values())
        samples = [draw_sample(everything, plan.side, rng) for _ in range(plan.batch)]
        recent = [*recent[-99:], training.step(samples)]
        if training.done % 25 == 0:
            passed = time.monotonic() - started
            print(f"{training.done} {passed:.0f} s {np.mean(recent):.4f}", flush=True)
        if training.done % 200 == 0:
            training.keep()
    training.keep()


def rate_at(done: int, steps: int) -> float:
    """Return the share of the peak learning rate: warm-up, then half a cosine."""
    warm = min(1.0, (done + 1) / 200)
    return warm * max(0.03, 0.5 + 0.5 * math.cos(math.pi * done / steps))


@torch.no_grad()
def export(average: Average, tokenizer: Any, out: Path) -> None:
    """Save the averaged networks as diffusers and transformers folders."""
    painter = Painter(tokenizer)
    painter.load_state_dict(average.weights)
    painter.unet.save_pretrained(str(out / "unet"))
    painter.text_encoder.save_pretrained(str(out / "text_encoder"))
    make_schedule().save_pretrained(str(out / "scheduler"))


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=4e-4)
    arguments = parser.parse_args()
    plan = Plan(
        arguments.side,
        arguments.batch,
        arguments.steps,
        arguments.minutes,
        arguments.rate,
    )
    train(arguments.pairs, arguments.out, plan)


if __name__ == "__main__":
    main()
