"""Set the joints of a well-formed hand: what it is doing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import pi, radians

import numpy as np

from workshop.hands.anatomy import FINGERS, Digit, Prop, Vec3
from workshop.hands.skeleton import Floats, as_vec, chain_of

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


def _bent(
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


def _thumbed(digits: Digits, thumb: Thumb, rng: np.random.Generator) -> Digits:
    """Set the thumb, with a few degrees of play."""
    splay, lift, roll, knuckle, tip = (
        radians(a + rng.normal(0, 4))
        for a in (thumb.splay, thumb.lift, thumb.roll, thumb.knuckle, thumb.tip)
    )
    set_thumb = replace(
        digits[0], splay=splay, lift=lift, roll=roll, flex=(0.0, knuckle, tip)
    )
    return (set_thumb, *digits[1:])


def _alike(
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


def _flat(rng: np.random.Generator, digits: Digits, spread: float) -> Digits:
    digits = _bent(digits, _alike(rng, rng.uniform(-6, 10), 6.0, 4.0), spread)
    return _thumbed(digits, OUT if spread > 0.9 else EASY, rng)


def _either_side(rng: np.random.Generator) -> float:
    """Show palm or back, not quite straight on."""
    return float(rng.choice([0.0, pi]) + rng.normal(0, 0.38))


def _posed(
    rng: np.random.Generator,
    digits: Digits,
    yaw: float,
    pitch: float,
    props: tuple[Prop, ...] = (),
) -> Posed:
    flex, lean = radians(rng.normal(-6, 12)), radians(rng.normal(0, 9))
    return Posed(digits, props, float(flex), float(lean), yaw, pitch)


def _open(rng: np.random.Generator, digits: Digits) -> Posed:
    done = _flat(rng, digits, rng.uniform(0.5, 1.1))
    return _posed(rng, done, _either_side(rng), rng.normal(0, 0.25))


def _spread(rng: np.random.Generator, digits: Digits) -> Posed:
    done = _flat(rng, digits, rng.uniform(1.4, 2.3))
    return _posed(rng, done, _either_side(rng), rng.normal(0, 0.22))


def _together(rng: np.random.Generator, digits: Digits) -> Posed:
    done = _bent(digits, _alike(rng, rng.uniform(-2, 14), 8.0, 2.0), 0.0)
    done = _thumbed(done, ALONG, rng)
    return _posed(rng, done, _either_side(rng), rng.normal(0, 0.25))


def _relaxed(rng: np.random.Generator, digits: Digits) -> Posed:
    bends = _alike(rng, rng.uniform(12, 35), rng.uniform(20, 45), 5.0)
    done = _thumbed(_bent(digits, bends, rng.uniform(0.3, 1.0)), EASY, rng)
    return _posed(rng, done, _either_side(rng), rng.normal(0, 0.35))


def _natural(rng: np.random.Generator, digits: Digits) -> Posed:
    drift = rng.normal(0, 8)
    bends = {}
    for number, name in enumerate(FINGERS):
        bends[name] = (
            rng.uniform(2, 40) + drift * (number - 1.5) * 0.6,
            rng.uniform(8, 65) + drift * (number - 1.5) * 0.6,
        )
    thumb = (OUT, EASY, ALONG, OPPOSED)[rng.integers(4)]
    done = _thumbed(_bent(digits, bends, rng.uniform(0.4, 1.5)), thumb, rng)
    yaw = float(_either_side(rng) + rng.normal(0, 0.4))
    return _posed(rng, done, yaw, rng.normal(0, 0.45))


def _curl(rng: np.random.Generator, digits: Digits) -> Posed:
    bends = _alike(rng, rng.uniform(35, 65), rng.uniform(50, 85), 6.0)
    done = _thumbed(_bent(digits, bends, 0.4), OPPOSED, rng)
    return _posed(rng, done, _either_side(rng), rng.normal(0, 0.4))


def _over_fist(rng: np.random.Generator, digits: Digits) -> Digits:
    """Lay the thumb over the middle bones of index and middle finger."""
    index, middle = chain_of(digits[1]), chain_of(digits[2])
    lean = rng.uniform(0.2, 0.6)
    where = (1 - lean) * index.joints[1:3].mean(0) + lean * middle.joints[1:3].mean(0)
    away = -index.frames[1][:, 2]
    goal = where + away * (index.radii[1] + digits[0].radii[3] * 0.85)
    return (reach_for(_thumbed(digits, OPPOSED, rng)[0], goal, rng), *digits[1:])


def _fist(rng: np.random.Generator, digits: Digits) -> Posed:
    done = _bent(digits, _alike(rng, rng.uniform(78, 90), 98.0, 3.0), 0.0)
    done = _over_fist(rng, done)
    yaw = float(rng.choice([0.0, pi, pi / 2, -pi / 2]) + rng.normal(0, 0.4))
    return _posed(rng, done, yaw, rng.normal(0, 0.4))


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
    return _bent(digits, bends, rng.uniform(0.8, 2.0))


def _pointing(rng: np.random.Generator, digits: Digits) -> Posed:
    done = _some_straight(rng, digits, {"index"})
    if rng.random() < 0.5:
        middle = chain_of(done[2])
        goal = middle.joints[1:3].mean(0) - middle.frames[1][:, 2] * 1.6
        done = (reach_for(_thumbed(done, OPPOSED, rng)[0], goal, rng), *done[1:])
    else:
        done = _thumbed(done, (UP, EASY)[rng.integers(2)], rng)
    yaw = float(rng.choice([0.0, pi, pi / 2, -pi / 2]) + rng.normal(0, 0.35))
    return _posed(rng, done, yaw, rng.normal(0, 0.35))


def _thumbs_up(rng: np.random.Generator, digits: Digits) -> Posed:
    done = _bent(digits, _alike(rng, 78.0, 98.0, 3.0), 0.0)
    done = _thumbed(done, UP, rng)
    yaw = float(rng.choice([0.0, 0.6, pi / 2, pi, -0.6]) + rng.normal(0, 0.3))
    return _posed(rng, done, yaw, rng.normal(0, 0.3))


def _pinch(rng: np.random.Generator, digits: Digits) -> Posed:
    open_others = rng.random() < 0.6
    bends = {"index": (rng.normal(48, 4), rng.normal(58, 5))}
    for number, name in enumerate(FINGERS[1:]):
        base = 10.0 if open_others else 45.0
        bends[name] = (base + rng.normal(6 * number, 5), base + rng.uniform(8, 22))
    done = _bent(digits, bends, rng.uniform(0.5, 1.4))
    index = chain_of(done[1])
    goal = index.joints[3] + index.frames[2][:, 2] * (
        index.radii[3] + done[0].radii[3] * 0.8
    )
    done = (reach_for(_thumbed(done, OPPOSED, rng)[0], goal, rng), *done[1:])
    yaw = float(rng.choice([0.0, pi, -pi / 2, pi / 2, pi / 2]) + rng.normal(0, 0.4))
    return _posed(rng, done, yaw, rng.normal(0, 0.3))


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
        done = (reach_for(_thumbed(done, OPPOSED, rng)[0], goal, rng), *done[1:])
    else:
        done = _thumbed(done, (OUT, UP)[rng.integers(2)], rng)
    yaw = float(rng.choice([0.0, 0.0, pi]) + rng.normal(0, 0.35))
    return _posed(rng, done, yaw, rng.normal(0, 0.2))


def _side_on(rng: np.random.Generator, digits: Digits) -> Posed:
    posed = (_natural, _relaxed, _together, _curl)[rng.integers(4)](rng, digits)
    yaw = float(rng.choice([pi / 2, -pi / 2]) + rng.normal(0, 0.3))
    return replace(posed, yaw=yaw, pitch=float(rng.normal(0, 0.3)))


def _hanging(rng: np.random.Generator, digits: Digits) -> Posed:
    bends = _alike(rng, rng.uniform(15, 40), rng.uniform(25, 55), 7.0)
    done = _thumbed(_bent(digits, bends, 0.3), ALONG, rng)
    posed = _posed(rng, done, float(rng.uniform(pi * 0.5, pi * 1.5)), 0.0)
    return replace(posed, pitch=float(rng.normal(0, 0.2)))


def _foreshortened(rng: np.random.Generator, digits: Digits) -> Posed:
    posed = (_open, _relaxed, _natural, _spread)[rng.integers(4)](rng, digits)
    tip = float(rng.choice([-1.0, 1.0]) * rng.uniform(0.6, 1.05))
    return replace(posed, pitch=tip)


def _wrapped(digit: Digit, centre: Floats, axis: Floats, radius: float) -> Digit:
    """Close a finger round a rod: each joint bends until its bone touches."""
    flex = [0.0, 0.0, 0.0]
    limits = (85.0, 100.0, 70.0)
    for joint in range(3):
        for angle in np.radians(np.arange(0.0, limits[joint] + 1, 5.0)):
            trial = list(flex)
            trial[joint] = float(angle)
            chain = chain_of(replace(digit, flex=(trial[0], trial[1], trial[2])))
            start, end = chain.starts[joint], chain.joints[joint + 1]
            along = start + (end - start) * np.linspace(0.3, 1.0, 5)[:, None] - centre
            across = along - (along @ axis)[:, None] * axis
            reach = np.linalg.norm(across, axis=1).min() - radius
            if reach < digit.radii[joint + 1] * 0.85:
                break
            flex[joint] = float(angle)
    return replace(digit, flex=(flex[0], flex[1], flex[2]))


def _holding(rng: np.random.Generator, digits: Digits) -> Posed:
    radius = float(rng.uniform(0.5, 3.2))
    tilt = float(rng.normal(0.12, 0.15))
    axis = np.array([np.cos(tilt), np.sin(tilt), 0.0])
    centre = np.array([0.0, 7.3 + 0.35 * radius, 1.35 + radius])
    done = _bent(digits, _alike(rng, 0.0, 0.0, 0.1), 0.5)
    done = (done[0], *(_wrapped(d, centre, axis, radius) for d in done[1:]))
    goal = centre + axis * 2.2 + np.array([0, -0.2, 1.0]) * (radius + 0.8)
    done = (reach_for(_thumbed(done, OPPOSED, rng)[0], goal, rng), *done[1:])
    half = float(rng.uniform(6, 16))
    along = axis * float(rng.uniform(-0.35, 0.35)) * half
    prop = Prop("rod", as_vec(centre + along), as_vec(axis), (radius, half, 0.0))
    yaw = float(rng.choice([0.0, pi, pi / 2, -pi / 2]) + rng.normal(0, 0.45))
    return _posed(rng, done, yaw, rng.normal(0, 0.35), (prop,))


def _cupping(rng: np.random.Generator, digits: Digits) -> Posed:
    radius = float(rng.uniform(2.2, 4.2))
    centre = np.array([0.3, 7.4, 1.2 + radius])
    done = _bent(digits, _alike(rng, 0.0, 0.0, 0.1), 1.6)
    fingers = []
    for digit in done[1:]:
        across = np.cross(
            [0.0, 0.0, 1.0], [np.sin(digit.splay), np.cos(digit.splay), 0]
        )
        fingers.append(_wrapped(digit, centre, across, radius * 0.97))
    goal = centre + np.array([0.75, -0.1, 0.5]) * (radius + 0.75)
    thumb = reach_for(_thumbed(done, OPPOSED, rng)[0], goal, rng)
    ball = Prop("ball", as_vec(centre), (0.0, 1.0, 0.0), (radius, 0.0, 0.0))
    yaw = float(rng.choice([0.0, pi, pi / 2, -pi / 2]) + rng.normal(0, 0.45))
    return _posed(rng, (thumb, *fingers), yaw, rng.normal(0, 0.35), (ball,))


def _behind(rng: np.random.Generator, digits: Digits) -> Posed:
    """Hold a flat thing whose edge hides a part of the palm, seen from its front."""
    bends = _alike(rng, rng.uniform(20, 35), rng.uniform(8, 20), 3.0)
    done = _thumbed(_bent(digits, bends, 0.8), Thumb(34, 48, 80, 10, 12), rng)
    size: Vec3 = (float(rng.uniform(3.2, 6)), float(rng.uniform(5, 9)), 0.4)
    centre = (float(rng.normal(-1.2, 0.6)), float(rng.uniform(5.0, 8.0)), 2.1)
    box = Prop("box", centre, (0.0, 1.0, 0.0), size)
    yaw = float(rng.choice([0.0, pi]) + rng.normal(0, 0.4))
    return _posed(rng, done, yaw, rng.normal(0, 0.25), (box,))


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
    "holding": _holding,
    "cupping": _cupping,
    "carrying": _behind,
}
"""Every pose by name. `back` and `palm` are not poses: each pose is seen from both."""
