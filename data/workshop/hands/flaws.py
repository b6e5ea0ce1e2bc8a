"""Spoil a well-formed hand in one of the ways that picture generators do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import radians

import numpy as np

from workshop.hands.anatomy import Blob, Digit, HandSpec, Vec3, scaled
from workshop.hands.skeleton import as_vec, chain_of, chains_of

Flaw = Callable[[np.random.Generator, HandSpec], HandSpec]


def _fingers(spec: HandSpec) -> list[int]:
    return [i for i, digit in enumerate(spec.digits) if not digit.is_thumb]


def _pick(rng: np.random.Generator, spec: HandSpec) -> int:
    """Choose a finger, the outer ones a little more rarely."""
    numbers = _fingers(spec)
    return int(rng.choice(numbers))


def _with(spec: HandSpec, number: int, digit: Digit) -> HandSpec:
    digits = list(spec.digits)
    digits[number] = replace(digit, wrong=True)
    return replace(spec, digits=tuple(digits))


def _mixed(first: Vec3, second: Vec3, share: float) -> Vec3:
    a, b = np.array(first), np.array(second)
    return as_vec(a * (1 - share) + b * share)


def _moved(digit: Digit, across: float) -> Digit:
    x, y, z = digit.root
    return replace(digit, root=(x + across, y, z))


def _inserted(rng: np.random.Generator, spec: HandSpec) -> HandSpec:
    """Squeeze one more finger between two neighbours."""
    digits = list(spec.digits)
    at = int(rng.choice(_fingers(spec)[:-1]))
    one, other = digits[at], digits[at + 1]
    share = float(rng.uniform(0.3, 0.7))
    new = replace(
        one,
        name="extra",
        root=_mixed(one.root, other.root, 0.5),
        lengths=_mixed(one.lengths, other.lengths, share),
        splay=0.5 * (one.splay + other.splay) + float(rng.normal(0, 0.03)),
        roll=0.5 * (one.roll + other.roll),
        flex=as_vec(
            np.array(_mixed(one.flex, other.flex, share)) + rng.normal(0, 0.06, 3)
        ),
        wrong=True,
    )
    room = float(rng.uniform(0.42, 0.62))
    slim = float(rng.uniform(0.84, 0.93))
    digits[at] = scaled(_moved(one, room), slim)
    digits[at + 1] = scaled(_moved(other, -room), slim)
    digits.insert(at + 1, scaled(new, slim))
    return replace(spec, digits=tuple(digits))


def _added_outside(rng: np.random.Generator, spec: HandSpec) -> HandSpec:
    """Add a finger beyond the little finger, or between index finger and thumb."""
    digits = list(spec.digits)
    fingers = _fingers(spec)
    if rng.random() < 0.65:
        model, inner = digits[fingers[-1]], digits[fingers[-2]]
        step = np.array(model.root) - np.array(inner.root)
        root = np.array(model.root) + step * np.array([0.85, 1.1, 1.0])
        place = len(digits)
    else:
        model, inner = digits[fingers[0]], digits[fingers[1]]
        step = np.array(model.root) - np.array(inner.root)
        root = np.array(model.root) + np.array([step[0] * 0.75, -0.9, 0.3])
        place = fingers[0]
    lean = model.splay + (model.splay - inner.splay) * float(rng.uniform(0.8, 1.4))
    flex = as_vec(np.array(model.flex) + rng.normal(0, 0.1, 3))
    new = replace(model, name="extra", root=as_vec(root), splay=lean, flex=flex)
    digits.insert(place, replace(scaled(new, 0.95), wrong=True))
    return replace(spec, digits=tuple(digits))


def _doubled(rng: np.random.Generator, spec: HandSpec) -> HandSpec:
    """Let a second finger leave the knuckle of a first."""
    at = _pick(rng, spec)
    model = spec.digits[at]
    turn = float(rng.choice([-1, 1]) * rng.uniform(0.16, 0.3))
    bend = as_vec(np.array(model.flex) + rng.normal(0, 0.12, 3))
    x, y, z = model.root
    shift = 0.45 * float(np.sign(turn))
    one = replace(model, splay=model.splay - turn / 2, root=(x - shift, y, z))
    new = replace(
        model, name="extra", splay=model.splay + turn / 2, root=(x + shift, y, z)
    )
    digits = list(spec.digits)
    digits[at] = replace(scaled(one, 0.92), wrong=True)
    place = at if turn > 0 else at + 1
    digits.insert(place, replace(scaled(new, 0.92), flex=bend, wrong=True))
    return replace(spec, digits=tuple(digits))


def extra(rng: np.random.Generator, spec: HandSpec) -> HandSpec:
    """Draw six digits, sometimes seven."""
    for _ in range(1 if rng.random() < 0.78 else 2):
        ways = (_inserted, _added_outside, _doubled)
        spec = ways[rng.choice(3, p=[0.55, 0.25, 0.2])](rng, spec)
    return spec


def growth(rng: np.random.Generator, spec: HandSpec) -> HandSpec:
    """Let a digit grow out of the palm, the back or the wrist."""
    model = spec.digits[_pick(rng, spec)]
    place = rng.integers(3)
    side = float(rng.choice([-1.0, 1.0]))
    root: Vec3 = (float(rng.uniform(-2, 2)), float(rng.uniform(3, 6.5)), 0.6 * side)
    lift, splay = float(rng.uniform(0.5, 1.1)) * side, float(rng.uniform(-0.9, 0.9))
    if place == 0:
        root = (-3.0, float(rng.uniform(2.5, 5.5)), 0.3)
        lift, splay = float(rng.normal(0, 0.3)), -float(rng.uniform(0.5, 1.2))
    if place == 1:
        root = (2.0 * side, float(rng.uniform(-1.0, 0.5)), 0.2)
        lift, splay = float(rng.normal(0, 0.3)), side * float(rng.uniform(0.6, 1.3))
    new = replace(
        model,
        name="extra",
        root=root,
        splay=splay,
        lift=lift,
        grown_from="surface",
        wrong=True,
        flex=as_vec(np.array([0.0, 0.25, 0.15]) + rng.normal(0, 0.15, 3)),
    )
    return replace(spec, digits=(*spec.digits, new))


def missing(rng: np.random.Generator, spec: HandSpec) -> HandSpec:
    """Leave out one digit, sometimes two; mostly the others close the gap."""
    digits = list(spec.digits)
    for _ in range(1 if rng.random() < 0.82 else 2):
        fingers = [i for i, d in enumerate(digits) if not d.is_thumb]
        if rng.random() < 0.12 and digits[0].is_thumb:
            digits.pop(0)
            continue
        at = int(rng.choice(fingers))
        digits.pop(at)
        if rng.random() < 0.25 or at in (fingers[0], fingers[-1]):
            continue
        one, other = digits[at - 1], digits[at]
        room = (one.root[0] - other.root[0] - 2.0) / 2
        digits[at - 1] = scaled(_moved(one, -room), 1.06)
        digits[at] = scaled(_moved(other, room), 1.06)
    return replace(spec, digits=tuple(digits))


def fused(rng: np.random.Generator, spec: HandSpec) -> HandSpec:
    """Let two neighbouring fingers grow together."""
    at = int(rng.choice(_fingers(spec)[:-1]))
    one, other = spec.digits[at], spec.digits[at + 1]
    lean = 0.5 * (one.splay + other.splay)
    flex = _mixed(one.flex, other.flex, 0.5)
    near = 0.12
    spec = _with(
        spec,
        at,
        replace(
            _moved(one, -near), splay=lean - 0.01, flex=_mixed(one.flex, flex, 0.8)
        ),
    )
    spec = _with(
        spec,
        at + 1,
        replace(
            _moved(other, near), splay=lean + 0.01, flex=_mixed(other.flex, flex, 0.8)
        ),
    )
    return replace(spec, fused=((at, at + 1, float(rng.uniform(0.62, 1.0))),))


def fork(rng: np.random.Generator, spec: HandSpec) -> HandSpec:
    """Split a finger in two; each tip counts as a digit."""
    at = _pick(rng, spec)
    model = spec.digits[at]
    joint = int(rng.choice([0, 1], p=[0.6, 0.4]))
    chain = chain_of(model)
    turn = float(rng.choice([-1, 1]) * rng.uniform(0.3, 0.6))
    left, right = list(model.swerve), list(model.swerve)
    left[joint + 1] += turn / 2
    right[joint + 1] -= turn / 2
    thin = (model.radii[0], model.radii[1] * 0.97, model.radii[2], model.radii[3])
    one = replace(model, swerve=(left[0], left[1], left[2]), radii=thin)
    spec = _with(spec, at, one)
    new = replace(
        model,
        name="extra",
        swerve=(right[0], right[1], right[2]),
        radii=thin,
        grown_from="surface",
        wrong=True,
    )
    place = at + 1 if chain.joints.size else at
    digits = list(spec.digits)
    digits.insert(place, new)
    return replace(spec, digits=tuple(digits), fused=((at, place, (joint + 1) / 3),))


def two_thumbs(rng: np.random.Generator, spec: HandSpec) -> HandSpec:
    """Add a thumb on the little finger's side, or a second one beside the first."""
    thumb = spec.digits[0]
    if rng.random() < 0.6:
        x, y, z = thumb.root
        new = replace(
            thumb,
            name="thumb",
            root=(-x * 1.05, y + float(rng.uniform(0, 1.2)), z * 0.7),
            splay=-thumb.splay * float(rng.uniform(0.8, 1.1)),
            roll=-thumb.roll,
            wrong=True,
        )
        return replace(spec, digits=(*spec.digits, new))
    turn = float(rng.uniform(0.35, 0.65))
    x, y, z = thumb.root
    new = replace(thumb, root=(x, y + 0.9, z), splay=thumb.splay - turn, wrong=True)
    one = replace(thumb, splay=thumb.splay + 0.12, wrong=True)
    return replace(spec, digits=(scaled(one, 0.93), scaled(new, 0.9), *spec.digits[1:]))


