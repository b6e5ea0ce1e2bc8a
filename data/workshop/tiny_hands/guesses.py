"""What the trained networks make of noisy latents, beside the picture that was there.

A decoder that has only seen latents of pictures draws what a UNet hands it as fog: a
guess is the mean of all that the noise leaves open. Decoders that learn from guesses
learn to decide (see `workshop.tiny_hands.sharpen`).
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from diffusers import AutoencoderKL
from transformers import CLIPTokenizer

from workshop.precision import autocast
from workshop.tiny_hands.batches import draw_sample
from workshop.tiny_hands.networks import INPAINTING, make_schedule
from workshop.tiny_hands.painter import Painter, Steered
from workshop.tiny_hands.pictures import Shard
from workshop.tiny_hands.stock import SCALE, control_pictures, draw_latents

SIDE = 192
"""Of the cut-outs that the networks have learned from, in pixels."""

STEPS = (60, 520)
"""Noise, in time steps: at less the guess is the picture, at more another hand."""


class Guesser:
    """Guesses pictures with the trained UNet, text encoder and ControlNet."""

    def __init__(self, folder: Path, vae: AutoencoderKL) -> None:
        """Load the networks.

        Args:
            folder: Where `train_unet` wrote.
            vae: Whose encoder's latents they know; it is not changed.
        """
        tokenizer = CLIPTokenizer.from_pretrained(str(folder / "tokenizer"))
        painter = Painter(tokenizer, INPAINTING)
        painter.begin_from(folder)
        self._painter = painter.eval().requires_grad_(False)
        self._steered = Steered(painter.unet, painter.controlnet)
        self._schedule = make_schedule()
        self._vae = vae

    @torch.no_grad()
    def draw(
        self, shards: list[Shard], count: int, side: int, rng: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return guessed latents, ready to be decoded, and the pictures they are of.

        Args:
            shards: What samples are drawn from.
            count: How many.
            side: Of the pieces that are handed out, in pixels; they lie where
                something was masked.
            rng: Source of samples and pieces.

        Returns:
            (N, 4, side / 8, side / 8) float32, and (N, 3, side, side) in -1..1.
        """
        samples = [draw_sample(shards, SIDE, rng) for _ in range(count)]
        batch = draw_latents(self._vae, samples)
        steps = torch.from_numpy(rng.integers(*STEPS, size=count))
        noise = torch.randn_like(batch.latents)
        noisy = self._schedule.add_noise(batch.latents, noise, steps)
        pictures, shown = control_pictures(batch)
        with autocast():
            features = self._painter.encode(batch.captions)
            told = torch.cat([noisy, batch.mask, batch.masked], dim=1)
            velocity = self._steered(told, steps, features, pictures, shown).float()
        left = self._schedule.alphas_cumprod[steps][:, None, None, None]
        guess = left.sqrt() * noisy - (1 - left).sqrt() * velocity
        latents = batch.latents + batch.mask * (guess - batch.latents)
        pixels = np.stack([sample.pixels for sample in samples])
        real = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
        places = [_place(mask[0].numpy(), side // SCALE, rng) for mask in batch.mask]
        factor = self._vae.config.scaling_factor
        return (
            _pieces(latents / factor, places, side // SCALE),
            _pieces(
                real.contiguous(memory_format=torch.channels_last),
                [(y * SCALE, x * SCALE) for y, x in places],
                side,
            ),
        )


def _place(
    mask: npt.NDArray[np.float32], side: int, rng: np.random.Generator
) -> tuple[int, int]:
    """Return the upper left corner of a piece about a masked place."""
    rows, columns = np.nonzero(mask > 0)
    if not rows.size:
        return 0, 0
    pick = int(rng.integers(rows.size))
    top, left = rows[pick] - side // 2, columns[pick] - side // 2
    most_y, most_x = mask.shape[0] - side, mask.shape[1] - side
    return int(np.clip(top, 0, most_y)), int(np.clip(left, 0, most_x))


def _pieces(
    planes: torch.Tensor, places: list[tuple[int, int]], side: int
) -> torch.Tensor:
    cut = [
        plane[:, y : y + side, x : x + side]
        for plane, (y, x) in zip(planes, places, strict=True)
    ]
    return torch.stack(cut).contiguous(memory_format=torch.channels_last)
