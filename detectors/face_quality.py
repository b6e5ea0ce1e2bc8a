"""Say how probable it is that a face is badly drawn.

Nine plain measurements, each of which rises with one kind of damage, are put together
by a logistic model whose weights are never negative: more damage of any kind can only
raise the probability.
"""

import itertools
from collections.abc import Mapping
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from detectors.arrays import RgbArray
from detectors.face_finding import FoundFace
from detectors.face_reading import (
    LEFT_BROW,
    LEFT_EYE,
    LEFT_IRIS,
    OVAL,
    RIGHT_BROW,
    RIGHT_EYE,
    RIGHT_IRIS,
    FaceMesh,
    FaceReader,
)

FloatArray = npt.NDArray[np.float32]

_CANONICAL_PX = 192
"""Side of the cut-out on which detail is measured: the face is 128 px high in it."""

_SLACK_PX = 3

_EYES = (*LEFT_EYE, *RIGHT_EYE)


class Term(NamedTuple):
    """One term of the model: weight * softplus((measurement - normal) / width)."""

    normal: float
    width: float
    weight: float


MODEL: Mapping[str, Term] = {
    "doubt": Term(-9.204, 2.839, 0.072),
    "jitter": Term(-4.957, 0.356, 0.320),
    "eye_jitter": Term(-5.194, 0.342, 0.115),
    "misfit": Term(-1.396, 0.305, 0.951),
    "asymmetry": Term(-1.847, 0.598, 1.273),
    "softness": Term(0.743, 0.351, 0.286),
    "coarseness": Term(0.335, 0.192, 0.114),
    "smallness": Term(0.054, 0.551, 0.168),
    "blocks": Term(0.128, 0.100, 0.154),
    "odd_eyes": Term(0.518, 0.145, 0.840),
    "strangeness": Term(1.0, 1.0, 0.80),
}
BIAS = -4.73
"""Fitted by `data/workshop/faces/fit_quality.py`; its docstring says on what."""

_REASONS: Mapping[str, str] = {
    "doubt": "hardly seen as a face",
    "jitter": "features do not hold still",
    "eye_jitter": "eyes do not hold still",
    "misfit": "eyes out of place",
    "asymmetry": "lopsided",
    "softness": "without detail",
    "coarseness": "blurred",
    "smallness": "very small",
    "blocks": "broken into blocks",
    "odd_eyes": "eyes badly drawn",
    "strangeness": "features run together",
}


