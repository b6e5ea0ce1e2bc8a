"""Make something for a hand to be in front of."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.float32]
Maker = Callable[[np.random.Generator, int], Plane]

# Pictures that scikit-image installs; all are free to use (see its data/README.txt).
PHOTOS = (
    "coffee.png",
    "grass.png",
    "gravel.png",
    "brick.png",
    "chelsea.png",
    "motorcycle_left.png",
    "rocket.jpg",
    "astronaut.png",
    "hubble_deep_field.jpg",
)


def random_colour(rng: np.random.Generator, dull: float = 0.5) -> Plane:
    """Return one display colour, (3,) 0..1; `dull` 1 is grey."""
    grey = rng.uniform(0.05, 0.98)
    hue = rng.normal(0.08, 0.06) if rng.random() < 0.4 else rng.uniform(0, 1)
    around = np.array([0.0, 1 / 3, 2 / 3])
    pure = 0.5 + 0.5 * np.cos(2 * np.pi * (hue - around))
    vivid = (1 - dull) * rng.uniform(0.2, 1.0)
    return np.asarray(grey * (1 - vivid + vivid * pure), np.float32)


def cloud(rng: np.random.Generator, side: int, cells: int) -> Plane:
    """Return smooth noise, (side, side) in about -1..1."""
    seeds = rng.normal(0, 0.5, (cells + 2, cells + 2)).astype(np.float32)
    big = cv2.resize(seeds, (side, side), interpolation=cv2.INTER_CUBIC)
    result: Plane = np.asarray(big, np.float32)
    return result


def fractal(rng: np.random.Generator, side: int, cells: int) -> Plane:
    """Return noise with detail at several scales."""
    total = np.zeros((side, side), np.float32)
    for octave in range(4):
        total += cloud(rng, side, min(cells * 2**octave, side // 2)) * 0.6**octave
    return total


def _gradient(rng: np.random.Generator, side: int) -> Plane:
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side - 0.5
    t = np.clip(0.5 + x * np.cos(angle) + y * np.sin(angle), 0, 1)[..., None]
    first = random_colour(rng, rng.uniform(0.4, 1))
    second = np.clip(first * rng.uniform(0.5, 1.5) + rng.normal(0, 0.06, 3), 0, 1)
    shade = first * (1 - t) + second.astype(np.float32) * t
    return np.asarray(shade + 0.02 * cloud(rng, side, 4)[..., None], np.float32)


def _bokeh(rng: np.random.Generator, side: int) -> Plane:
    picture = _gradient(rng, side) * 0.6
    for _ in range(rng.integers(8, 30)):
        layer = np.zeros((side, side), np.float32)
        at = (int(rng.integers(0, side)), int(rng.integers(0, side)))
        cv2.circle(layer, at, int(side * rng.uniform(0.02, 0.12)), 1.0, -1, cv2.LINE_AA)
        layer = cv2.GaussianBlur(layer, (0, 0), side * 0.006)
        picture += layer[..., None] * random_colour(rng, 0.3) * rng.uniform(0.15, 0.6)
    return picture


def _wood(rng: np.random.Generator, side: int) -> Plane:
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    rings = np.sin(
        (x * rng.uniform(4, 14) + cloud(rng, side, 3) * 0.5 + y * 0.3) * 6.28
    )
    base = np.array([0.55, 0.38, 0.24]) * rng.uniform(0.4, 1.5)
    fine = cv2.GaussianBlur(
        rng.normal(0, 1, (side, side)).astype(np.float32),
        (0, 0),
        0.6,
        sigmaY=side * 0.05,
    )
    shade = base * (1 + 0.14 * rings[..., None] + 0.5 * fine[..., None])
    picture = shade.astype(np.float32)
    turned = np.rot90(picture).copy() if rng.random() < 0.5 else picture
    return np.asarray(turned, np.float32)


def _cloth(rng: np.random.Generator, side: int) -> Plane:
    """Draped fabric: a few long folds, lit from one side, plain, striped or checked."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    angle = rng.uniform(0, np.pi)
    along = x * np.cos(angle) + y * np.sin(angle)
    warp = cloud(rng, side, 2) * rng.uniform(0.05, 0.3) + 0.02 * cloud(rng, side, 6)
    drop = np.sin((along + warp) * rng.uniform(4, 16)) + 0.6 * cloud(rng, side, 4)
    drop = np.asarray(drop, np.float32)
    smooth = cv2.GaussianBlur(drop, (0, 0), side / 60)
    slope = cv2.Sobel(smooth, cv2.CV_32F, 1, 1, ksize=3)
    fold = np.clip(0.22 * drop + slope * side * 0.02, -0.6, 0.6) * rng.uniform(0.2, 1)
    base = random_colour(rng, rng.uniform(0.2, 0.9))
    picture = np.ones((side, side, 3), np.float32) * base
    kind = rng.random()
    if kind < 0.4:
        other = random_colour(rng, 0.4)
        count, share = rng.uniform(4, 18), rng.uniform(0.1, 0.5)
        bent_x, bent_y = (x + 0.04 * drop) * count, (y + 0.04 * drop) * count
        stripe = (bent_x % 1 < share).astype(np.float32)
        if kind < 0.2:
            stripe = 0.5 * stripe + 0.5 * (bent_y % 1 < share)
        stripe = cv2.GaussianBlur(stripe, (0, 0), 0.7)[..., None]
        picture = picture * (1 - stripe) + other * stripe
    weave = rng.normal(0, 0.025, (side, side)).astype(np.float32)
    shade = (1 + fold + cv2.GaussianBlur(weave, (0, 0), 0.6))[..., None]
    return np.asarray(picture * shade, np.float32)


