"""A five-digit skeleton for a hand that may have lost, gained or mixed up its own.

The landmarks of a flawed hand tell where its palm is and, mostly, how its digits are
held. Digits that are plausible stay as they are, so that the repaired hand keeps its
pose; those that are missing, collapsed or lie on a neighbour are made anew from the
neighbours' pose and the proportions of hands.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
"""(N, 2) float64, x and y in pixels of anything."""

DIGITS = ("thumb", "index", "middle", "ring", "little")
ROOTS = (1, 5, 9, 13, 17)
"""First landmark of each digit; three more follow it."""

PALM = (0, 5, 9, 13, 17)
"""The wrist and the knuckles of the fingers."""

ROOTS_CM = np.array(
    [[2.0, 1.7], [2.62, 8.35], [0.72, 8.6], [-1.14, 8.1], [-2.82, 7.25]]
)
"""Where digits leave the palm: wrist at 0, x to the thumb's side, y to the fingers. Set
by eye so that breadth and length agree with Buryanov and Kotiuk and with Greiner,
"Hand anthropometry of US Army personnel", 1991."""

BONES_CM = np.array(
    [
        [4.62, 3.16, 2.53],
        [3.98, 2.24, 1.96],
        [4.46, 2.63, 2.14],
        [4.14, 2.57, 2.12],
        [3.27, 1.81, 1.97],
    ]
)
"""Mean bone lengths of adults: Buryanov and Kotiuk, "Proportions of hand segments",
Int. J. Morphol. 28(3):755-758, 2010."""

SPLAY = np.deg2rad([48.0, 8.0, 0.0, -7.0, -15.0])
"""Turn of each digit of a hand at rest, positive to the thumb's side; set by eye."""

THUMB_SEEN = 0.82
"""Share of its length that a thumb at rest shows: it stands 35 degrees out of the palm,
so this is the cosine of that."""

TOO_LONG = 1.4
"""Times the length expected from the palm; a digit cannot look longer than it is, but
hands differ, and landmarks are off by some per cent of the palm."""

TOO_SHORT = 0.25
"""A digit that seems shorter is missing rather than turned to the viewer."""

TOO_NEAR = 0.35
"""Digits nearer to each other, in distances of their knuckles, are one digit."""

OFF_PALM = 0.35
"""A knuckle farther from where the palm has it, in palm lengths, is not trusted."""


@dataclass(frozen=True, slots=True, eq=False)
class Skeleton:
    """A whole hand."""

    points: Points
    """(21, 2): wrist, then thumb to little finger from root to tip."""

    made: tuple[str, ...]
    """Digits that were made anew, such as "ring"."""


def five_digits(points: npt.ArrayLike) -> Skeleton:
    """Return a plausible hand with five digits.

    Args:
        points: (21, 2) landmarks in pixels of anything, in MediaPipe's order, which is
            OpenPose's too.

    Raises:
        ValueError: there are not 21 points, or they have no extent.
    """
    seen = np.array(points, dtype=np.float64)
    if seen.shape != (21, 2) or not np.isfinite(seen).all():
        raise ValueError(f"a hand has 21 finite points, got shape {seen.shape}")
    affine = _fitted_palm(seen)
    stretch = float(np.linalg.svd(affine[:, :2], compute_uv=False)[0])
    if stretch < 1e-6:
        raise ValueError("the palm has no extent")
    whole = _with_trusted_knuckles(seen, affine)
    chains = [whole[root : root + 4] for root in ROOTS]
    chains = [_shortened(c, d, stretch) for d, c in enumerate(chains)]
    sound = _sound(chains, stretch)
    made = [
        chain if sound[digit] else _made(digit, chains, sound, affine)
        for digit, chain in enumerate(chains)
    ]
    names = tuple(name for name, kept in zip(DIGITS, sound, strict=True) if not kept)
    return Skeleton(np.vstack([whole[:1], *made]), names)


def _fitted_palm(seen: Points) -> Points:
    """Return the (2, 3) map from centimetres of a flat palm to the picture."""
    flat = np.vstack([[0.0, 0.0], ROOTS_CM[1:]])
    known = np.hstack([flat, np.ones((len(flat), 1))])
    solved: Points = np.linalg.lstsq(known, seen[list(PALM)], rcond=None)[0].T
    return solved