def bend(rng: np.random.Generator, spec: HandSpec) -> HandSpec:
    """Bend one or two fingers backwards."""
    for _ in range(1 if rng.random() < 0.7 else 2):
        at = _pick(rng, spec)
        back = -float(rng.uniform(0.75, 1.45))
        if rng.random() < 0.7:
            flex: Vec3 = (float(rng.uniform(-0.2, 0.3)), back, back * 0.4)
        else:
            flex = (back, float(rng.uniform(-0.3, 0.4)), float(rng.uniform(-0.3, 0.3)))
        spec = _with(spec, at, replace(spec.digits[at], flex=flex))
    return spec


def side(rng: np.random.Generator, spec: HandSpec) -> HandSpec:
    """Bend one finger sideways at a joint that cannot."""
    at = _pick(rng, spec)
    turn = float(rng.choice([-1, 1]) * rng.uniform(0.6, 1.15))
    swerve = (0.0, turn, -turn * float(rng.uniform(-0.3, 0.6)))
    if rng.random() < 0.3:
        swerve = (0.0, turn * 0.3, turn)
    return _with(spec, at, replace(spec.digits[at], swerve=swerve))


def _stretched(spec: HandSpec, at: int, by: float) -> HandSpec:
    digit = spec.digits[at]
    first, second, third = (length * by for length in digit.lengths)
    floor = digit.radii[3] + 0.45
    return _with(spec, at, replace(digit, lengths=(first, second, max(third, floor))))


