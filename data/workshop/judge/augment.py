"""Turn one stored pair into what a hand may look like in any picture.

Both members of a pair go through the same change, down to the seed of the noise, so
that nothing but the flaw tells them apart.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from detectors.arrays import RgbArray
from detectors.hand_judge_net import MAP_SIDE, SIDE_PX
from workshop.judge.samples import REACH, STORED_MAP, STORED_PX

Matrix = npt.NDArray[np.float32]
Change = Callable[[np.random.Generator, RgbArray], RgbArray]


@dataclass(frozen=True, slots=True)
class Strength:
    """How far hands are turned and scaled; the rest is a matter of chance."""

    turn: float = 0.26
    """Standard deviation, radians."""

    scale: float = 0.12
    """Standard deviation of the logarithm."""

    shift: float = 0.05
    """Standard deviation, shares of the frame."""

    looks: bool = True
    """Also change light, sharpness and style."""


def sample_matrix(rng: np.random.Generator, strength: Strength) -> Matrix:
    """Return the (2, 3) matrix from network pixels to stored pixels."""
    angle = float(np.clip(rng.normal(0, strength.turn), -0.8, 0.8))
    scale = float(np.exp(np.clip(rng.normal(0, strength.scale), -0.3, 0.3)))
    aspect = float(np.exp(rng.normal(0, strength.scale * 0.4)))
    frame = STORED_PX / REACH
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, -sine], [sine, cosine]]) @ np.diag([aspect, 1 / aspect])
    turn = turn * (scale * frame / SIDE_PX)
    if strength.looks and rng.random() < 0.5:
        turn = turn @ np.diag([-1.0, 1.0])
    middle = STORED_PX / 2 + rng.normal(0, strength.shift, 2) * frame
    shift = middle - turn @ np.full(2, SIDE_PX / 2)
    return np.hstack([turn, shift[:, None]]).astype(np.float32)


def warp(pixels: RgbArray, matrix: Matrix) -> RgbArray:
    """Return the (SIDE_PX, SIDE_PX, 3) look at a stored cut-out."""
    looked: RgbArray = cv2.warpAffine(
        pixels,
        matrix,
        (SIDE_PX, SIDE_PX),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return looked


def warp_map(stored: npt.NDArray[np.uint8], matrix: Matrix) -> Matrix:
    """Return a stored map as the network should draw it, (MAP_SIDE, MAP_SIDE) 0..1."""
    cells = matrix.copy()
    ratio = SIDE_PX / MAP_SIDE / (STORED_PX / STORED_MAP)
    cells[:, :2] *= ratio
    cells[:, 2] /= STORED_PX / STORED_MAP
    looked = cv2.warpAffine(
        stored,
        cells,
        (MAP_SIDE, MAP_SIDE),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
    )
    result: Matrix = (looked / 255.0).astype(np.float32)
    return result


def warp_points(points: Matrix, matrix: Matrix) -> Matrix:
    """Return stored points in network pixels; NaN stays NaN."""
    inverse = np.linalg.inv(matrix[:, :2].astype(np.float64))
    result: Matrix = ((points - matrix[:, 2]) @ inverse.T).astype(np.float32)
    return result


def change_looks(seed: int, pixels: RgbArray) -> RgbArray:
    """Return the picture in another light, sharpness, style and compression."""
    rng = np.random.default_rng(seed)
    for chance, change in CHANGES:
        if rng.random() < chance:
            pixels = change(rng, pixels)
    return pixels


def _clip(values: npt.NDArray[np.floating]) -> RgbArray:
    rounded: RgbArray = np.clip(values, 0, 255).astype(np.uint8)
    return rounded


def _light(rng: np.random.Generator, pixels: RgbArray) -> RgbArray:
    gamma, contrast = np.exp(rng.normal(0, 0.25)), np.exp(rng.normal(0, 0.2))
    gain = np.exp(rng.normal(0, 0.08, 3))
    levels = np.linspace(0, 1, 256)[:, None] ** gamma
    levels = (levels - 0.5) * contrast + 0.5 + rng.normal(0, 0.05)
    table = _clip(levels * gain * 255)
    lit: RgbArray = np.stack([table[pixels[..., c], c] for c in range(3)], axis=-1)
    return lit


def _colour(rng: np.random.Generator, pixels: RgbArray) -> RgbArray:
    hsv = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV).astype(np.int16)
    hsv[..., 0] = (hsv[..., 0] + int(rng.normal(0, 8))) % 180
    hsv[..., 1] = np.clip(hsv[..., 1] * np.exp(rng.normal(0, 0.35)), 0, 255)
    turned: RgbArray = cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB)
    return turned


def _grey(rng: np.random.Generator, pixels: RgbArray) -> RgbArray:
    del rng
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return np.repeat(grey[..., None], 3, axis=2)


def _flat_paint(rng: np.random.Generator, pixels: RgbArray) -> RgbArray:
    """Make a photograph look painted: flat tones, edges kept."""
    small = cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    small = cv2.bilateralFilter(small, 5, float(rng.uniform(25, 70)), 4)
    flat: RgbArray = np.asarray(
        cv2.resize(small, pixels.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    )
    if rng.random() < 0.5:
        step = float(rng.uniform(16, 40))
        flat = _clip((np.floor(flat / step) + 0.5) * step)
    return flat


def _outlined(rng: np.random.Generator, pixels: RgbArray) -> RgbArray:
    """Draw dark lines where the picture has edges, as drawings do."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = cv2.GaussianBlur(grey, (0, 0), 0.9)
    line = np.clip((cv2.GaussianBlur(grey, (0, 0), 2.0) - fine) / 18 - 0.1, 0, 1)
    ink = line[..., None] * float(rng.uniform(0.5, 1.0))
    return _clip(pixels * (1 - ink))