def measure(
    pixels: RgbArray, face: FoundFace, mesh: FaceMesh, reader: FaceReader
) -> Mapping[str, float]:
    """Measure one face; each measurement rises with damage.

    Args:
        pixels: (H, W, 3) uint8 RGB, the whole picture.
        face: Where the face is.
        mesh: Its landmarks.
        reader: Who read them; it knows the mean face.

    Returns:
        doubt: Lowest log odds of the landmark network, negated.
        jitter: Log of how far the landmarks move between views.
        eye_jitter: The same for the irises.
        misfit: Log distance of the eyes from the mean face after the best turn.
        asymmetry: Log distance of the face from its mirror image, likewise.
        softness: Log of coarse over fine detail, at a common size.
        coarseness: The same an octave lower.
        smallness: Log of 100 px over the face's size.
        blocks: Log of steps on the 8 px grid of JPEG over steps beside it.
        strangeness: Log odds of damage by what the landmark network saw inside.
        odd_eyes: 1 minus how well the eyes look like eyes.
    """
    shape = _aligned(mesh, reader.mean_face)
    cut = mesh.frame.cut(pixels, _CANONICAL_PX)
    grey = cv2.cvtColor(cut, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine, middle, coarse = _bands(grey, _face_mask(mesh))
    asymmetry = shape - shape[reader.mirror[:468]] * np.array([-1, 1, 1], np.float32)
    return {
        "doubt": -float(mesh.logits.min()),
        "jitter": _log(mesh.jitter[:468].mean()),
        "eye_jitter": _log(mesh.jitter[468:].mean()),
        "misfit": _log(_lengths((shape - reader.mean_face)[list(_EYES)]).mean()),
        "asymmetry": _log(_lengths(asymmetry[:, :2]).mean()),
        "softness": _log(coarse / fine),
        "coarseness": _log(coarse / middle),
        "smallness": _log(100.0 / max(mesh.size_px, 1.0)),
        "blocks": _blocks(pixels, face),
        "strangeness": mesh.strangeness,
        "odd_eyes": 1.0 - _eyes_like_eyes(grey, mesh),
    }


def probability(
    measured: Mapping[str, float],
    model: Mapping[str, Term] = MODEL,
    bias: float = BIAS,
) -> float:
    """Return the probability, 0..1, that a face with these measurements is damaged."""
    total = bias + sum(_share(measured, name, term) for name, term in model.items())
    return float(1.0 / (1.0 + np.exp(-np.clip(total, -30.0, 30.0))))


def main_reason(measured: Mapping[str, float]) -> str:
    """Return in a few words which measurement speaks loudest against the face."""
    shares = {name: _share(measured, name, term) for name, term in MODEL.items()}
    return _REASONS[max(shares, key=lambda name: shares[name])]


def _share(measured: Mapping[str, float], name: str, term: Term) -> float:
    excess = (measured[name] - term.normal) / term.width
    return term.weight * float(np.logaddexp(0.0, excess))


def _log(value: float | np.floating[npt.NBitBase]) -> float:
    return float(np.log(max(float(value), 1e-6)))


def _lengths(rows: FloatArray) -> FloatArray:
    lengths: FloatArray = np.sqrt((rows**2).sum(axis=1))
    return lengths


def _aligned(mesh: FaceMesh, mean_face: FloatArray) -> FloatArray:
    """Turn, scale and move the landmarks onto the mean face, (468, 3) in centimetres.

    Kabsch's method with Umeyama's scale (1991), without a mirror.
    """
    points = mesh.points[:468] * np.array([1, -1, -1], np.float32)  # y up, z to the eye
    points = points - points.mean(axis=0)
    goal = mean_face - mean_face.mean(axis=0)
    left, lengths, right = np.linalg.svd(points.T @ goal)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    scale = float((lengths * signs).sum()) / max(float((points**2).sum()), 1e-6)
    moved = scale * points @ (left @ np.diag(signs) @ right) + mean_face.mean(axis=0)
    return np.asarray(moved, np.float32)


def _canonical(mesh: FaceMesh, numbers: tuple[int, ...] | slice) -> FloatArray:
    """Return (N, 2) landmarks in pixels of the canonical cut-out."""
    matrix = mesh.frame.matrix(_CANONICAL_PX)
    chosen = mesh.points[list(numbers) if isinstance(numbers, tuple) else numbers, :2]
    moved: FloatArray = (chosen @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    return moved


def _face_mask(mesh: FaceMesh) -> npt.NDArray[np.bool_]:
    mask = np.zeros((_CANONICAL_PX, _CANONICAL_PX), np.uint8)
    outline = cv2.convexHull(_canonical(mesh, OVAL)).round().astype(np.int32)
    cv2.fillConvexPoly(mask, outline, 1)
    inside = mask > 0
    return inside if inside.sum() > 100 else ~inside


def _bands(grey: FloatArray, mask: npt.NDArray[np.bool_]) -> tuple[float, float, float]:
    """Return the strength, in levels, of detail about 3, 6 and 12 px wide."""
    layers = [cv2.GaussianBlur(grey, (0, 0), sigma) for sigma in (1, 2, 4, 8)]
    fine, middle, coarse = (
        float(np.sqrt(((one - next_one)[mask] ** 2).mean())) + 0.05
        for one, next_one in itertools.pairwise(layers)
    )
    return fine, middle, coarse


def _blocks(pixels: RgbArray, face: FoundFace) -> float:
    """Compare steps across the strongest of eight phases with those beside it."""
    patch = pixels[face.box.rows, face.box.columns]
    if min(patch.shape[:2]) < 24:
        return 0.0
    grey = cv2.cvtColor(np.ascontiguousarray(patch), cv2.COLOR_RGB2GRAY)
    ratios = []
    for way in (grey.astype(np.float32), grey.T.astype(np.float32)):
        steps = np.abs(np.diff(way, axis=1)).mean(axis=0)
        whole = len(steps) // 8 * 8
        phases = np.sort(steps[:whole].reshape(-1, 8).mean(axis=0))
        ratios.append((phases[-1] + 0.5) / (phases[:-1].mean() + 0.5))
    return _log(float(np.mean(ratios)))


def _eyes_like_eyes(grey: FloatArray, mesh: FaceMesh) -> float:
    """Return how alike the eyes are to eyes drawn where the landmarks are, -1..1."""
    eyes = (
        (LEFT_EYE, LEFT_BROW, LEFT_IRIS),
        (RIGHT_EYE, RIGHT_BROW, RIGHT_IRIS),
    )
    return float(np.mean([_eye_like_eye(grey, mesh, *eye) for eye in eyes]))


def _eye_like_eye(
    grey: FloatArray,
    mesh: FaceMesh,
    eye: tuple[int, ...],
    brow: tuple[int, ...],
    iris: slice,
) -> float:
    lids, arch, round_ = (_canonical(mesh, one) for one in (eye, brow, iris))
    drawn = np.zeros_like(grey)
    radius = max(float(np.linalg.norm(round_[1:] - round_[0], axis=1).mean()), 1.0)
    cv2.fillPoly(drawn, [lids.round().astype(np.int32)], 0.3)
    cv2.fillPoly(drawn, [arch.round().astype(np.int32)], -0.6)
    inside = np.zeros_like(drawn)
    cv2.fillPoly(inside, [lids.round().astype(np.int32)], 1.0)
    middle = (round(float(round_[0, 0])), round(float(round_[0, 1])))
    disc = np.zeros_like(drawn)
    cv2.circle(disc, middle, round(radius), 1.0, -1)
    drawn[(disc > 0) & (inside > 0)] = -1.0
    upper = np.concatenate([lids[:1], lids[:7:-1], lids[8:9]]).round().astype(np.int32)
    cv2.polylines(drawn, [upper], False, -0.8, 2)
    drawn = cv2.GaussianBlur(drawn, (0, 0), 1.5)
    spots = np.concatenate([lids, arch])
    low = (spots.min(axis=0) - 4).clip(_SLACK_PX, _CANONICAL_PX - 24).astype(int)
    high = (spots.max(axis=0) + 5).clip(low + 8, _CANONICAL_PX - _SLACK_PX).astype(int)
    return _best_match(_flat(grey), _flat(drawn), low, high)


def _flat(picture: FloatArray) -> FloatArray:
    """Take away what changes slowly: light from one side, the shadow of hair."""
    flat: FloatArray = picture - cv2.GaussianBlur(picture, (0, 0), 10)
    return flat


def _best_match(
    picture: FloatArray,
    drawn: FloatArray,
    low: npt.NDArray[np.int64],
    high: npt.NDArray[np.int64],
) -> float:
    """Correlate a drawn window with the picture, with a little play, -1..1."""
    pattern = drawn[low[1] : high[1], low[0] : high[0]]
    place = picture[
        low[1] - _SLACK_PX : high[1] + _SLACK_PX,
        low[0] - _SLACK_PX : high[0] + _SLACK_PX,
    ]
    if pattern.std() < 1e-6 or place.std() < 1e-6:
        return 0.0
    match = cv2.matchTemplate(place, pattern, cv2.TM_CCOEFF_NORMED)
    return float(np.nan_to_num(match).max().clip(-1.0, 1.0))
