"""Draw what the inpainting network is trained on: picture, mask, caption."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from workshop.tiny_hands.captions import caption
from workshop.tiny_hands.pictures import Shard

SOUND_SHARE = 0.85
"""Targets that are sound hands; the others teach what the wrong words look like."""

EMPTY_CAPTION_SHARE = 0.12
"""Captions left out, so that guidance has an unconditional side."""

UNSTEERED_SHARE = 0.25
"""Sound hands whose skeleton is not shown, so that the UNet can paint without one."""

ZOOM = (0.95, 1.4)
"""How much larger than the cut-out a picture is drawn, at least and at most."""

MARGIN = (0.026, 0.094)
"""How far masks reach past what they are for, in sides of the cut-out."""

JOINT_ERROR = 0.025
"""Standard deviation of the joints that are shown, in lengths of the palm: landmarks
that are found in a picture are off by about as much."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One training example."""

    pixels: npt.NDArray[np.uint8]
    """(side, side, 3) RGB, the picture to be recovered."""

    mask: npt.NDArray[np.bool_]
    """(side, side), True = repaint."""

    caption: str

    joints: npt.NDArray[np.float64] | None
    """(21, 2) x, y in pixels: the skeleton that is shown; None shows none."""


def draw_sample(
    shards: list[Shard],
    side: int,
    rng: np.random.Generator,
    zoom: tuple[float, float] = ZOOM,
) -> Sample:
    """Return one example, cut from a random pair under a random affine change.

    Args:
        shards: What it is drawn from.
        side: Of the cut-out, in pixels.
        rng: Source of all choices.
        zoom: The smallest and largest scale, in that at which the picture fills the
            cut-out.
    """
    shard = shards[int(rng.integers(len(shards)))]
    index = int(rng.integers(len(shard.pixels)))
    sound = bool(rng.random() < SOUND_SHARE)
    warp = _random_warp(shard.side, side, zoom, rng)

    def warped(plane: npt.NDArray[np.uint8], method: int) -> npt.NDArray[np.uint8]:
        edge = cv2.BORDER_REFLECT_101
        result: npt.NDArray[np.uint8] = cv2.warpAffine(
            plane, warp, (side, side), flags=method, borderMode=edge
        )
        return result

    which = 1 if sound else 0
    pixels = warped(shard.pixels[index, which], cv2.INTER_AREA)
    either = shard.hands[index].any(axis=0).astype(np.uint8)
    hand = warped(either, cv2.INTER_NEAREST) > 0
    digits = warped(shard.digits[index, which], cv2.INTER_NEAREST)
    kind, count, style, pose = (str(label) for label in shard.labels[index])
    words = ""
    if rng.random() >= EMPTY_CAPTION_SHARE:
        words = caption(
            "ok" if sound else kind, 5 if sound else int(count), style, pose, rng
        )
    joints = None
    if sound and rng.random() >= UNSTEERED_SHARE:
        joints = _shown(shard.joints[index], warp, rng)
    return Sample(pixels, draw_mask(hand, digits, rng), words, joints)


def _shown(
    joints: npt.NDArray[np.float32],
    warp: npt.NDArray[np.float64],
    rng: np.random.Generator,
) -> npt.NDArray[np.float64]:
    """Move joints to the cut-out, and shift them as found ones would be."""
    moved = joints @ warp[:, :2].T + warp[:, 2]
    palm = float(np.linalg.norm(moved[9] - moved[0]))
    error = rng.normal(0, JOINT_ERROR * palm, size=moved.shape)
    shown: npt.NDArray[np.float64] = moved + error
    return shown


def draw_mask(
    hand: npt.NDArray[np.bool_],
    digits: npt.NDArray[np.uint8],
    rng: np.random.Generator,
) -> npt.NDArray[np.bool_]:
    """Return a mask as the program makes them: mostly a whole hand, grown a little.

    Args:
        hand: (H, W) the hand's pixels, those of its flawed twin included.
        digits: (H, W) the visible digits, numbered from 1.
        rng: Source of all choices.
    """
    choice = rng.random()
    present = [number for number in np.unique(digits) if number]
    if choice < 0.12 and present:
        picked = rng.choice(present, size=min(len(present), int(rng.integers(1, 3))))
        return _grown(np.isin(digits, picked), rng)
    if choice < 0.8 and hand.any():
        return _grown(hand, rng)
    if choice < 0.95 and hand.any():
        rows, columns = np.nonzero(hand)
        margin = _margin(hand, rng)
        box = np.zeros(hand.shape, bool)
        box[
            max(0, rows.min() - margin) : rows.max() + margin,
            max(0, columns.min() - margin) : columns.max() + margin,
        ] = True
        return box
    return _blob(hand.shape, rng)


def _grown(
    mask: npt.NDArray[np.bool_], rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    radius = _margin(mask, rng)
    disc = cv2.getStructuringElement(
        cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)
    )
    grown: npt.NDArray[np.bool_] = cv2.dilate(mask.astype(np.uint8), disc) > 0
    return grown


def _margin(mask: npt.NDArray[np.bool_], rng: np.random.Generator) -> int:
    return round(float(rng.uniform(*MARGIN)) * len(mask))


def _blob(shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    height, width = shape
    blob = np.zeros(shape, np.uint8)
    centre = (int(rng.integers(width)), int(rng.integers(height)))
    axes = (int(rng.integers(10, width // 2)), int(rng.integers(10, height // 2)))
    cv2.ellipse(blob, centre, axes, float(rng.uniform(0, 180)), 0, 360, 1, -1)
    return blob > 0


def _random_warp(
    stored: int, side: int, zoom: tuple[float, float], rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Return the (2, 3) matrix from a picture of `stored` px to a `side` px cut-out."""
    scale = side / stored * float(rng.uniform(*zoom))
    angle = float(rng.uniform(-25, 25))
    warp = cv2.getRotationMatrix2D((stored / 2, stored / 2), angle, scale)
    shift = rng.uniform(-0.12, 0.12, size=2) * side
    warp[:, 2] += side / 2 - stored / 2 + shift
    if rng.random() < 0.5:
        warp[0] = -warp[0]
        warp[0, 2] += side - 1
    result: npt.NDArray[np.float64] = warp
    return result
