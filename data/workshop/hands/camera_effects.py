"""Do to a clean picture what lenses, sensors and file formats do."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Camerawork:
    """How far each effect goes; 0 leaves it out."""

    focus_px: float
    motion_px: float
    motion_angle: float
    grain: float
    shrink: float
    """Factor by which detail is lost, 1 or more."""
    vignette: float
    gain: tuple[float, float, float]
    contrast: float
    jpeg: int
    """Quality 1..100; 0 leaves it out."""
    airbrush: float
    """How far fine detail is smoothed away inside edges, 0..1."""
    seed: int


def sample_camerawork(
    rng: np.random.Generator, side: int, *, clean: bool
) -> Camerawork:
    """Draw effects; `clean` keeps them small, as for drawings."""
    scale = side / 192
    weak = 0.4 if clean else 1.0

    def sometimes(share: float, value: float) -> float:
        return value if rng.random() < share * weak else 0.0

    gain = 1 + rng.normal(0, 0.05 * weak, 3)
    return Camerawork(
        focus_px=sometimes(0.45, float(rng.exponential(0.7)) * scale),
        motion_px=sometimes(0.12, float(rng.uniform(2, 7)) * scale),
        motion_angle=float(rng.uniform(0, 180)),
        grain=sometimes(0.7, min(float(rng.exponential(0.018)), 0.06)),
        shrink=1.0 + sometimes(0.35, float(rng.exponential(0.7))),
        vignette=sometimes(0.3, float(rng.uniform(0.1, 0.5))),
        gain=(float(gain[0]), float(gain[1]), float(gain[2])),
        contrast=float(rng.normal(1.0, 0.1 * weak)),
        jpeg=int(rng.integers(35, 96)) if rng.random() < 0.65 else 0,
        airbrush=sometimes(0.3, float(rng.uniform(0.3, 1.0))),
        seed=int(rng.integers(1 << 30)),
    )


def _smear(picture: Plane, length: float, angle: float) -> Plane:
    half = int(np.ceil(length / 2))
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    dx = np.cos(np.radians(angle)) * length / 2
    dy = np.sin(np.radians(angle)) * length / 2
    ends = [(round(half + s * dx), round(half + s * dy)) for s in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA)
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.float32)


def _recorded(picture: Plane, work: Camerawork) -> Plane:
    """Apply lens and sensor effects."""
    side = picture.shape[0]
    rng = np.random.default_rng(work.seed)
    if work.airbrush > 0:
        smooth = cv2.bilateralFilter(picture.astype(np.float32), 7, 0.09, 2.5)
        picture = picture * (1 - work.airbrush) + smooth * work.airbrush
    if work.focus_px > 0.25:
        picture = cv2.GaussianBlur(picture, (0, 0), work.focus_px)
    if work.motion_px > 0:
        picture = _smear(picture, work.motion_px, work.motion_angle)
    if work.shrink > 1.05:
        small = max(int(side / work.shrink), 32)
        less = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
        picture = cv2.resize(less, (side, side), interpolation=cv2.INTER_LINEAR)
    if work.vignette > 0:
        y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side - 0.5
        picture = picture * (1 - work.vignette * 2 * (x * x + y * y))[..., None]
    picture = (picture - 0.45) * work.contrast + 0.45
    picture = picture * np.array(work.gain, np.float32)
    if work.grain > 0:
        fine = rng.normal(0, work.grain, picture.shape).astype(np.float32)
        picture = picture + cv2.GaussianBlur(fine, (0, 0), 0.5) * 1.5
    return picture


def develop(picture: Plane, work: Camerawork) -> npt.NDArray[np.uint8]:
    """Return the finished picture.

    Args:
        picture: (H, W, 3) float32 RGB 0..1.
        work: The effects.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    taken = _recorded(picture, work)
    pixels = np.rint(np.clip(taken, 0, 1) * 255).astype(np.uint8)
    if work.jpeg:
        quality = [cv2.IMWRITE_JPEG_QUALITY, work.jpeg]
        done, packed = cv2.imencode(".jpg", pixels[..., ::-1], quality)
        if not done:
            raise OSError("OpenCV could not write a JPEG into memory; check its build")
        pixels = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))[..., ::-1]
    return np.ascontiguousarray(pixels)
