"""What is trained together: UNet, text encoder and ControlNet, and by which loss."""

from pathlib import Path
from typing import Any

import torch
from diffusers.models.attention_processor import AttnProcessor
from safetensors.torch import load_file

from workshop.precision import autocast
from workshop.tiny_hands.networks import (
    PLAIN,
    make_control,
    make_text_encoder,
    make_unet,
)
from workshop.tiny_hands.stock import Batch, control_pictures

NOISE_CENTRE, NOISE_SPREAD = 0.35, 1.15
"""Of the logistic-normal distribution of time steps (Esser et al. 2024, arXiv
2403.03206): most of them where it is decided how many fingers there are and where."""

OUTSIDE_WEIGHT = 0.15
"""Weight of what is not masked; the paste-back throws it away."""


class Steered(torch.nn.Module):
    """The UNet with a ControlNet beside it."""

    def __init__(self, unet: Any, control: Any) -> None:
        super().__init__()
        self.unet = unet
        self.control = control

    def forward(
        self,
        told: torch.Tensor,
        steps: torch.Tensor,
        features: torch.Tensor,
        pictures: torch.Tensor,
        shown: torch.Tensor,
    ) -> torch.Tensor:
        """Return the UNet's guess; rows whose `shown` is 0 are not steered."""
        down, middle = self.control(
            told[:, :4], steps, features, pictures, return_dict=False
        )
        share = shown[:, None, None, None]
        guess: torch.Tensor = self.unet(
            told,
            steps,
            features,
            down_block_additional_residuals=tuple(each * share for each in down),
            mid_block_additional_residual=middle * share,
            return_dict=False,
        )[0]
        return guess


class Painter(torch.nn.Module):
    """The networks that are trained together."""

    def __init__(self, tokenizer: Any, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.unet = make_unet(channels).to(memory_format=torch.channels_last)
        # The fused attention's backward is slow on CPUs: plain products train a step in
        # 0.83 of its time. The weights are the same.
        self.unet.set_attn_processor(AttnProcessor())
        self.controlnet = make_control(self.unet).to(memory_format=torch.channels_last)
        self.text_encoder = make_text_encoder(len(tokenizer))
        self._tokenizer = tokenizer

    def begin_from(self, folder: Path) -> None:
        """Take the weights of a diffusers folder; it may lack the ControlNet's.

        A UNet of fewer channels leaves out what the folder's is told beside them.
        """
        for name in ("unet", "text_encoder", "controlnet"):
            weights: dict[str, torch.Tensor] = {}
            for file in (folder / name).glob("*.safetensors"):
                weights |= load_file(file)
            if name == "unet":
                weights["conv_in.weight"] = weights["conv_in.weight"][
                    :, : self.channels
                ]
            if weights:
                getattr(self, name).load_state_dict(weights)
            elif name == "controlnet":
                fresh = make_control(self.unet)
                self.controlnet.load_state_dict(fresh.state_dict())

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


def draw_steps(count: int) -> torch.Tensor:
    """Return (count,) time steps 0..999, one from each of `count` equal shares."""
    shares = (torch.arange(count) + torch.rand(count)) / count
    normal = torch.special.ndtri(shares.clamp(1e-4, 1 - 1e-4))
    steps = 1000 * torch.sigmoid(NOISE_CENTRE + NOISE_SPREAD * normal)
    return steps.long().clamp(0, 999)


def loss_of(
    painter: Painter, steered: Any, batch: Batch, schedule: Any
) -> torch.Tensor:
    """Return the velocity error of one batch, mostly where it is masked."""
    pictures, shown = control_pictures(batch)
    steps = draw_steps(len(batch.latents))
    noise = torch.randn_like(batch.latents)
    noisy = schedule.add_noise(batch.latents, noise, steps)
    with autocast():
        features = painter.encode(batch.captions)
        told = torch.cat([noisy, batch.mask, batch.masked], dim=1)[
            :, : painter.channels
        ]
        told = told.contiguous(memory_format=torch.channels_last)
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        guess = steered(told, steps, features, pictures, shown).float()
    target = schedule.get_velocity(batch.latents, noise, steps)
    # A plain UNet paints everything, and what is not masked is put back at each step.
    outside = 1.0 if painter.channels == PLAIN else OUTSIDE_WEIGHT
    place = outside + (1 - outside) * batch.mask
    loss: torch.Tensor = ((guess - target).pow(2) * place).sum() / (4 * place.sum())
    return loss
