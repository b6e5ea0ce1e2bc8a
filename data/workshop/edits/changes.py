"""The single changes that spoil a hand, and the controls that do not."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from detectors.arrays import MaskArray, RgbArray
from detectors.hand_framing import PointArray
from detectors.hand_outline import CHAINS, hand_region
from workshop.edits.digit_shapes import (
    FINGERS,
    FloatArray,
    digit_cover,
    flesh_cover,
    palm_length,
    stretched,
)

LEAST_CHANGE = 0.004
"""Share of the cut-out that a flaw must cover to count."""


@dataclass(frozen=True, slots=True, eq=False)
class Edited:
    """A changed cut-out."""

    pixels: RgbArray
    """Like the cut-out that was given."""

    changed: MaskArray
    """(H, W) bool, where a flaw shows; empty for controls."""

    kind: str
    flawed: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Hand:
    crop: RgbArray
    points: PointArray
    rng: np.random.Generator

    @property
    def side(self) -> int:
        return int(self.crop.shape[0])

    @property
    def palm(self) -> float:
        return palm_length(self.points)


Plane = npt.NDArray[np.uint8]
_Change = Callable[[_Hand], RgbArray | None]


def edit(
    crop: RgbArray, points: PointArray, rng: np.random.Generator, kind: str
) -> Edited | None:
    """Return the cut-out with one change, or None where this hand does not allow it.

    Args:
        crop: (N, N, 3) uint8 RGB, the hand upright inside, 128 px at least.
        points: (21, 2) landmarks in pixels of the cut-out.
        rng: Source of every choice.
        kind: One of KINDS.

    Raises:
        KeyError: there is no such kind.
    """
    pixels = KINDS[kind](_Hand(crop, points, rng))
    if pixels is None:
        return None
    flawed = kind in FLAWS
    changed = _difference(crop, pixels) if flawed else np.zeros(crop.shape[:2], bool)
    if flawed and changed.mean() < LEAST_CHANGE:
        return None
    return Edited(pixels, changed, kind, flawed)


def _difference(before: RgbArray, after: RgbArray) -> MaskArray:
    away = np.abs(before.astype(np.int16) - after).max(axis=2) > 24
    closed = cv2.morphologyEx(
        away.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8)
    )
    opened: Plane = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return opened.astype(np.bool_)


def _copied_finger(hand: _Hand) -> RgbArray | None:
    """One more finger, beside the one it is a copy of."""
    return _finger_on_top(hand, beside=True)


def _finger_on_itself(hand: _Hand) -> RgbArray | None:
    return _finger_on_top(hand, beside=False)


def _finger_on_top(hand: _Hand, *, beside: bool) -> RgbArray | None:
    able = [number for number in stretched(hand.points) if number in FINGERS]
    # Where one or two fingers are shown, one more is just another gesture.
    if len(able) < 3:
        return None
    number = int(hand.rng.choice(able))
    cover = digit_cover(hand.side, hand.points, number, wider=1.15)
    flesh = flesh_cover(hand.crop, hand.points, cover)
    turn, shift, scale = 0.0, np.zeros(2), 1.0
    if beside:
        turn = float(hand.rng.choice([-1, 1]) * hand.rng.uniform(9, 26))
        row = hand.points[17] - hand.points[5]
        row = row / (np.linalg.norm(row) + 1e-6)
        shift = row * hand.rng.uniform(-0.22, 0.22) * hand.palm
        scale = float(hand.rng.uniform(0.8, 1.05))
    root = hand.points[CHAINS[number][1]]
    matrix = cv2.getRotationMatrix2D((float(root[0]), float(root[1])), turn, scale)
    matrix[:, 2] += shift
    return _laid_on(hand.crop, _moved(hand.crop, matrix), _moved(flesh, matrix))


def _removed(hand: _Hand) -> RgbArray | None:
    """One finger painted over with what surrounds it."""
    able = [number for number in stretched(hand.points) if number in FINGERS]
    # On a hand that shows few fingers, one fewer is just another gesture.
    if len(able) < 4:
        return None
    number = int(hand.rng.choice(able))
    cover = digit_cover(hand.side, hand.points, number, wider=1.6, from_=0.15)
    cover *= 1 - _neighbours(hand, number)
    return _painted_over(hand, cover > 0.5)


def _background_painted_over(hand: _Hand) -> RgbArray | None:
    number = int(hand.rng.choice(FINGERS))
    cover = digit_cover(hand.side, hand.points, number, wider=1.6)
    away = hand_region(hand.crop, hand.points).astype(np.uint8)
    away = cv2.dilate(away, np.ones((9, 9), np.uint8))
    for _ in range(12):
        shift = hand.rng.uniform(-0.6, 0.6, 2) * hand.side
        matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
        place = _moved(cover, matrix) > 0.5
        if place.mean() > 0.01 and not (place & (away > 0)).any():
            return _painted_over(hand, place)
    return None


def _shortened(hand: _Hand) -> RgbArray | None:
    return _stretched_finger(hand, float(hand.rng.uniform(0.4, 0.62)))


def _lengthened(hand: _Hand) -> RgbArray | None:
    return _stretched_finger(hand, float(hand.rng.uniform(1.35, 1.6)))


def _stretched_finger(hand: _Hand, factor: float) -> RgbArray | None:
    able = [number for number in stretched(hand.points) if number in FINGERS]
    if not able:
        return None
    number = int(hand.rng.choice(able))
    cover = digit_cover(hand.side, hand.points, number, wider=1.2)
    flesh = flesh_cover(hand.crop, hand.points, cover)
    base = hand.crop
    if factor < 1:
        wide = digit_cover(hand.side, hand.points, number, wider=1.6, from_=0.3)
        base = _painted_over(hand, wide * (1 - _neighbours(hand, number)) > 0.5)
    root, tip = (hand.points[CHAINS[number][i]].astype(float) for i in (1, 4))
    along = (tip - root) / (np.linalg.norm(tip - root) + 1e-6)
    stretch = np.eye(2) + (factor - 1) * np.outer(along, along)
    matrix = np.hstack([stretch, (root - stretch @ root)[:, None]])
    return _laid_on(base, _moved(hand.crop, matrix), _moved(flesh, matrix))


def _fused(hand: _Hand) -> RgbArray | None:
    """Two neighbours grown together."""
    able = stretched(hand.points)
    pairs = [n for n in FINGERS[:-1] if n in able and n + 1 in able]
    if not pairs:
        return None
    number = int(hand.rng.choice(pairs))
    one, other = (list(CHAINS[n][1:]) for n in (number, number + 1))
    gap = (hand.points[other] - hand.points[one]).mean(axis=0)
    if np.linalg.norm(gap) > 0.75 * hand.palm:
        return None
    cover = digit_cover(hand.side, hand.points, number, wider=1.1)
    flesh = flesh_cover(hand.crop, hand.points, cover)
    result = hand.crop
    for share in (0.33, 0.66):
        step = gap * share
        matrix = np.array([[1, 0, step[0]], [0, 1, step[1]]])
        result = _laid_on(result, _moved(hand.crop, matrix), _moved(flesh, matrix))
    return result


def _bent(hand: _Hand) -> RgbArray | None:
    """A finger turned sideways at its middle joint, further than bones allow."""
    able = [number for number in stretched(hand.points) if number in FINGERS]
    if not able:
        return None
    number = int(hand.rng.choice(able))
    outer = digit_cover(hand.side, hand.points, number, wider=1.15, from_=0.9)
    flesh = flesh_cover(hand.crop, hand.points, outer)
    wide = digit_cover(hand.side, hand.points, number, wider=1.6, from_=1.0)
    base = _painted_over(hand, wide * (1 - _neighbours(hand, number)) > 0.5)
    joint = hand.points[CHAINS[number][2]]
    turn = float(hand.rng.choice([-1, 1]) * hand.rng.uniform(32, 60))
    matrix = cv2.getRotationMatrix2D((float(joint[0]), float(joint[1])), turn, 1.0)
    return _laid_on(base, _moved(hand.crop, matrix), _moved(flesh, matrix))


def _melted(hand: _Hand) -> RgbArray | None:
    """Everything about the fingers flows into each other."""
    finger_points = hand.points[[6, 7, 8, 10, 11, 12, 14, 15, 16, 18, 19, 20]]
    centre = finger_points[hand.rng.integers(len(finger_points))]
    y, x = np.mgrid[: hand.side, : hand.side].astype(np.float32)
    away = (x - centre[0]) ** 2 + (y - centre[1]) ** 2
    reach = hand.rng.uniform(0.3, 0.65) * hand.palm
    near = np.exp(-away / (2 * reach**2)).astype(np.float32)
    grain, size = hand.rng.uniform(0.09, 0.2), hand.rng.uniform(0.05, 0.11)
    return _warped(hand, grain * hand.palm, size * hand.palm * near)


def _gently_warped(hand: _Hand) -> RgbArray | None:
    """The same kind of warp, so smooth that the anatomy stays."""
    whole = np.ones((hand.side, hand.side), np.float32)
    grain, size = hand.rng.uniform(0.6, 0.9), hand.rng.uniform(0.03, 0.06)
    return _warped(hand, grain * hand.palm, size * hand.palm * whole)


def _background_melted(hand: _Hand) -> RgbArray | None:
    """The strong warp of `melt`, everywhere but on the hand."""
    region = hand_region(hand.crop, hand.points).astype(np.uint8)
    near = cv2.dilate(region, np.ones((15, 15), np.uint8)).astype(np.float32)
    free = 1 - cv2.GaussianBlur(near, (0, 0), 4)
    free *= (near < 0.5).astype(np.float32)
    grain, size = hand.rng.uniform(0.09, 0.17), hand.rng.uniform(0.08, 0.14)
    return _warped(hand, grain * hand.palm, size * hand.palm * free)


def _untouched(hand: _Hand) -> RgbArray | None:
    return hand.crop.copy()


def _neighbours(hand: _Hand, number: int) -> FloatArray:
    """Return how much the other digits cover; they must not be painted over."""
    drawn = np.zeros((hand.side, hand.side), np.float32)
    for other in range(len(CHAINS)):
        if other != number:
            np.maximum(drawn, digit_cover(hand.side, hand.points, other), out=drawn)
    return drawn


def _painted_over(hand: _Hand, place: MaskArray) -> RgbArray:
    method = int(hand.rng.choice([cv2.INPAINT_TELEA, cv2.INPAINT_NS]))
    filled = cv2.inpaint(hand.crop, place.astype(np.uint8), 4, method)
    grain = hand.rng.normal(0, 2.0, hand.crop.shape) * place[..., None]
    noisy: RgbArray = (filled + grain).round().clip(0, 255).astype(np.uint8)
    return noisy


def _warped(hand: _Hand, grain_px: float, by_px: FloatArray) -> RgbArray:
    noise = hand.rng.normal(0, 1, (2, hand.side, hand.side)).astype(np.float32)
    smooth = [cv2.GaussianBlur(plane, (0, 0), max(grain_px, 1.0)) for plane in noise]
    dx, dy = (plane / (plane.std() + 1e-6) * by_px for plane in smooth)
    y, x = np.mgrid[: hand.side, : hand.side].astype(np.float32)
    warped: RgbArray = cv2.remap(
        hand.crop,
        (x + dx).astype(np.float32),
        (y + dy).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return warped


_Pixels = TypeVar("_Pixels", RgbArray, FloatArray)


def _moved(plane: _Pixels, matrix: npt.NDArray[np.floating]) -> _Pixels:
    side = plane.shape[0]
    border = cv2.BORDER_REPLICATE if plane.ndim == 3 else cv2.BORDER_CONSTANT
    moved: _Pixels = cv2.warpAffine(
        plane, matrix.astype(np.float64), (side, side), borderMode=border
    )
    return moved


def _laid_on(below: RgbArray, above: RgbArray, cover: FloatArray) -> RgbArray:
    mixed = below + (above.astype(np.float32) - below) * cover[..., None]
    result: RgbArray = mixed.round().clip(0, 255).astype(np.uint8)
    return result


FLAWS: dict[str, _Change] = {
    "copy": _copied_finger,
    "remove": _removed,
    "short": _shortened,
    "long": _lengthened,
    "fuse": _fused,
    "bend": _bent,
    "melt": _melted,
}
CONTROLS: dict[str, _Change] = {
    "none": _untouched,
    "self": _finger_on_itself,
    "background": _background_painted_over,
    "warp": _gently_warped,
    "melted-background": _background_melted,
}
KINDS: dict[str, _Change] = FLAWS | CONTROLS
