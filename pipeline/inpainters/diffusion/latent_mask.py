"""The mask as the UNet and the blending of latents see it.

The soft mask at working size is rounded to 0 or 1. For the blending it is brought to
latent size by a bicubic resize and rounded again, as in AUTOMATIC1111; for the extra
channel of an inpainting UNet it is sampled at the nearest pixel, as both AUTOMATIC1111
and diffusers do and as the networks were trained. A mask too thin to survive that is
taken wherever it touches a latent, where both others would paint nothing.
"""

from typing import Any

import numpy as np
import torch
from PIL import Image

from detectors.arrays import MaskArray
from pipeline.inpainters.cutouts import GreyArray


def rounded(soft: GreyArray) -> MaskArray:
    """Return (H, W) bool: True where a soft mask is one half or more.

    Where blurring has left a small mask below one half everywhere, half of its peak
    counts, since a region that was asked for is not silently left out.

    Args:
        soft: (H, W) uint8.
    """
    peak = int(soft.max())
    threshold = 128 if peak >= 128 else (peak + 1) // 2
    return (soft >= max(1, threshold)).astype(np.bool_)


def blending_mask(soft: GreyArray, scale: int) -> torch.Tensor:
    """Return (1, h, w) float32, 1 = repaint, for mixing latents.

    Args:
        soft: (H, W) uint8, sides divisible by `scale`.
        scale: Pixels per latent, along each side.
    """
    height, width = soft.shape[0] // scale, soft.shape[1] // scale
    small = Image.fromarray(soft).resize((width, height), Image.Resampling.BICUBIC)
    found = np.asarray(small) >= 128
    return _or_touched(found, soft, scale)


def channel_mask(soft: GreyArray, scale: int) -> torch.Tensor:
    """Return (1, h, w) float32, 1 = repaint, for an inpainting UNet's extra channel."""
    return _or_touched(rounded(soft)[::scale, ::scale], soft, scale)


def _or_touched(found: Any, soft: GreyArray, scale: int) -> torch.Tensor:
    if not found.any():
        height, width = soft.shape[0] // scale, soft.shape[1] // scale
        cells = rounded(soft).reshape(height, scale, width, scale)
        found = cells.any(axis=(1, 3))
    return torch.from_numpy(np.ascontiguousarray(found)).float()[None]
