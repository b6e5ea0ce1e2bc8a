"""Pictures full of small hands, and the maps that the scout is to draw of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from detectors.arrays import RgbArray
from detectors.hand_framing import FRAME_PX
from detectors.hand_nets import HandNets
from detectors.hand_outline import hand_region
from detectors.hand_scout import STRIDE
from workshop.hands.backgrounds import BACKGROUNDS, installed_photos
from workshop.judge.batches import is_held_out
from workshop.judge.make_real import read_picture
from workshop.judge.samples import decode, read_shard

SIDE = 320
"""Side of a training picture."""

HELD_OUT = ("astronaut", "chelsea", "coffee", "grass")
"""Photographs that are kept for measuring."""

HAND_PX = 144
"""Side at which hands are kept to be pasted."""

SIZES_PX = (9.0, 110.0)
"""Shortest and longest hand in a training picture."""

_REAL_SHARE = 0.57
"""Length of a hand whose outline is not known, of its cut-out; as of drawn ones."""

_PHOTOGRAPHED = 0.5
"""Share of photographed hands among those that are pasted."""

_FITS_ABOVE = 0.5
"""Presence from which landmarks outline a photographed hand."""

FloatArray = npt.NDArray[np.float32]


class Patch(NamedTuple):
    """A hand to paste."""

    pixels: RgbArray
    """(HAND_PX, HAND_PX, 3) uint8 RGB."""

    alpha: npt.NDArray[np.uint8] | None
    """(HAND_PX, HAND_PX) uint8, 255 on palm and digits; None when not known."""

    middle: tuple[float, float]
    """Of palm and digits, in pixels of the patch."""

    length: float
    """Longer side of palm and digits, in pixels of the patch."""


class Lesson(NamedTuple):
    """One training picture."""

    pixels: RgbArray
    heat: FloatArray
    """(S, S) float32, 1 at the cell of a hand's middle, falling off around it."""

    size: FloatArray
    """(S, S) float32, log2 of the hand's length there; 0 where nothing is known."""


class Hands(NamedTuple):
    """All that may be pasted."""

    drawn: list[Patch]
    photographed: list[Patch]

    def one(self, rng: np.random.Generator) -> Patch:
        """Return any hand."""
        photographed = self.photographed and rng.random() < _PHOTOGRAPHED
        among = self.photographed if photographed else self.drawn
        return among[rng.integers(len(among))]


def patches(folder: Path, nets: HandNets) -> Hands:
    """Return the hands of every shard of drawn and real hands that may be learned.

    Args:
        folder: Where `workshop.judge` has put its shards.
        nets: The two networks; landmarks outline photographed hands.
    """
    return Hands(
        [_patch(pixels, drawn) for pixels, drawn in _stored(folder, "render-*.npz")],
        [
            _patch(pixels, _outlined(pixels, nets))
            for pixels, _ in _stored(folder, "real-*.npz")
        ],
    )


def _stored(
    folder: Path, pattern: str
) -> Iterator[tuple[RgbArray, npt.NDArray[np.uint8]]]:
    """Yield each hand that may be learned, at HAND_PX, and its map."""
    for path in sorted(folder.glob(pattern)):
        for label, coded, rest in read_shard(path):
            if is_held_out(label.group):
                continue
            pixels = decode(coded)
            small = cv2.resize(pixels, (HAND_PX, HAND_PX), interpolation=cv2.INTER_AREA)
            yield small, rest.hand


def _outlined(pixels: RgbArray, nets: HandNets) -> npt.NDArray[np.uint8] | None:
    """Return (HAND_PX, HAND_PX) uint8, 255 on a photographed hand; None if unsure."""
    read = nets.read(cv2.resize(pixels, (FRAME_PX, FRAME_PX)))
    if read.presence < _FITS_ABOVE:
        return None
    region = hand_region(pixels, read.points * np.float32(HAND_PX / FRAME_PX))
    inner = cv2.erode(region.astype(np.uint8) * 255, np.ones((2, 2), np.uint8))
    return np.asarray(cv2.GaussianBlur(inner, (0, 0), 0.7), np.uint8)