def _leaves(rng: np.random.Generator, side: int) -> Plane:
    picture = np.ones((side, side, 3), np.float32) * np.array([0.06, 0.13, 0.05], "f4")
    for _ in range(160):
        at = (int(rng.integers(0, side)), int(rng.integers(0, side)))
        axes = (
            int(side * rng.uniform(0.02, 0.09)),
            int(side * rng.uniform(0.008, 0.03)),
        )
        colour = np.array([0.25, 0.5, 0.15]) * rng.uniform(0.3, 1.4)
        colour = np.clip(colour + rng.normal(0, 0.07, 3), 0, 1)
        turn = float(rng.uniform(0, 360))
        cv2.ellipse(picture, at, axes, turn, 0, 360, colour.tolist(), -1, cv2.LINE_AA)
    blur = float(rng.uniform(0.3, side * 0.03))
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), blur), np.float32)


def _room(rng: np.random.Generator, side: int) -> Plane:
    picture = _gradient(rng, side)
    for _ in range(rng.integers(4, 16)):
        corner = rng.uniform(-0.2, 1.0, 2) * side
        far = corner + rng.uniform(0.05, 0.7, 2) * side
        colour = random_colour(rng, rng.uniform(0.2, 1)).tolist()
        spots = (tuple(corner.astype(int).tolist()), tuple(far.astype(int).tolist()))
        cv2.rectangle(picture, spots[0], spots[1], colour, -1)
        if rng.random() < 0.5:
            edge = random_colour(rng, 0.8).tolist()
            cv2.rectangle(picture, spots[0], spots[1], edge, int(rng.integers(1, 5)))
    picture *= 1 + 0.12 * fractal(rng, side, 4)[..., None]
    blur = float(rng.uniform(0.3, side * 0.035))
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), blur), np.float32)


