"""Draw the wrong number of digits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from workshop.hands.anatomy import HandSpec, Vec3, scaled
from workshop.hands.edits import fingers, mixed, moved, pick, with_wrong
from workshop.hands.skeleton import as_vec, chain_of


def _inserted(rng: np.random.Generator, spec: HandSpec) -> HandSpec:
    """Squeeze one more finger between two neighbours."""
    digits = list(spec.digits)
    at = int(rng.choice(fingers(spec)[:-1]))
    one, other = digits[at], digits[at + 1]
    share = float(rng.uniform(0.3, 0.7))
    new = replace(
        one,
        name="extra",
        root=mixed(one.root, other.root, 0.5),
        lengths=mixed(one.lengths, other.lengths, share),
        splay=0.5 * (one.splay + other.splay) + float(rng.normal(0, 0.03)),
        roll=0.5 * (one.roll + other.roll),
        flex=as_vec(
            np.array(mixed(one.flex, other.flex, share)) + rng.normal(0, 0.06, 3)
        ),
        wrong=True,
    )
    room = float(rng.uniform(0.42, 0.62))
    slim = float(rng.uniform(0.84, 0.93))
    digits[at] = scaled(moved(one, room), slim)
    digits[at + 1] = scaled(moved(other, -room), slim)
    digits.insert(at + 1, scaled(new, slim))
    return replace(spec, digits=tuple(digits))


def _added_outside(rng: np.random.Generator, spec: HandSpec) -> HandSpec:
    """Add a finger beyond the little finger, or between index finger and thumb."""
    digits = list(spec.digits)
    numbers = fingers(spec)
    if rng.random() < 0.65:
        model, inner = digits[numbers[-1]], digits[numbers[-2]]
        step = np.array(model.root) - np.array(inner.root)
        root = np.array(model.root) + step * np.array([0.85, 1.1, 1.0])
        place = len(digits)
    else:
        model, inner = digits[numbers[0]], digits[numbers[1]]
        step = np.array(model.root) - np.array(inner.root)
        root = np.array(model.root) + np.array([step[0] * 0.75, -0.9, 0.3])
        place = numbers[0]
    lean = model.splay + (model.splay - inner.splay) * float(rng.uniform(0.8, 1.4))
    flex = as_vec(np.array(model.flex) + rng.normal(0, 0.1, 3))
    new = replace(model, name="extra", root=as_vec(root), splay=lean, flex=flex)
    digits.insert(place, replace(scaled(new, 0.95), wrong=True))
    return replace(spec, digits=tuple(digits))


def _doubled(rng: np.random.Generator, spec: HandSpec) -> HandSpec:
    """Let a second finger leave the knuckle of a first."""
    at = pick(rng, spec)
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
    model = spec.digits[pick(rng, spec)]
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
        numbers = [i for i, d in enumerate(digits) if not d.is_thumb]
        if rng.random() < 0.12 and digits[0].is_thumb:
            digits.pop(0)
            continue
        at = int(rng.choice(numbers))
        digits.pop(at)
        if rng.random() < 0.25 or at in (numbers[0], numbers[-1]):
            continue
        one, other = digits[at - 1], digits[at]
        room = (one.root[0] - other.root[0] - 2.0) / 2
        digits[at - 1] = scaled(moved(one, -room), 1.06)
        digits[at] = scaled(moved(other, room), 1.06)
    return replace(spec, digits=tuple(digits))


def fork(rng: np.random.Generator, spec: HandSpec) -> HandSpec:
    """Split a finger in two; each tip counts as a digit."""
    at = pick(rng, spec)
    model = spec.digits[at]
    joint = int(rng.choice([0, 1], p=[0.6, 0.4]))
    chain = chain_of(model)
    turn = float(rng.choice([-1, 1]) * rng.uniform(0.3, 0.6))
    left, right = list(model.swerve), list(model.swerve)
    left[joint + 1] += turn / 2
    right[joint + 1] -= turn / 2
    thin = (model.radii[0], model.radii[1] * 0.97, model.radii[2], model.radii[3])
    one = replace(model, swerve=(left[0], left[1], left[2]), radii=thin)
    spec = with_wrong(spec, at, one)
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
