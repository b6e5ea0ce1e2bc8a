"""Requests for engines, drawn small."""

import cv2
import numpy as np

from detectors.arrays import MaskArray, RgbArray
from detectors.geometry import Box, Size
from pipeline.records import MaskedContent, Mode, PaintRequest, Patch


def stripes(width: int = 64, height: int = 48, seed: int = 3) -> RgbArray:
    """Draw grainy diagonal stripes, so that every place has something to copy."""
    y, x = np.mgrid[:height, :width]
    grain = np.random.default_rng(seed).normal(0, 9, (height, width, 3))
    waves = 120 + 70 * np.sin((x + 2 * y) / 5.0)[..., None] * np.array([1.0, 0.6, 0.3])
    drawn: RgbArray = np.clip(waves + grain, 0, 255).astype(np.uint8)
    return drawn


def hole(
    width: int = 64, height: int = 48, box: tuple[int, int, int, int] = (22, 14, 44, 34)
) -> MaskArray:
    """Return a mask with one rectangle (x0, y0, x1, y1) set."""
    mask = np.zeros((height, width), dtype=bool)
    x0, y0, x1, y1 = box
    mask[y0:y1, x0:x1] = True
    return mask


def request(
    pixels: RgbArray,
    mask: MaskArray,
    *,
    seeds: tuple[int, ...] = (1, 2, 3, 4),
    first_number: int = 0,
    working: Size | None = None,
    mode: Mode = "only-masked",
    content: MaskedContent = "original",
    strength: float = 0.75,
    blur_px: int = 2,
    prompt: str = "a hand",
    negative_prompt: str = "blur",
    patch: int = 0,
) -> PaintRequest:
    """Ask for a repaint of `mask` in `pixels`, which is the whole window."""
    size = Size(pixels.shape[1], pixels.shape[0])
    cover = mask.astype(np.float32)
    if blur_px:
        taps = 2 * int(2.5 * blur_px + 0.5) + 1
        cover = cv2.GaussianBlur(cover, (taps, taps), float(blur_px))
    return PaintRequest(
        patch=Patch(number=patch, box=Box.whole(size), mask=mask, findings=()),
        mode=mode,
        reason="for a test",
        window=Box.whole(size),
        working=working or size,
        pixels=pixels,
        mask=mask,
        cover=cover,
        strength=strength,
        content=content,
        mask_blur_px=blur_px,
        prompt=prompt,
        negative_prompt=negative_prompt,
        seeds=seeds,
        first_number=first_number,
    )
