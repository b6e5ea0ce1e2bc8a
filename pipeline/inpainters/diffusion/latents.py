"""Pictures to latents and back, by the VAE.

Latents between functions are float32 whatever the networks compute in. The posterior's
mode is taken instead of a sample of it, so that encoding needs no seed and a candidate
does not depend on which others are painted.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from detectors.arrays import RgbArray
from pipeline.inpainters.diffusion.checkpoint import Checkpoint

log = logging.getLogger(__name__)

DECODED_AT_ONCE = 4
"""The decoder's peak memory grows with this, and beyond it nothing gets faster."""

ENCODED_AT_ONCE = 2
"""The pictures of one region: the base picture and, for inpainting, the masked one."""


class LatentCodec:
    """Encodes and decodes pictures."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._vae = checkpoint.vae
        self._device = checkpoint.device
        # It is cast once, not for each call.
        if overflows(checkpoint):
            cast(self._vae, torch.float32)
        self._mean, self._spread = _statistics(checkpoint)

    def encode(self, pictures: Sequence[RgbArray]) -> torch.Tensor:
        """Encode pictures of one size.

        Args:
            pictures: (H, W, 3) uint8 RGB each, sides divisible by the VAE's scale.

        Returns:
            (N, latent channels, H / scale, W / scale) float32, scaled for the UNet.
        """
        signals = [to_signal(each) for each in pictures]
        return self.encode_signal(np.stack(signals))

    def encode_signal(
        self, signal: Any, at_once: int = ENCODED_AT_ONCE
    ) -> torch.Tensor:
        """Encode (N, H, W, 3) float32 pictures in -1..1, `at_once` in a call."""
        stacked = torch.from_numpy(np.ascontiguousarray(signal)).permute(0, 3, 1, 2)
        with torch.inference_mode():
            latents = self._encoded(stacked, at_once)
            if not torch.isfinite(latents).all():
                with _in_float32(self._vae):
                    latents = self._encoded(stacked, at_once)
        scaled: torch.Tensor = (latents - self._mean) * self._spread
        return scaled

    def decode(
        self, latents: torch.Tensor, at_once: int = DECODED_AT_ONCE
    ) -> tuple[list[RgbArray | None], list[bool]]:
        """Decode latents of one size.

        What comes out NaN or infinite although its latents are finite is decoded once
        more in float32.

        Args:
            latents: (N, latent channels, h, w) float32.
            at_once: How many go through the decoder in one call, at most
                `DECODED_AT_ONCE`.

        Returns:
            One (H, W, 3) uint8 RGB picture per latent, None where it is not finite; and
            for each whether a second decoding in float32 was needed.
        """
        raw = latents / self._spread + self._mean
        with torch.inference_mode():
            values = self._decoded(raw, at_once)
            bad = ~torch.isfinite(values).flatten(1).all(dim=1)
            worth = bad & torch.isfinite(raw).flatten(1).all(dim=1)
            if self._vae.dtype == torch.float32:
                worth = torch.zeros_like(worth)
            if worth.any():
                log.debug("the VAE overflowed in %s; again in float32", self._vae.dtype)
                with _in_float32(self._vae):
                    values[worth] = self._decoded(raw[worth], at_once)
        return [_picture(each) for each in values], worth.tolist()

    def _encoded(self, stacked: torch.Tensor, at_once: int) -> torch.Tensor:
        moved = stacked.to(self._device, self._vae.dtype)
        parts = [
            self._vae.encode(few).latent_dist.mode().float()
            for few in torch.split(moved, at_once)
        ]
        return torch.cat(parts)

    def _decoded(self, raw: torch.Tensor, at_once: int) -> torch.Tensor:
        moved = raw.to(self._device, self._vae.dtype)
        parts = [
            self._vae.decode(few, return_dict=False)[0].float()
            for few in torch.split(moved, min(at_once, DECODED_AT_ONCE))
        ]
        return torch.cat(parts)


def overflows(checkpoint: Checkpoint) -> bool:
    """Tell a VAE that is known to overflow in the checkpoint's number format.

    SDXL's does in float16, and says so in its configuration; bfloat16 has the range of
    float32. The other families' configurations lack the entry, for which diffusers then
    fills in true, and its pipelines do not read it there either. Should one of theirs
    overflow nevertheless, what came out NaN is done again in float32.
    """
    told = bool(getattr(checkpoint.vae.config, "force_upcast", False))
    return checkpoint.xl and checkpoint.dtype == torch.float16 and told


def to_signal(pixels: RgbArray) -> Any:
    """Return (H, W, 3) float32 in -1..1 of a uint8 picture."""
    return pixels.astype(np.float32) / 127.5 - 1.0


def draw_noise(shape: Sequence[int], generator: torch.Generator) -> torch.Tensor:
    """Draw the noise of one trajectory, on the CPU.

    A batch is never drawn at once, so that a candidate's noise depends on its seed
    alone, and not on the device either.

    Args:
        shape: (latent channels, h, w).
        generator: A CPU generator; it is advanced.

    Returns:
        `shape`, float32, standard normal.
    """
    # The leading 1 keeps the order of values that diffusers' pipelines draw.
    return torch.randn((1, *shape), generator=generator, dtype=torch.float32)[0]


def _statistics(checkpoint: Checkpoint) -> tuple[Any, Any]:
    config = checkpoint.vae.config
    mean = getattr(config, "latents_mean", None)
    spread = getattr(config, "latents_std", None)
    if mean is None or spread is None:
        return 0.0, float(config.scaling_factor)
    shape = (1, len(mean), 1, 1)
    on = checkpoint.device
    return (
        torch.tensor(mean, device=on).view(shape),
        float(config.scaling_factor) / torch.tensor(spread, device=on).view(shape),
    )


def _picture(values: torch.Tensor) -> RgbArray | None:
    if not torch.isfinite(values).all():
        return None
    scaled = ((values / 2 + 0.5).clamp(0, 1) * 255).round()
    pixels: RgbArray = scaled.to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    return np.ascontiguousarray(pixels)


@contextmanager
def _in_float32(vae: Any) -> Iterator[None]:
    before = vae.dtype
    cast(vae, torch.float32)
    try:
        yield
    finally:
        cast(vae, before)


def cast(vae: Any, dtype: torch.dtype) -> None:
    """Turn a VAE's weights into another number format."""
    # diffusers' own `to` logs a warning for each cast, which is meant here.
    torch.nn.Module.to(vae, dtype=dtype)