def _patch(pixels: RgbArray, drawn: npt.NDArray[np.uint8] | None) -> Patch:
    if drawn is None or not (drawn > 127).any():
        return Patch(pixels, None, (HAND_PX / 2, HAND_PX / 2), HAND_PX * _REAL_SHARE)
    cell = HAND_PX / drawn.shape[0]
    rows, columns = np.nonzero(drawn > 127)
    length = float(max(np.ptp(rows), np.ptp(columns)) + 1) * cell
    middle = (
        (float(columns.min() + columns.max()) + 1) / 2 * cell,
        (float(rows.min() + rows.max()) + 1) / 2 * cell,
    )
    alpha = cv2.resize(drawn, (HAND_PX, HAND_PX), interpolation=cv2.INTER_LINEAR)
    return Patch(pixels, alpha, middle, length)


def grounds(count: int, seed: int) -> list[RgbArray]:
    """Return backgrounds twice as large as a training picture: half are photographs."""
    photos = [path for path in installed_photos() if path.stem not in HELD_OUT]
    made = [_photo(read_picture(path)) for path in photos]
    makers = [maker for name, (maker, _) in BACKGROUNDS.items() if name != "photo"]
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        ground = makers[number % len(makers)](rng, SIDE)
        ground = cv2.resize(ground, (2 * SIDE, 2 * SIDE)) * 255
        made.append(ground.round().clip(0, 255).astype(np.uint8))
        if photos:
            made.append(made[number % len(photos)])
    return made


def _photo(pixels: RgbArray) -> RgbArray:
    """Return a photograph at the size of a ground, its sides' ratio changed."""
    whole: RgbArray = cv2.resize(pixels, (2 * SIDE, 2 * SIDE))
    return whole


def lesson(rng: np.random.Generator, hands: Hands, behind: list[RgbArray]) -> Lesson:
    """Return one picture with none to five hands, skin-coloured limbs, and noise."""
    picture = _piece(rng, behind[rng.integers(len(behind))]).astype(np.float32)
    for _ in range(rng.integers(0, 4)):
        _add_limb(rng, picture)
    for _ in range(rng.integers(0, 4)):
        _add_disc(rng, picture, behind[rng.integers(len(behind))])
    cells = SIDE // STRIDE
    heat = np.zeros((cells, cells), np.float32)
    size = np.zeros((cells, cells), np.float32)
    for _ in range(rng.integers(0, 6)):
        patch = hands.one(rng)
        low, high = np.log(SIZES_PX)
        length = float(np.exp(rng.uniform(low, high)))
        middle = rng.uniform(0, SIDE, 2)
        _paste(rng, picture, patch, length, middle)
        _draw(heat, size, length, middle)
    picture = _developed(rng, picture)
    return Lesson(picture.round().clip(0, 255).astype(np.uint8), heat, size)


