"""Put everything together: a seed in, a hand and its ground truth out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from workshop.hands.anatomy import HandSpec
from workshop.hands.camera_effects import develop, sample_camerawork
from workshop.hands.gbuffer import GBuffer, Plane
from workshop.hands.scene import (
    MaskArray,
    RgbArray,
    Scene,
    Stream,
    staged,
)
from workshop.hands.shading import shade


@dataclass(frozen=True, slots=True, eq=False)
class RenderedHand:
    """One picture of one hand, and all that is known about it."""

    pixels: RgbArray
    """(H, W, 3) uint8 RGB."""
    hand: MaskArray
    """(H, W) bool: palm and digits; never those of a second hand behind."""
    skin: MaskArray
    """(H, W) bool: palm, digits and forearm."""
    digit_masks: MaskArray
    """(K, H, W) bool, the visible pixels of each digit, in the order of `names`."""
    names: tuple[str, ...]
    """thumb, index, middle, ring, little, extra."""
    digits: int
    """How many digits the hand has; a forked finger counts by its tips."""
    visible_digits: int
    """How many of them can be seen."""
    kind: str
    pose: str
    style: str
    flaw: MaskArray
    """(H, W) bool: where the flaw shows; empty for `ok`."""
    joints: npt.NDArray[np.float32]
    """(K, 4, 2) x, y in pixels, root to tip; may lie outside the frame."""
    wrist: tuple[float, float]
    """x, y in pixels; may lie outside the frame."""
    left: bool
    palm_side: bool
    """The palm, rather than the back, faces the viewer."""
    seed: int
    alpha: Plane | None
    """(H, W) float32 0..1: hand, forearm, sleeve and things; only if asked for."""


def _shrunk(mask: MaskArray, size: int) -> MaskArray:
    """Return a mask at the finished size, True where over half is covered."""
    small = cv2.resize(
        mask.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA
    )
    result: MaskArray = small > 0.5
    return result


def _finish(
    scene: Scene,
    spec: HandSpec,
    g: GBuffer,
    flaw: MaskArray,
    options: tuple[int, RgbArray | None, bool],
) -> RenderedHand:
    """Shade a tracing and gather its ground truth."""
    size, background, transparent = options
    side = g.hit.shape[0]
    backdrop = None
    if background is not None:
        big = cv2.resize(background, (side, side), interpolation=cv2.INTER_CUBIC)
        backdrop = big.astype(np.float32) / 255
    picture, cover = shade(g, scene, backdrop)
    picture = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
    work = sample_camerawork(
        scene.rng(Stream.CAMERA), size, clean=scene.style != "photo" or transparent
    )
    if transparent:
        work = replace(work, jpeg=0, vignette=0.0, motion_px=0.0, shrink=1.0, grain=0.0)
    masks = np.array([_shrunk(mask, size) for mask in g.instances()])
    scale = size / side
    chains = g.body.chains
    joints = np.array([g.camera.project(chain.joints) * scale for chain in chains])
    wrist = g.camera.project(np.zeros((1, 3)))[0] * scale
    seen = masks.sum(axis=(1, 2)) >= max(size * size * 0.0012, 6)
    alpha = cv2.resize(cover, (size, size), interpolation=cv2.INTER_AREA)
    return RenderedHand(
        pixels=develop(picture, work),
        hand=_shrunk(g.hand, size),
        skin=_shrunk(g.skin, size),
        digit_masks=masks,
        names=tuple(digit.name for digit in spec.digits),
        digits=spec.count,
        visible_digits=int(seen.sum()),
        kind=spec.kind,
        pose=spec.pose,
        style=scene.style,
        flaw=_shrunk(flaw, size),
        joints=joints.astype(np.float32),
        wrist=(float(wrist[0]), float(wrist[1])),
        left=spec.left,
        palm_side=bool(g.camera.axes[2, 2] > 0),
        seed=scene.seed,
        alpha=alpha.astype(np.float32) if transparent else None,
    )


def render_hand(
    seed: int,
    *,
    kind: str = "ok",
    pose: str | None = None,
    style: str | None = None,
    size: int = 192,
    background: RgbArray | None = None,
    transparent: bool = False,
) -> RenderedHand:
    """Draw one hand; the same arguments always give the same picture.

    Args:
        seed: Decides everything that is not asked for.
        kind: One of KINDS.
        pose: One of POSES; None draws one.
        style: One of STYLES; None draws one.
        size: Height and width in pixels.
        background: (H, W, 3) uint8 RGB to put behind the hand; None makes one.
        transparent: Also return `alpha`, and leave out effects that would not
            survive being laid over another picture.
    """
    scene, sound, flawed, mask = staged(seed, kind, pose, style, size)
    spec, g = flawed or sound
    return _finish(scene, spec, g, mask, (size, background, transparent))


def render_pair(
    seed: int,
    *,
    kind: str,
    pose: str | None = None,
    style: str | None = None,
    size: int = 192,
    background: RgbArray | None = None,
) -> tuple[RenderedHand, RenderedHand]:
    """Draw a flawed hand and its sound twin, alike in all but the flaw.

    Both carry the same `flaw` mask. Arguments as for `render_hand`.

    Raises:
        ValueError: `kind` is ok, or not known.
    """
    if kind == "ok":
        raise ValueError("a pair needs a flaw; for one sound hand use render_hand")
    scene, sound, flawed, mask = staged(seed, kind, pose, style, size)
    if flawed is None:
        raise ValueError(f"kind {kind!r} spoils nothing")
    options = (size, background, False)
    return (
        _finish(scene, *flawed, mask, options),
        _finish(scene, *sound, mask, options),
    )
