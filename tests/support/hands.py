"""Drawn hands for tests of what finds and judges hands; drawn once a process."""

from functools import cache

import cv2
import numpy as np
from workshop.hands import RenderedHand, render_hand

from detectors.arrays import RgbArray
from detectors.hand_nets import HandNets

OPEN_SEED = 11


@cache
def nets() -> HandNets:
    """Return the packaged networks."""
    return HandNets.open()


@cache
def drawn_hand(
    seed: int = OPEN_SEED, kind: str = "ok", pose: str = "open", style: str = "photo"
) -> RenderedHand:
    """Return a drawn hand of 192 px with its alpha."""
    return render_hand(
        seed, kind=kind, pose=pose, style=style, size=192, transparent=True
    )


def scene_with_hand(
    hand: RenderedHand, longer_px: int, place: tuple[int, int], size: int = 768
) -> RgbArray:
    """Return a picture with a hand of that length at (x, y) on a soft gradient."""
    rows = np.flatnonzero(hand.hand.any(axis=1))
    columns = np.flatnonzero(hand.hand.any(axis=0))
    longer = max(np.ptp(rows), np.ptp(columns)) + 1
    ratio = longer_px / longer
    small = cv2.resize(
        hand.pixels, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA
    )
    height, width = small.shape[:2]
    assert hand.alpha is not None
    alpha = cv2.resize(hand.alpha, (width, height), interpolation=cv2.INTER_AREA)
    scene = plain_scene(size).astype(np.float32)
    x, y = place
    below = scene[y : y + height, x : x + width]
    below += (small - below) * alpha[..., None]
    whole: RgbArray = scene.round().clip(0, 255).astype(np.uint8)
    return whole


def plain_scene(size: int = 768) -> RgbArray:
    """Return a picture without a hand: a gradient with some grain."""
    y, x = np.mgrid[:size, :size].astype(np.float32) / size
    grain = np.random.default_rng(3).normal(0, 6, (size, size, 1))
    scene = np.stack([90 + 60 * x, 110 + 50 * y, 130 + 40 * (1 - x)], axis=-1) + grain
    whole: RgbArray = scene.round().clip(0, 255).astype(np.uint8)
    return whole