def _mapped(affine: Points, flat: Points) -> Points:
    mapped: Points = flat @ affine[:, :2].T + affine[:, 2]
    return mapped


def _with_trusted_knuckles(seen: Points, affine: Points) -> Points:
    """Move digits whose knuckle is off the palm to where the palm has it."""
    whole = seen.copy()
    expected = _mapped(affine, ROOTS_CM)
    palm = float(np.linalg.norm(seen[9] - seen[0]))
    for root, place in zip(ROOTS, expected, strict=True):
        if np.linalg.norm(seen[root] - place) > OFF_PALM * palm:
            whole[root : root + 4] += place - seen[root]
    return whole


def _shortened(chain: Points, digit: int, stretch: float) -> Points:
    """Bring a digit that is too long to its length; its pose stays."""
    longest = float(BONES_CM[digit].sum()) * stretch
    length = _length(chain)
    if length <= TOO_LONG * longest:
        return chain
    shorter: Points = chain[0] + (chain - chain[0]) * (longest / length)
    return shorter


def _sound(chains: list[Points], stretch: float) -> list[bool]:
    """Tell which digits are there and are digits of their own."""
    sound = [
        _length(chain) >= TOO_SHORT * float(bones.sum()) * stretch
        for chain, bones in zip(chains, BONES_CM, strict=True)
    ]
    for digit in range(2, 5):
        before = digit - 1
        if not (sound[digit] and sound[before]):
            continue
        gaps = np.linalg.norm(chains[digit] - chains[before], axis=1)
        if gaps[1:].mean() < TOO_NEAR * gaps[0]:
            sound[_stray_of(before, digit, chains)] = False
    return sound


def _stray_of(before: int, digit: int, chains: list[Points]) -> int:
    """Of two digits in one place, return the one that leans over to the other."""
    knuckles = chains[digit][0] - chains[before][0]
    leans = [
        abs(float((chains[d][1:] - chains[d][0]).mean(axis=0) @ knuckles))
        for d in (before, digit)
    ]
    return before if leans[0] > leans[1] else digit


def _made(
    digit: int, chains: list[Points], sound: list[bool], affine: Points
) -> Points:
    """Make a digit at its knuckle, held like the nearest sound fingers."""
    root = chains[digit][0]
    flat = [_at_rest(each) for each in range(5)]
    shapes = []
    for other in _nearest_fingers(digit, sound):
        # What the other finger looks like here, over what it would look like at rest.
        mine = flat[digit] @ affine[:, :2].T
        theirs = flat[other] @ affine[:, :2].T
        held = chains[other] - chains[other][0]
        turn = _angle(mine[-1]) - _angle(theirs[-1])
        scale = BONES_CM[digit].sum() / BONES_CM[other].sum()
        shapes.append(held @ _turning(turn).T * scale)
    if not shapes:
        shapes.append(flat[digit] @ affine[:, :2].T)
    chain: Points = root + np.mean(shapes, axis=0)
    return chain


def _nearest_fingers(digit: int, sound: list[bool]) -> list[int]:
    """Return the nearest sound finger on each side; a thumb goes its own way."""
    if digit == 0:
        return []
    below = [d for d in range(digit - 1, 0, -1) if sound[d]]
    above = [d for d in range(digit + 1, 5) if sound[d]]
    return [*below[:1], *above[:1]]


def _at_rest(digit: int) -> Points:
    """Return a straight digit from its root, in centimetres of the flat palm."""
    along = np.concatenate([[0.0], np.cumsum(BONES_CM[digit])])
    direction = np.array([np.sin(SPLAY[digit]), np.cos(SPLAY[digit])])
    seen = THUMB_SEEN if digit == 0 else 1.0
    straight: Points = along[:, None] * direction * seen
    return straight


def _length(chain: Points) -> float:
    return float(np.linalg.norm(np.diff(chain, axis=0), axis=1).sum())


def _angle(vector: Points) -> float:
    return float(np.arctan2(vector[1], vector[0]))


def _turning(angle: float) -> Points:
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine], [sine, cosine]])
