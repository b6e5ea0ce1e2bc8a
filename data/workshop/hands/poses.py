"""Set the joints of a well-formed hand: what it is doing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import pi

import numpy as np

from workshop.hands.anatomy import FINGERS
from workshop.hands.grasps import behind, cupping, holding
from workshop.hands.posing import (
    ALONG,
    EASY,
    OPPOSED,
    OUT,
    UP,
    Digits,
    Posed,
    alike,
    bent,
    posed,
    reach_for,
    thumbed,
)
from workshop.hands.skeleton import chain_of


def _flat(rng: np.random.Generator, digits: Digits, spread: float) -> Digits:
    digits = bent(digits, alike(rng, rng.uniform(-6, 10), 6.0, 4.0), spread)
    return thumbed(digits, OUT if spread > 0.9 else EASY, rng)


def _either_side(rng: np.random.Generator) -> float:
    """Show palm or back, not quite straight on."""
    return float(rng.choice([0.0, pi]) + rng.normal(0, 0.38))


def _open(rng: np.random.Generator, digits: Digits) -> Posed:
    done = _flat(rng, digits, rng.uniform(0.5, 1.1))
    return posed(rng, done, _either_side(rng), rng.normal(0, 0.25))


def _spread(rng: np.random.Generator, digits: Digits) -> Posed:
    done = _flat(rng, digits, rng.uniform(1.4, 2.3))
    return posed(rng, done, _either_side(rng), rng.normal(0, 0.22))


def _together(rng: np.random.Generator, digits: Digits) -> Posed:
    done = bent(digits, alike(rng, rng.uniform(-2, 14), 8.0, 2.0), 0.0)
    done = thumbed(done, ALONG, rng)
    return posed(rng, done, _either_side(rng), rng.normal(0, 0.25))


def _relaxed(rng: np.random.Generator, digits: Digits) -> Posed:
    bends = alike(rng, rng.uniform(12, 35), rng.uniform(20, 45), 5.0)
    done = thumbed(bent(digits, bends, rng.uniform(0.3, 1.0)), EASY, rng)
    return posed(rng, done, _either_side(rng), rng.normal(0, 0.35))


def _natural(rng: np.random.Generator, digits: Digits) -> Posed:
    drift = rng.normal(0, 8)
    bends = {}
    for number, name in enumerate(FINGERS):
        bends[name] = (
            rng.uniform(2, 40) + drift * (number - 1.5) * 0.6,
            rng.uniform(8, 65) + drift * (number - 1.5) * 0.6,
        )
    thumb = (OUT, EASY, ALONG, OPPOSED)[rng.integers(4)]
    done = thumbed(bent(digits, bends, rng.uniform(0.4, 1.5)), thumb, rng)
    yaw = float(_either_side(rng) + rng.normal(0, 0.4))
    return posed(rng, done, yaw, rng.normal(0, 0.45))


def _curl(rng: np.random.Generator, digits: Digits) -> Posed:
    bends = alike(rng, rng.uniform(35, 65), rng.uniform(50, 85), 6.0)
    done = thumbed(bent(digits, bends, 0.4), OPPOSED, rng)
    return posed(rng, done, _either_side(rng), rng.normal(0, 0.4))


def _over_fist(rng: np.random.Generator, digits: Digits) -> Digits:
    """Lay the thumb over the middle bones of index and middle finger."""
    index, middle = chain_of(digits[1]), chain_of(digits[2])
    lean = rng.uniform(0.2, 0.6)
    where = (1 - lean) * index.joints[1:3].mean(0) + lean * middle.joints[1:3].mean(0)
    away = -index.frames[1][:, 2]
    goal = where + away * (index.radii[1] + digits[0].radii[3] * 0.85)
    return (reach_for(thumbed(digits, OPPOSED, rng)[0], goal, rng), *digits[1:])


def _fist(rng: np.random.Generator, digits: Digits) -> Posed:
    done = bent(digits, alike(rng, rng.uniform(78, 90), 98.0, 3.0), 0.0)
    done = _over_fist(rng, done)
    yaw = float(rng.choice([0.0, pi, pi / 2, -pi / 2]) + rng.normal(0, 0.4))
    return posed(rng, done, yaw, rng.normal(0, 0.4))


def _some_straight(
    rng: np.random.Generator, digits: Digits, straight: set[str]
) -> Digits:
    """Stretch the named fingers and fold the others into the palm."""
    bends = {
        name: (rng.normal(2, 5), max(rng.normal(6, 4), 0.0))
        if name in straight
        else (rng.normal(76, 6), rng.normal(96, 5))
        for name in FINGERS
    }
    return bent(digits, bends, rng.uniform(0.8, 2.0))


def _pointing(rng: np.random.Generator, digits: Digits) -> Posed:
    done = _some_straight(rng, digits, {"index"})
    if rng.random() < 0.5:
        middle = chain_of(done[2])
        goal = middle.joints[1:3].mean(0) - middle.frames[1][:, 2] * 1.6
        done = (reach_for(thumbed(done, OPPOSED, rng)[0], goal, rng), *done[1:])
    else:
        done = thumbed(done, (UP, EASY)[rng.integers(2)], rng)
    yaw = float(rng.choice([0.0, pi, pi / 2, -pi / 2]) + rng.normal(0, 0.35))
    return posed(rng, done, yaw, rng.normal(0, 0.35))


def _thumbs_up(rng: np.random.Generator, digits: Digits) -> Posed:
    done = bent(digits, alike(rng, 78.0, 98.0, 3.0), 0.0)
    done = thumbed(done, UP, rng)
    yaw = float(rng.choice([0.0, 0.6, pi / 2, pi, -0.6]) + rng.normal(0, 0.3))
    return posed(rng, done, yaw, rng.normal(0, 0.3))


def _pinch(rng: np.random.Generator, digits: Digits) -> Posed:
    open_others = rng.random() < 0.6
    bends = {"index": (rng.normal(48, 4), rng.normal(58, 5))}
    for number, name in enumerate(FINGERS[1:]):
        base = 10.0 if open_others else 45.0
        bends[name] = (base + rng.normal(6 * number, 5), base + rng.uniform(8, 22))
    done = bent(digits, bends, rng.uniform(0.5, 1.4))
    index = chain_of(done[1])
    goal = index.joints[3] + index.frames[2][:, 2] * (
        index.radii[3] + done[0].radii[3] * 0.8
    )
    done = (reach_for(thumbed(done, OPPOSED, rng)[0], goal, rng), *done[1:])
    yaw = float(rng.choice([0.0, pi, -pi / 2, pi / 2, pi / 2]) + rng.normal(0, 0.4))
    return posed(rng, done, yaw, rng.normal(0, 0.3))


def _counting(rng: np.random.Generator, digits: Digits) -> Posed:
    choices: tuple[set[str], ...] = (
        {"index", "middle"},
        {"index", "middle", "ring"},
        {"index", "little"},
        {"index", "middle", "ring", "little"},
        {"middle", "ring", "little"},
        {"little"},
    )
    shown = choices[rng.choice(6, p=[0.34, 0.2, 0.1, 0.16, 0.1, 0.1])]
    done = _some_straight(rng, digits, shown)
    if "index" in shown and rng.random() < 0.75:
        nearest = done[3] if "ring" not in shown else done[4]
        ring = chain_of(nearest)
        goal = ring.joints[1:3].mean(0) - ring.frames[1][:, 2] * 1.6
        if len(shown) > 3:
            goal = np.array([-1.0, 6.5, 1.9])
        done = (reach_for(thumbed(done, OPPOSED, rng)[0], goal, rng), *done[1:])
    else:
        done = thumbed(done, (OUT, UP)[rng.integers(2)], rng)
    yaw = float(rng.choice([0.0, 0.0, pi]) + rng.normal(0, 0.35))
    return posed(rng, done, yaw, rng.normal(0, 0.2))


def _side_on(rng: np.random.Generator, digits: Digits) -> Posed:
    chosen = (_natural, _relaxed, _together, _curl)[rng.integers(4)](rng, digits)
    yaw = float(rng.choice([pi / 2, -pi / 2]) + rng.normal(0, 0.3))
    return replace(chosen, yaw=yaw, pitch=float(rng.normal(0, 0.3)))


def _hanging(rng: np.random.Generator, digits: Digits) -> Posed:
    bends = alike(rng, rng.uniform(15, 40), rng.uniform(25, 55), 7.0)
    done = thumbed(bent(digits, bends, 0.3), ALONG, rng)
    hung = posed(rng, done, float(rng.uniform(pi * 0.5, pi * 1.5)), 0.0)
    return replace(hung, pitch=float(rng.normal(0, 0.2)))


def _foreshortened(rng: np.random.Generator, digits: Digits) -> Posed:
    chosen = (_open, _relaxed, _natural, _spread)[rng.integers(4)](rng, digits)
    tip = float(rng.choice([-1.0, 1.0]) * rng.uniform(0.6, 1.05))
    return replace(chosen, pitch=tip)


POSES: dict[str, Callable[[np.random.Generator, Digits], Posed]] = {
    "open": _open,
    "spread": _spread,
    "together": _together,
    "relaxed": _relaxed,
    "natural": _natural,
    "curl": _curl,
    "fist": _fist,
    "pointing": _pointing,
    "thumbs_up": _thumbs_up,
    "pinch": _pinch,
    "counting": _counting,
    "side": _side_on,
    "hanging": _hanging,
    "foreshortened": _foreshortened,
    "holding": holding,
    "cupping": cupping,
    "carrying": behind,
}
"""Every pose by name. `back` and `palm` are not poses: each pose is seen from both."""