def _drawn(rng: np.random.Generator, pixels: RgbArray) -> RgbArray:
    """Make a drawing of a photograph: inked, painted or in coloured pencil.

    Half of what people generate is drawn, and real sound hands come as photographs: a
    judge that saw them only so takes drawn hands for flawed ones. Stronger filters
    would melt fingers that are about as dark as what is behind them.
    """
    reach = float(rng.uniform(6, 30))
    way = rng.random()
    if way < 0.5:
        inked: RgbArray = cv2.stylization(
            pixels, sigma_s=reach, sigma_r=float(rng.uniform(0.07, 0.25))
        )
        return inked
    if way < 0.85:
        painted: RgbArray = cv2.edgePreservingFilter(
            pixels, flags=1, sigma_s=reach, sigma_r=float(rng.uniform(0.1, 0.25))
        )
        return painted
    shade = float(rng.uniform(0.03, 0.08))
    pencil: RgbArray = cv2.pencilSketch(
        pixels, sigma_s=reach, sigma_r=0.1, shade_factor=shade
    )[1]
    return pencil


def _blur(rng: np.random.Generator, pixels: RgbArray) -> RgbArray:
    if rng.random() < 0.3:
        length = int(rng.integers(3, 9))
        kernel = np.zeros((length, length), np.float32)
        kernel[length // 2] = 1 / length
        spin = cv2.getRotationMatrix2D(
            (length / 2 - 0.5,) * 2, float(rng.uniform(0, 180)), 1
        )
        moved: RgbArray = cv2.filter2D(
            pixels, -1, cv2.warpAffine(kernel, spin, (length, length))
        )
        return moved
    blurred: RgbArray = cv2.GaussianBlur(pixels, (0, 0), float(rng.uniform(0.4, 1.8)))
    return blurred


def _sharpen(rng: np.random.Generator, pixels: RgbArray) -> RgbArray:
    soft = cv2.GaussianBlur(pixels, (0, 0), 1.2).astype(np.float32)
    return _clip(pixels + (pixels - soft) * float(rng.uniform(0.4, 1.5)))


def _small(rng: np.random.Generator, pixels: RgbArray) -> RgbArray:
    side = int(np.exp(rng.uniform(np.log(36), np.log(150))))
    small = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA)
    ways = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)
    way = ways[int(rng.integers(3))]
    return np.asarray(cv2.resize(small, pixels.shape[1::-1], interpolation=way))


def _noise(rng: np.random.Generator, pixels: RgbArray) -> RgbArray:
    noise = rng.normal(0, rng.uniform(2, 14), pixels.shape).astype(np.float32)
    if rng.random() < 0.5:
        noise = cv2.GaussianBlur(noise, (0, 0), 0.8) * 1.6
    return _clip(pixels + noise)


def _jpeg(rng: np.random.Generator, pixels: RgbArray) -> RgbArray:
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 92))]
    coded = cv2.imencode(".jpg", pixels, quality)[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), dtype=np.uint8)


CHANGES: tuple[tuple[float, Change], ...] = (
    (0.25, _drawn),
    (0.1, _flat_paint),
    (0.06, _outlined),
    (0.7, _light),
    (0.4, _colour),
    (0.08, _grey),
    (0.15, _sharpen),
    (0.22, _blur),
    (0.25, _small),
    (0.25, _noise),
    (0.4, _jpeg),
)
"""(chance, change), in the order in which a picture goes through them."""
