"""Send pictures through the VAE and back, and say what was lost on the way."""

import math
from collections.abc import Callable

import torch
from diffusers import AutoencoderKL
from torch.nn.functional import avg_pool2d

from workshop.precision import autocast

DECODER_NOISE = 0.04
"""Noise on the latents, in their standard deviations, while the decoder learns alone:
a UNet's latents are never quite those of a picture. More of it blurs."""

COLOUR_WEIGHT = 4.0
"""Without it the four channels all go to edges, and green leaves come back grey."""

HUE_WEIGHT = 16.0
"""Red against green and yellow against blue are judged by themselves: in plain RGB a
pink hand that comes back tan costs next to nothing, and a repair of it shows a seam."""

OPPONENT = ((0.5, 0.25), (-0.5, 0.25), (0.0, -0.5))
"""Columns: red against green, yellow against blue."""

HINT_WEIGHT = 8.0
HINT_SIDE = 4
"""The mean of the latents over squares of this side has to tell the mean hue there. Of
the channels that hold edges this mean would be idle; hue changes slowly, and fits."""

COLOUR_PX = 8
"""Side of the squares over which colour is compared."""

KL_WEIGHT = 1e-4
"""Small, so that detail wins; the latents are scaled to unit variance anyway."""


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
        with autocast():
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


def edge_error(error: torch.Tensor) -> torch.Tensor:
    """Return the mean error of horizontal and vertical differences."""
    return error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean()


def colour_error(error: torch.Tensor) -> torch.Tensor:
    """Return the weighted error of the mean colour and hue of small squares."""
    colour = COLOUR_WEIGHT * avg_pool2d(error, COLOUR_PX).abs().mean()
    return colour + HUE_WEIGHT * hues(error, COLOUR_PX).abs().mean()


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
    edges, colour = edge_error(error), colour_error(error)
    hint = (hinted - hues(pictures, 8 * HINT_SIDE)).abs().mean()
    loss = error.abs().mean() + edges + colour + HINT_WEIGHT * hint + KL_WEIGHT * kl
    psnr = -10 * math.log10(error.detach().pow(2).mean().item() / 4)
    return loss, psnr