def _piece(rng: np.random.Generator, ground: RgbArray) -> RgbArray:
    side = int(rng.integers(SIDE // 2, 2 * SIDE + 1))
    x, y = rng.integers(0, 2 * SIDE - side + 1, 2)
    piece = cv2.resize(
        ground[y : y + side, x : x + side], (SIDE, SIDE), interpolation=cv2.INTER_AREA
    )
    turned: RgbArray = np.ascontiguousarray(np.rot90(piece, int(rng.integers(4))))
    return turned


def _add_limb(rng: np.random.Generator, picture: FloatArray) -> None:
    """Draw something skin-coloured that is no hand."""
    skin = np.array([rng.uniform(90, 245)] * 3) * (1.0, 0.76, 0.62)
    skin = skin + rng.normal(0, 10, 3)
    line = rng.uniform(0, SIDE, (int(rng.integers(2, 4)), 2))
    line[1:] = line[0] + (line[1:] - line[0]) * rng.uniform(0.1, 0.6)
    cover = np.zeros((SIDE, SIDE), np.uint8)
    thick = int(rng.integers(3, 50))
    cv2.polylines(cover, [line.round().astype(np.int32)], False, 255, thick)
    light = cv2.resize(rng.uniform(0.75, 1.15, (4, 4)).astype(np.float32), (SIDE, SIDE))
    soft = cv2.GaussianBlur(cover, (0, 0), 0.8)[..., None] / 255.0
    picture += (skin * light[..., None] - picture) * soft


def _add_disc(rng: np.random.Generator, picture: FloatArray, ground: RgbArray) -> None:
    """Paste a piece of another ground as hands are pasted; else discs betray them."""
    side = int(np.exp(rng.uniform(np.log(14), np.log(200))))
    piece = _piece(rng, ground)[:side, :side]
    cover = _soft_disc(side, rng.uniform(0.3, 0.5), rng.uniform(0.02, 0.2))
    x, y = rng.integers(-side // 2, SIDE - side // 2, 2)
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + side, SIDE), min(y + side, SIDE)
    inside = slice(y0 - y, y1 - y), slice(x0 - x, x1 - x)
    below = picture[y0:y1, x0:x1]
    below += (piece[inside] - below) * (cover[inside] / 255.0)[..., None]


def _paste(
    rng: np.random.Generator,
    picture: FloatArray,
    patch: Patch,
    length: float,
    middle: npt.NDArray[np.float64],
) -> None:
    """Paste a hand, by its outline or with a soft piece of its surroundings."""
    ratio = length / patch.length
    side = max(8, round(HAND_PX * min(1.0, 1.5 * ratio)))
    pixels = cv2.resize(patch.pixels, (side, side), interpolation=cv2.INTER_AREA)
    pixels = np.clip(pixels * rng.normal(1, 0.08, 3) * rng.uniform(0.6, 1.15), 0, 255)
    if patch.alpha is not None and rng.random() < 0.75:
        alpha = cv2.resize(patch.alpha, (side, side), interpolation=cv2.INTER_AREA)
    else:
        alpha = _soft_disc(side, rng.uniform(0.3, 0.5), rng.uniform(0.02, 0.2))
    turn = rng.uniform(-180, 180) if rng.random() < 0.6 else rng.normal(0, 30)
    inside = np.array(patch.middle) * side / HAND_PX
    matrix = cv2.getRotationMatrix2D(
        (float(inside[0]), float(inside[1])), float(turn), ratio * HAND_PX / side
    )
    if rng.random() < 0.5:
        pixels, alpha = pixels[:, ::-1], alpha[:, ::-1]
        inside[0] = side - inside[0]
        matrix = cv2.getRotationMatrix2D(
            (float(inside[0]), float(inside[1])), float(turn), ratio * HAND_PX / side
        )
    matrix[:, 2] += middle - inside
    shown = cv2.warpAffine(
        np.ascontiguousarray(pixels, np.float32), matrix, (SIDE, SIDE)
    )
    cover = cv2.warpAffine(
        np.ascontiguousarray(alpha, np.float32) / 255, matrix, (SIDE, SIDE)
    )
    picture += (shown - picture) * cover[..., None]


def _soft_disc(side: int, radius: float, edge: float) -> npt.NDArray[np.uint8]:
    y, x = np.mgrid[:side, :side] / side - 0.5
    away = np.hypot(x, y)
    disc: npt.NDArray[np.uint8] = (np.clip((radius - away) / edge, 0, 1) * 255).astype(
        np.uint8
    )
    return disc


def _draw(
    heat: FloatArray, size: FloatArray, length: float, middle: npt.NDArray[np.float64]
) -> None:
    """Mark a hand on the maps; the blob is a seventh of the hand wide."""
    cells = heat.shape[0]
    y, x = np.mgrid[:cells, :cells] + 0.5
    away = (x - middle[0] / STRIDE) ** 2 + (y - middle[1] / STRIDE) ** 2
    spread = max(0.7, length / STRIDE / 7)
    blob = np.exp(-away / (2 * spread**2)).astype(np.float32)
    row, column = (int(min(v // STRIDE, cells - 1)) for v in middle[::-1])
    blob[row, column] = 1.0
    np.maximum(heat, blob, out=heat)
    size[blob > 0.5] = np.log2(length)


def _developed(rng: np.random.Generator, picture: FloatArray) -> FloatArray:
    """Blur, shade, grain and compress."""
    if rng.random() < 0.3:
        picture = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.4, 1.1)))
    shift = float(rng.normal(0, 8))
    grain = rng.normal(0, rng.uniform(0, 7), picture.shape).astype(np.float32)
    picture = picture * float(rng.uniform(0.7, 1.15)) + shift + grain
    if rng.random() < 0.1:
        picture = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2)
    if rng.random() < 0.5:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 96))]
        coded = cv2.imencode(".jpg", picture.clip(0, 255).astype(np.uint8), quality)[1]
        picture = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.float32)
    developed: FloatArray = np.asarray(picture, np.float32)
    return developed