def short(rng: np.random.Generator, spec: HandSpec) -> HandSpec:
    """Stunt one finger."""
    return _stretched(spec, _pick(rng, spec), float(rng.uniform(0.4, 0.6)))


def long(rng: np.random.Generator, spec: HandSpec) -> HandSpec:
    """Draw out one finger."""
    return _stretched(spec, _pick(rng, spec), float(rng.uniform(1.4, 1.75)))


def _lumps(rng: np.random.Generator, spec: HandSpec, count: int) -> list[Blob]:
    """Hang lumps of flesh between neighbouring digits."""
    chains = chains_of(spec)
    lumps = []
    for _ in range(count):
        at = int(rng.integers(0, len(chains) - 1))
        one, other = chains[at], chains[at + 1]
        joint = int(rng.integers(1, 4))
        near = int(np.clip(joint + rng.integers(-1, 2), 1, 3))
        start = one.joints[joint] + rng.normal(0, 0.3, 3)
        end = other.joints[near] + rng.normal(0, 0.3, 3)
        thick = float(rng.uniform(0.45, 0.95))
        radii = (thick, thick * float(rng.uniform(0.6, 1.2)))
        lumps.append(
            Blob(as_vec(start), as_vec(end), radii, float(rng.uniform(0.4, 1)))
        )
    return lumps


def melt(rng: np.random.Generator, spec: HandSpec) -> HandSpec:
    """Let digits run into one another and lose their shape."""
    digits = []
    for digit in spec.digits:
        if rng.random() < 0.25:
            digits.append(digit)
            continue
        radii = np.array(digit.radii) * rng.uniform(0.75, 1.25, 4)
        lengths = np.array(digit.lengths) * rng.uniform(0.6, 1.15)
        lengths[2] = max(lengths[2], radii[3] + 0.35)
        digits.append(
            replace(
                digit,
                radii=(*radii.tolist(),),
                lengths=as_vec(lengths),
                flex=as_vec(np.array(digit.flex) + rng.normal(0, 0.25, 3)),
                swerve=as_vec(rng.normal(0, 0.2, 3)),
                wrong=True,
            )
        )
    spec = replace(spec, digits=tuple(digits))
    lumps = _lumps(rng, spec, int(rng.integers(2, 5)))
    return replace(spec, blobs=tuple(lumps), melt=float(rng.uniform(0.3, 0.9)))


def twisted(rng: np.random.Generator, spec: HandSpec) -> HandSpec:
    """Turn one finger about its length, so that it bends the wrong way."""
    at = _pick(rng, spec)
    digit = spec.digits[at]
    roll = digit.roll + float(rng.choice([-1, 1]) * rng.uniform(1.3, 2.6))
    flex = as_vec(np.maximum(np.array(digit.flex), 0.0) * 0.4 + radians(38))
    return _with(spec, at, replace(digit, roll=roll, flex=flex))


def detached(rng: np.random.Generator, spec: HandSpec) -> HandSpec:
    """Break a finger off at its middle joint and leave air between."""
    at = _pick(rng, spec)
    gap = float(rng.uniform(2.1, 3.0))
    digit = spec.digits[at]
    swerve = (0.0, float(rng.normal(0, 0.2)), 0.0)
    first = (digit.lengths[0] * 0.8, digit.lengths[1], digit.lengths[2])
    return _with(spec, at, replace(digit, gap=gap, swerve=swerve, lengths=first))


FLAWS: dict[str, Flaw] = {
    "extra": extra,
    "missing": missing,
    "fused": fused,
    "fork": fork,
    "two_thumbs": two_thumbs,
    "growth": growth,
    "bend": bend,
    "side": side,
    "short": short,
    "long": long,
    "melt": melt,
    "twisted": twisted,
    "detached": detached,
}
