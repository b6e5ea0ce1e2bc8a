"""Large pictures with one hand of a known size in a known place, and without any."""

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from detectors.arrays import RgbArray
from detectors.hand_nets import HandNets
from detectors.hand_outline import hand_region
from workshop.hands import render_hand
from workshop.hands.backgrounds import installed_photos, make_background
from workshop.judge.batches import is_held_out
from workshop.judge.make_real import group_of, main_hand, read_picture
from workshop.scout.pictures import HELD_OUT

FloatArray = npt.NDArray[np.float32]

FIRST_SEED = 950_000_000
"""Training draws its seeds from 1,000,000 up, and never comes this far."""

SCENE = (1024, 768)
"""Width and height, a usual size of generated pictures."""

DRAWN_STYLES = ("photo", "anime", "photo", "painted")
_CUT_OUT_PX = 320
_REACH = 1.3
_SPREAD = 23
"""Every 23rd held-out photograph is cut out, so that many people are among them."""


class CutOut(NamedTuple):
    """A hand without its background."""

    pixels: RgbArray
    """(N, N, 3) uint8 RGB."""

    alpha: FloatArray
    """(N, N) float32, 1 where the hand, its arm and what it holds cover all."""

    extent: tuple[int, int, int, int]
    """x0, y0, x1, y1 of palm and digits, in pixels of the cut-out."""

    origin: str
    """`real`, or `drawn-` and a style."""


class HandScene(NamedTuple):
    """A picture with one hand."""

    pixels: RgbArray
    centre: tuple[float, float]
    hand_px: int
    """Longer side of palm and digits."""

    origin: str


def drawn_cut_outs(count: int) -> Iterator[CutOut]:
    """Yield drawn sound hands in everyday poses, the styles in turn."""
    for number in range(count):
        style = DRAWN_STYLES[number % len(DRAWN_STYLES)]
        hand = render_hand(
            FIRST_SEED + number,
            pose="natural",
            style=style,
            size=224,
            transparent=True,
        )
        if hand.alpha is None:
            raise ValueError("a transparent render must have an alpha")
        yield CutOut(hand.pixels, hand.alpha, _extent(hand.hand), f"drawn-{style}")


def real_cut_outs(labels: Path, nets: HandNets, count: int) -> Iterator[CutOut]:
    """Yield photographed sound hands whose group was held out, cut out by outline."""
    with labels.open(newline="", encoding="utf-8") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row["label"] == "ok"
            and row["origin"] == "photo"
            and is_held_out(group_of(row))
        ]
    made = 0
    for row in rows[::_SPREAD] + rows[1::_SPREAD]:
        if made >= count:
            return
        view = main_hand(read_picture(labels.parent / row["file"]), nets)
        if view is None:
            continue
        made += 1
        frame = view.frame.turned(0.0, _REACH)
        crop = view.cut(frame, _CUT_OUT_PX)
        points = frame.from_picture(view.picture_points(), _CUT_OUT_PX)
        region = hand_region(crop, points)
        inner = cv2.erode(region.astype(np.uint8), np.ones((3, 3), np.uint8))
        alpha = cv2.GaussianBlur(inner.astype(np.float32), (0, 0), 1.0)
        yield CutOut(crop, alpha, _extent(region), "real")


def scenes_of(
    cut_out: CutOut, number: int, sizes_px: tuple[int, ...]
) -> Iterator[HandScene]:
    """Yield the same hand at the same place before the same ground, in each size."""
    rng = np.random.default_rng([FIRST_SEED, number])
    ground = _ground(rng)
    at = rng.uniform(0.08, 0.92, 2)
    turn = float(rng.normal(0, 25))
    for size in sizes_px:
        pixels, centre = _paste(cut_out, ground, size, (at[0], at[1]), turn)
        yield HandScene(pixels, centre, size, cut_out.origin)


def empty_scenes(count: int) -> Iterator[tuple[str, RgbArray]]:
    """Yield pictures without a hand: photographs, then drawn grounds."""
    photos = _kept_back()
    for path in photos[:count]:
        yield path.name, cv2.resize(read_picture(path), SCENE)
    for number in range(max(0, count - len(photos))):
        rng = np.random.default_rng([FIRST_SEED, 77, number])
        yield f"ground-{number}", _drawn_ground(rng)


def _kept_back() -> list[Path]:
    """Return the photographs that the scout has not learned from."""
    return [path for path in installed_photos() if path.stem in HELD_OUT]


def _ground(rng: np.random.Generator) -> RgbArray:
    photos = _kept_back()
    if photos and rng.random() < 0.6:
        picture = read_picture(photos[rng.integers(len(photos))])
        if rng.random() < 0.5:
            picture = np.ascontiguousarray(picture[:, ::-1])
        whole: RgbArray = cv2.resize(picture, SCENE, interpolation=cv2.INTER_AREA)
        return whole
    return _drawn_ground(rng)


def _drawn_ground(rng: np.random.Generator) -> RgbArray:
    ground = cv2.resize(make_background(rng, SCENE[0] // 2), (SCENE[0], SCENE[0]))
    noisy = ground[: SCENE[1]] * 255 + rng.normal(0, 3, (SCENE[1], SCENE[0], 1))
    whole: RgbArray = noisy.round().clip(0, 255).astype(np.uint8)
    return whole


def _paste(
    cut_out: CutOut,
    ground: RgbArray,
    hand_px: int,
    at: tuple[float, float],
    turn: float,
) -> tuple[RgbArray, tuple[float, float]]:
    """Return the ground with the hand turned (degrees), and the hand's centre."""
    x0, y0, x1, y1 = cut_out.extent
    ratio = hand_px / max(x1 - x0, y1 - y0)
    middle = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    margin = hand_px / 2 + 6
    room = np.array(SCENE) - 2 * margin
    centre = margin + np.array(at) * room
    matrix = cv2.getRotationMatrix2D((float(middle[0]), float(middle[1])), turn, ratio)
    matrix[:, 2] += centre - middle
    # Averaged down first: a warp alone would let thin fingers fall between its samples.
    side = cut_out.pixels.shape[0]
    small = max(8, round(side * min(1.0, ratio * 1.5)))
    matrix[:, :2] *= side / small
    pixels = cv2.resize(cut_out.pixels, (small, small), interpolation=cv2.INTER_AREA)
    alpha = cv2.resize(cut_out.alpha, (small, small), interpolation=cv2.INTER_AREA)
    shown = cv2.warpAffine(pixels, matrix, SCENE, borderMode=cv2.BORDER_REPLICATE)
    cover = cv2.warpAffine(alpha, matrix, SCENE)[..., None]
    mixed = ground + (shown.astype(np.float32) - ground) * cover
    whole: RgbArray = mixed.round().clip(0, 255).astype(np.uint8)
    return whole, (float(centre[0]), float(centre[1]))


def _extent(mask: npt.NDArray[np.bool_]) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def all_cut_outs(labels: Path, nets: HandNets, count: int) -> list[CutOut]:
    """Return drawn hands, and as many real ones where there are labels."""
    real = real_cut_outs(labels, nets, count) if labels.is_file() else iter(())
    return list(itertools.chain(drawn_cut_outs(count), real))
