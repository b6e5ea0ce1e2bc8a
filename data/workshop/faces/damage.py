"""Damage a photographed face by a known degree, one kind of damage at a time."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

RgbArray = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]


class Face(NamedTuple):
    """Where the face of a photograph is."""

    points: FloatArray
    """(5, 2) x and y in pixels: eye, eye, nose, mouth corner, mouth corner."""

    width_px: float

    @property
    def middle(self) -> FloatArray:
        centre: FloatArray = self.points.mean(axis=0)
        return centre


Damage = Callable[[RgbArray, Face, float, int], RgbArray]
"""(picture, face, degree in 0..1, seed) to a damaged copy; degree 0 changes nothing."""


def shrunk(pixels: RgbArray, face: Face, degree: float, seed: int) -> RgbArray:
    """Shrink the picture until the face is 14 px wide."""
    del seed
    least = min(1.0, 14.0 / face.width_px)
    scale = float(least**degree)
    return _resized(pixels, scale) if degree > 0 else pixels.copy()


def softened(pixels: RgbArray, face: Face, degree: float, seed: int) -> RgbArray:
    """Shrink the picture and enlarge it again, so only the detail is lost."""
    small = shrunk(pixels, face, degree, seed)
    size = (pixels.shape[1], pixels.shape[0])
    back: RgbArray = cv2.resize(small, size, interpolation=cv2.INTER_CUBIC)
    return back


def blurred(pixels: RgbArray, face: Face, degree: float, seed: int) -> RgbArray:
    """Blur by up to a tenth of the face's width."""
    del seed
    sigma = 0.10 * degree * face.width_px
    if sigma < 0.05:
        return pixels.copy()
    soft: RgbArray = cv2.GaussianBlur(pixels, (0, 0), sigma)
    return soft


def melted(pixels: RgbArray, face: Face, degree: float, seed: int) -> RgbArray:
    """Pull the features about by smooth random fields, up to 12 % of the width."""
    rng = np.random.default_rng(seed)
    height, width = pixels.shape[:2]
    field = rng.normal(size=(2, height, width)).astype(np.float32)
    reach = 0.13 * face.width_px
    field = np.stack([cv2.GaussianBlur(one, (0, 0), reach) for one in field])
    field *= 0.12 * degree * face.width_px / max(float(field.std()), 1e-6)
    return _moved(pixels, field * _near(face, (height, width), 0.6))


def eye_shifted(pixels: RgbArray, face: Face, degree: float, seed: int) -> RgbArray:
    """Push one eye away from its place, by up to 22 % of the width."""
    rng = np.random.default_rng(seed)
    eye = face.points[int(rng.integers(2))]
    turn = rng.uniform(0.2, 0.8) * np.pi  # downwards: upwards there is hair
    push = 0.22 * degree * face.width_px * np.array([np.cos(turn), np.sin(turn)])
    bump = _bump(eye + push, 0.17 * face.width_px, pixels.shape[:2])
    field = np.stack([bump * float(-push[0]), bump * float(-push[1])])
    return _moved(pixels, field.astype(np.float32))


def eyes_swapped(pixels: RgbArray, face: Face, degree: float, seed: int) -> RgbArray:
    """Turn both eyes by half a turn about their middle, mixed in by the degree.

    Each eye lands in the other's place, upside down; an upright swap is hardly seen.
    """
    del seed
    middle = face.points[:2].mean(axis=0).reshape(2, 1, 1)
    turned = _moved(pixels, 2 * (middle - _grid(pixels.shape))).astype(np.float32)
    mixed = pixels.astype(np.float32)
    for eye in face.points[:2]:
        cover = _bump(eye, 0.13 * face.width_px, pixels.shape[:2])[..., None] * degree
        mixed = mixed * (1 - cover) + turned * cover
    result: RgbArray = mixed.round().clip(0, 255).astype(np.uint8)
    return result


def recompressed(pixels: RgbArray, face: Face, degree: float, seed: int) -> RgbArray:
    """Store as JPEG, at quality 90 down to 3."""
    del face, seed
    if degree <= 0:
        return pixels.copy()
    quality = round(90 * (3 / 90) ** degree)
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality]
    _, encoded = cv2.imencode(".jpg", pixels[:, :, ::-1], settings)
    decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB)
    result: RgbArray = np.asarray(decoded, np.uint8)
    return result


DAMAGES: Mapping[str, Damage] = {
    "shrunk": shrunk,
    "softened": softened,
    "blurred": blurred,
    "melted": melted,
    "eye shifted": eye_shifted,
    "eyes swapped": eyes_swapped,
    "recompressed": recompressed,
}


def melted_oddly(pixels: RgbArray, face: Face, degree: float, seed: int) -> RgbArray:
    """Melt with a random reach, place and softness, for training."""
    rng = np.random.default_rng(seed)
    height, width = pixels.shape[:2]
    field = rng.normal(size=(2, height, width)).astype(np.float32)
    reach = rng.uniform(0.05, 0.20) * face.width_px
    field = np.stack([cv2.GaussianBlur(one, (0, 0), reach) for one in field])
    push = rng.uniform(0.6, 1.3) * 0.12 * degree * face.width_px
    field *= push / max(float(field.std()), 1e-6)
    near = _near(face, (height, width), rng.uniform(0.35, 0.7))
    warped = _moved(pixels, field * near)
    if rng.random() < 0.5:
        sigma = max(0.25, rng.uniform(0.0, 0.02 * face.width_px))
        warped = np.asarray(cv2.GaussianBlur(warped, (0, 0), sigma), np.uint8)
    return warped


VISIBLE_FROM = {
    "shrunk": 1.05,
    "softened": 0.75,
    "blurred": 0.30,
    "melted": 0.25,
    "eye shifted": 0.35,
    "eyes swapped": 0.55,
    "recompressed": 0.75,
    "melted oddly": 0.30,
}
"""The degree at which a person would call the face badly drawn, set by looking."""


def _resized(pixels: RgbArray, scale: float) -> RgbArray:
    size = tuple(max(16, round(side * scale)) for side in pixels.shape[1::-1])
    smaller: RgbArray = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return smaller


def _grid(shape: tuple[int, ...]) -> FloatArray:
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    return np.stack([x, y])


def _moved(pixels: RgbArray, field: FloatArray) -> RgbArray:
    """Take each pixel from a place (dx, dy) away; field is (2, H, W)."""
    x, y = _grid(pixels.shape) + field
    moved: RgbArray = cv2.remap(
        pixels, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    return moved


def _bump(centre: FloatArray, reach: float, shape: tuple[int, ...]) -> FloatArray:
    """Return (H, W), 1 in the middle and falling to 0 at about twice the reach."""
    x, y = _grid(shape)
    distance = ((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * reach**2)
    result: FloatArray = np.exp(-(distance**2)).astype(np.float32)
    return result


def _near(face: Face, shape: tuple[int, ...], reach: float) -> FloatArray:
    return _bump(face.middle, reach * face.width_px, shape)
