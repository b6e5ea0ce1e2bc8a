"""Bend fingers and thumb: what every pose is made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import radians

import numpy as np

from workshop.hands.anatomy import FINGERS, Digit, Prop
from workshop.hands.skeleton import Floats, chain_of

Digits = tuple[Digit, ...]


# Rest angles between the fingers of a hand laid flat, degrees; by eye.
REST_SPLAY = {"index": 5.0, "middle": 0.5, "ring": -4.0, "little": -9.0}


@dataclass(frozen=True, slots=True)
class Posed:
    """A hand in a pose, and where it may be looked at from."""

    digits: Digits
    props: tuple[Prop, ...]
    wrist_flex: float
    wrist_lean: float
    yaw: float
    pitch: float


@dataclass(frozen=True, slots=True)
class Thumb:
    """The thumb's angles in degrees."""

    splay: float
    lift: float
    roll: float
    knuckle: float
    tip: float


OUT = Thumb(48, 18, 50, 6, 4)


ALONG = Thumb(16, 16, 50, 8, 12)


EASY = Thumb(34, 32, 62, 14, 18)


OPPOSED = Thumb(26, 52, 88, 22, 28)


UP = Thumb(58, 2, 45, -4, -12)


def bent(
    digits: Digits, bends: dict[str, tuple[float, float]], spread: float
) -> Digits:
    """Bend fingers by (knuckle, middle joint) degrees.

    The last joint follows the middle one by two thirds, as its tendon makes it do
    (Rijpkema and Girard, SIGGRAPH 1991); bending a knuckle takes away its spread.
    """
    done = []
    for digit in digits:
        if digit.is_thumb:
            done.append(digit)
            continue
        knuckle, middle = bends[digit.name]
        lean = REST_SPLAY[digit.name] * spread * max(np.cos(radians(knuckle)), 0.15)
        toward = {"index": -2.0, "middle": 0.0, "ring": 4.0, "little": 9.0}
        lean += toward[digit.name] * np.sin(radians(max(knuckle, 0.0)))
        roll = {"index": -4.0, "middle": 0.0, "ring": 4.0, "little": 9.0}[digit.name]
        done.append(
            replace(
                digit,
                splay=radians(lean),
                roll=-radians(roll),
                flex=(radians(knuckle), radians(middle), radians(middle * 0.66)),
            )
        )
    return tuple(done)


def thumbed(digits: Digits, thumb: Thumb, rng: np.random.Generator) -> Digits:
    """Set the thumb, with a few degrees of play."""
    splay, lift, roll, knuckle, tip = (
        radians(a + rng.normal(0, 4))
        for a in (thumb.splay, thumb.lift, thumb.roll, thumb.knuckle, thumb.tip)
    )
    set_thumb = replace(
        digits[0], splay=splay, lift=lift, roll=roll, flex=(0.0, knuckle, tip)
    )
    return (set_thumb, *digits[1:])


def alike(
    rng: np.random.Generator, knuckle: float, middle: float, play: float
) -> dict[str, tuple[float, float]]:
    """Give every finger nearly the same bend; the little finger bends a bit more."""
    return {
        name: (
            knuckle + rng.normal(0, play) + 1.5 * number,
            max(middle + rng.normal(0, play) + 1.5 * number, 0.0),
        )
        for number, name in enumerate(FINGERS)
    }


def reach_for(thumb: Digit, goal: Floats, rng: np.random.Generator) -> Digit:
    """Turn the thumb's joints so that its tip comes to a point, by random descent.

    Args:
        thumb: The digit to start from.
        goal: (3,) cm, hand frame.
        rng: Source of the trial steps.
    """
    low = np.radians([0.0, 5.0, 35.0, -5.0, -10.0])
    high = np.radians([60.0, 75.0, 115.0, 60.0, 75.0])

    def build(a: Floats) -> Digit:
        return replace(
            thumb,
            splay=float(a[0]),
            lift=float(a[1]),
            roll=float(a[2]),
            flex=(0.0, float(a[3]), float(a[4])),
        )

    best = np.array([thumb.splay, thumb.lift, thumb.roll, *thumb.flex[1:]])
    best = np.clip(best, low, high)
    start = best.copy()
    least = float(np.inf)
    step = 0.25
    for trial in range(140):
        tried = best if trial == 0 else best + rng.normal(0, step, 5)
        tried = np.clip(tried, low, high)
        miss = float(np.linalg.norm(chain_of(build(tried)).joints[3] - goal))
        miss += 0.15 * float(np.linalg.norm(tried - start))
        if miss < least:
            best, least = tried, miss
        else:
            step *= 0.985
    return build(best)


def posed(
    rng: np.random.Generator,
    digits: Digits,
    yaw: float,
    pitch: float,
    props: tuple[Prop, ...] = (),
) -> Posed:
    """Complete a pose with a wrist that is a little bent."""
    flex, lean = radians(rng.normal(-6, 12)), radians(rng.normal(0, 9))
    return Posed(digits, props, float(flex), float(lean), yaw, pitch)