def _body(rng: np.random.Generator, side: int) -> Plane:
    """A dressed torso, or skin-coloured shapes: what hands are mostly in front of."""
    picture = (_gradient, _room, _photo)[rng.integers(3)](rng, side)
    cloth = _cloth(rng, side)
    outline = np.zeros((side, side), np.float32)
    x = rng.uniform(-0.2, 1.2) * side
    corners = np.array(
        [
            [x - side * rng.uniform(0.3, 0.8), side * 1.2],
            [x - side * rng.uniform(0.2, 0.6), side * rng.uniform(-0.2, 0.6)],
            [x + side * rng.uniform(0.2, 0.6), side * rng.uniform(-0.2, 0.6)],
            [x + side * rng.uniform(0.3, 0.8), side * 1.2],
        ]
    )
    cv2.fillPoly(outline, [corners.astype(np.int32)], 1.0, cv2.LINE_AA)
    outline = cv2.GaussianBlur(outline, (0, 0), rng.uniform(0.6, side * 0.02))[
        ..., None
    ]
    picture = picture * (1 - outline) + cloth * outline
    if rng.random() < 0.6:
        flesh = np.zeros((side, side), np.float32)
        at = (int(rng.uniform(0, side)), int(rng.uniform(-0.1, 1.1) * side))
        axes = (int(side * rng.uniform(0.1, 0.35)), int(side * rng.uniform(0.12, 0.4)))
        turn = float(rng.uniform(0, 360))
        cv2.ellipse(flesh, at, axes, turn, 0, 360, 1.0, -1, cv2.LINE_AA)
        flesh = cv2.GaussianBlur(flesh, (0, 0), rng.uniform(0.6, side * 0.03))[
            ..., None
        ]
        skin = np.array([0.85, 0.63, 0.5], np.float32) * rng.uniform(0.3, 1.1)
        skin = skin * (1 + 0.25 * cloud(rng, side, 2)[..., None])
        picture = picture * (1 - flesh) + skin * flesh
    return np.asarray(picture, np.float32)


@lru_cache(maxsize=16)
def _texture(path: Path) -> Plane:
    """Read a photograph once, (H, W, 3) float32 RGB 0..1."""
    read = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if read is None:
        raise FileNotFoundError(
            f"cannot read the texture {path}; reinstall its package"
        )
    return np.asarray(read[..., ::-1] / 255, np.float32)


def installed_photos() -> list[Path]:
    """Return the photographs that come with scikit-image; [] where it is missing."""
    found = importlib.util.find_spec("skimage")
    if found is None or found.origin is None:
        return []
    folder = Path(found.origin).parent / "data"
    return [folder / name for name in PHOTOS if (folder / name).is_file()]


def _photo(rng: np.random.Generator, side: int) -> Plane:
    """Cut a piece out of an installed photograph, mirrored, tinted and blurred."""
    choices = installed_photos()
    if not choices:
        return _leaves(rng, side)
    picture = _texture(choices[rng.integers(len(choices))])
    short = min(picture.shape[:2])
    edge = int(short * rng.uniform(0.25, 1.0))
    top = int(rng.integers(0, picture.shape[0] - edge + 1))
    left = int(rng.integers(0, picture.shape[1] - edge + 1))
    piece = picture[top : top + edge, left : left + edge]
    if rng.random() < 0.5:
        piece = piece[:, ::-1]
    piece = cv2.resize(
        np.ascontiguousarray(piece), (side, side), interpolation=cv2.INTER_AREA
    )
    if rng.random() < 0.6:
        piece = cv2.GaussianBlur(piece, (0, 0), float(rng.uniform(0.5, side * 0.03)))
    tint = rng.normal(1.0, 0.1, 3) * rng.uniform(0.5, 1.2)
    return np.asarray(piece * tint, np.float32)


def _plain(rng: np.random.Generator, side: int) -> Plane:
    grey = rng.uniform(0.75, 1.0) if rng.random() < 0.6 else rng.uniform(0, 0.3)
    level = np.full((side, side, 3), grey, np.float32)
    return np.asarray(level + 0.01 * cloud(rng, side, 3)[..., None], np.float32)


BACKGROUNDS: dict[str, tuple[Maker, float]] = {
    "plain": (_plain, 0.10),
    "gradient": (_gradient, 0.15),
    "bokeh": (_bokeh, 0.08),
    "wood": (_wood, 0.08),
    "cloth": (_cloth, 0.14),
    "leaves": (_leaves, 0.06),
    "room": (_room, 0.12),
    "body": (_body, 0.15),
    "photo": (_photo, 0.12),
}
"""Every kind of background and how often it is drawn."""


def make_background(rng: np.random.Generator, side: int) -> Plane:
    """Return one background, (side, side, 3) float32 RGB 0..1."""
    makers = [maker for maker, _ in BACKGROUNDS.values()]
    shares = [share for _, share in BACKGROUNDS.values()]
    picture = makers[rng.choice(len(makers), p=np.array(shares) / sum(shares))](
        rng, side
    )
    return np.clip(picture, 0, 1).astype(np.float32)
