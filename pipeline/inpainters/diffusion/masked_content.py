"""What lies under the mask before the first step: AUTOMATIC1111's four ways.

original: the picture as it is. fill: the colours around, blurred into the hole.
latent-noise and latent-nothing: fill too, and then, in the latents under the mask, the
trajectory's own noise or zeros. (`processing.py` and `masking.py` there; its latent
noise is drawn from the same seed as the sampler's, so it is the very same noise.)
"""

import numpy as np
import torch
from PIL import Image, ImageFilter

from detectors.arrays import RgbArray
from pipeline.inpainters.cutouts import GreyArray
from pipeline.records import MaskedContent

FILL_PASSES = ((256, 1), (64, 1), (16, 2), (4, 4), (2, 2), (0, 1))
"""(radius in px, how often laid over): coarse colour first, finer towards the edge."""


def filled(pixels: RgbArray, soft: GreyArray) -> RgbArray:
    """Fill a hole with the colours around it.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        soft: (H, W) uint8, 255 where the picture is removed before it is spread.

    Returns:
        (H, W, 3) uint8 RGB; black where nothing is near enough to spread.
    """
    kept = 255 - soft
    weighted = np.rint(pixels.astype(np.float32) * (kept[..., None] / 255.0))
    premultiplied = Image.fromarray(np.dstack([weighted.astype(np.uint8), kept]))
    colour = np.zeros(pixels.shape, dtype=np.float32)
    alpha = np.zeros((*soft.shape, 1), dtype=np.float32)
    for radius, times in FILL_PASSES:
        blurred = np.asarray(premultiplied.filter(ImageFilter.GaussianBlur(radius)))
        share = blurred[..., 3:].astype(np.float32) / 255.0
        for _ in range(times):
            colour = blurred[..., :3] + colour * (1.0 - share)
            alpha = share + alpha * (1.0 - share)
    spread = np.divide(colour, alpha, out=np.zeros_like(colour), where=alpha > 0)
    result: RgbArray = np.clip(np.rint(spread), 0, 255).astype(np.uint8)
    return result


def base_picture(pixels: RgbArray, soft: GreyArray, content: MaskedContent) -> RgbArray:
    """Return the picture to encode: untouched for "original", else filled."""
    return pixels if content == "original" else filled(pixels, soft)


def first_latents(
    encoded: torch.Tensor,
    mask: torch.Tensor,
    noise: torch.Tensor,
    content: MaskedContent,
) -> torch.Tensor:
    """Return the clean latents that a trajectory is noised from.

    Args:
        encoded: (C, h, w) float32: the encoded base picture.
        mask: (1, h, w) float32, 1 = repaint.
        noise: (C, h, w) float32: the trajectory's own.
        content: Which of the four ways.
    """
    if content == "latent-noise":
        return encoded * (1 - mask) + noise * mask
    if content == "latent-nothing":
        return encoded * (1 - mask)
    return encoded
