"""Lay a repainted cut-out over the original, with a soft edge."""

import cv2
import numpy as np
import numpy.typing as npt

from detectors.arrays import CoverArray, MaskArray, RgbArray, check_rgb
from pipeline.records import Candidate, Mode


def reach_px(blur_px: int) -> int:
    """Return how far a soft edge reaches out of its mask, in pixels.

    Half of AUTOMATIC1111's blur kernel, whose length is 2 * int(2.5 * blur + 0.5) + 1.
    """
    return int(2.5 * blur_px + 0.5)


def soften(mask: MaskArray, blur_px: int) -> npt.NDArray[np.uint8]:
    """Blur a mask as AUTOMATIC1111 does: along x, then along y, in 8 bits.

    Args:
        mask: (H, W) bool.
        blur_px: Standard deviation of the Gaussian; 0 leaves the edge hard.

    Returns:
        (H, W) uint8, 0..255. Rounding to 8 bits twice is part of the rule: a straight
        edge grows by exactly `reach_px` at the usual blurs, a corner by less.
    """
    soft: npt.NDArray[np.uint8] = mask.astype(np.uint8) * np.uint8(255)
    if blur_px == 0:
        return soft
    side = 2 * reach_px(blur_px) + 1
    across = cv2.GaussianBlur(soft, (side, 1), blur_px)
    both: npt.NDArray[np.uint8] = cv2.GaussianBlur(across, (1, side), blur_px)
    return both


def overlay(soft: npt.NDArray[np.uint8], mode: Mode) -> CoverArray:
    """Turn a softened mask into a cover by the rule of its mode.

    Only masked: the softened mask itself, half new at the mask's edge. Whole picture:
    twice that, clipped, so all of the mask is new and the soft edge lies outside.

    Returns:
        (H, W) float32, 0..1, above 0 at the same pixels in both modes.
    """
    factor = 2 if mode == "whole-picture" else 1
    doubled = np.minimum(soft.astype(np.uint16) * factor, 255)
    cover: CoverArray = doubled.astype(np.float32) / np.float32(255)
    return cover


def cover_for(mask: MaskArray, blur_px: int, mode: Mode) -> CoverArray:
    """Return how much of each new pixel is taken, (H, W) float32 in 0..1."""
    return overlay(soften(mask, blur_px), mode)


def blend(before: RgbArray, after: RgbArray, cover: CoverArray) -> RgbArray:
    """Mix two cut-outs of the same size.

    Args:
        before: The original cut-out, (H, W, 3) uint8 RGB.
        after: The repainted cut-out, (H, W, 3) uint8 RGB.
        cover: (H, W) float32 in 0..1; 0 keeps `before`, 1 takes `after`.

    Returns:
        (H, W, 3) uint8 RGB. Where `cover` is 0, equal to `before` to the last bit.

    Raises:
        ValueError: the three do not have the same size.
    """
    check_rgb(before, "before")
    check_rgb(after, "after")
    if after.shape != before.shape or cover.shape != before.shape[:2]:
        raise ValueError(
            f"cannot mix {before.shape} with {after.shape} by a cover of {cover.shape}"
        )
    change = (after.astype(np.float32) - before) * cover[..., None]
    result: RgbArray = np.rint(before + change).clip(0, 255).astype(np.uint8)
    return result


def lifted(mixed: RgbArray, cover: CoverArray) -> npt.NDArray[np.uint8]:
    """Return only what a blend changed, so that it can be laid over again exactly.

    Args:
        mixed: (H, W, 3) uint8 RGB: what `blend` returned.
        cover: (H, W) float32 in 0..1: what it was blended by.

    Returns:
        (H, W, 4) uint8 RGBA: alpha is 255 where `cover` is above 0; elsewhere all 0.
    """
    touched = cover > 0
    layer = np.zeros((*mixed.shape[:2], 4), dtype=np.uint8)
    layer[touched, :3] = mixed[touched]
    layer[touched, 3] = 255
    return layer


def lay(onto: RgbArray, layer: npt.NDArray[np.uint8]) -> None:
    """Write a layer that `lifted` returned over a cut-out of the same size, in place.

    Raises:
        ValueError: the sizes differ, or it is no such layer.
    """
    if layer.shape != (*onto.shape[:2], 4):
        raise ValueError(f"cannot lay {layer.shape} over {onto.shape}")
    touched = layer[:, :, 3] > 0
    onto[touched] = layer[touched, :3]


def trouble_with(candidate: Candidate, before: RgbArray, mask: MaskArray) -> str:
    """Say why a candidate cannot be laid over the original; "" when it can.

    Args:
        candidate: What the engine made.
        before: The original cut-out, (H, W, 3) uint8 RGB.
        mask: (H, W) bool, True = repainted; not blank.
    """
    after = candidate.pixels
    if candidate.problem or after is None:
        return candidate.problem or "the engine returned no pixels"
    if after.shape != before.shape or after.dtype != np.uint8:
        return (
            f"the engine returned {after.shape} {after.dtype} "
            f"instead of {before.shape} uint8"
        )
    if after[mask].max() == 0 and before[mask].max() > 0:
        return "it came out black"
    return ""
