"""Draw digits of the wrong shape."""

from __future__ import annotations

from dataclasses import replace
from math import radians

import numpy as np

from workshop.hands.anatomy import Blob, HandSpec, Vec3
from workshop.hands.edits import fingers, mixed, moved, pick, with_wrong
from workshop.hands.skeleton import as_vec, chains_of


def fused(rng: np.random.Generator, spec: HandSpec) -> HandSpec:
    """Let two neighbouring fingers grow together."""
    at = int(rng.choice(fingers(spec)[:-1]))
    one, other = spec.digits[at], spec.digits[at + 1]
    lean = 0.5 * (one.splay + other.splay)
    flex = mixed(one.flex, other.flex, 0.5)
    near = 0.12
    spec = with_wrong(
        spec,
        at,
        replace(moved(one, -near), splay=lean - 0.01, flex=mixed(one.flex, flex, 0.8)),
    )
    spec = with_wrong(
        spec,
        at + 1,
        replace(
            moved(other, near), splay=lean + 0.01, flex=mixed(other.flex, flex, 0.8)
        ),
    )
    return replace(spec, fused=((at, at + 1, float(rng.uniform(0.62, 1.0))),))


def bend(rng: np.random.Generator, spec: HandSpec) -> HandSpec:
    """Bend one or two fingers backwards."""
    for _ in range(1 if rng.random() < 0.7 else 2):
        at = pick(rng, spec)
        back = -float(rng.uniform(0.75, 1.45))
        if rng.random() < 0.7:
            flex: Vec3 = (float(rng.uniform(-0.2, 0.3)), back, back * 0.4)
        else:
            flex = (back, float(rng.uniform(-0.3, 0.4)), float(rng.uniform(-0.3, 0.3)))
        spec = with_wrong(spec, at, replace(spec.digits[at], flex=flex))
    return spec


def side(rng: np.random.Generator, spec: HandSpec) -> HandSpec:
    """Bend one finger sideways at a joint that cannot."""
    at = pick(rng, spec)
    turn = float(rng.choice([-1, 1]) * rng.uniform(0.6, 1.15))
    swerve = (0.0, turn, -turn * float(rng.uniform(-0.3, 0.6)))
    if rng.random() < 0.3:
        swerve = (0.0, turn * 0.3, turn)
    return with_wrong(spec, at, replace(spec.digits[at], swerve=swerve))


def _stretched(spec: HandSpec, at: int, by: float) -> HandSpec:
    digit = spec.digits[at]
    first, second, third = (length * by for length in digit.lengths)
    floor = digit.radii[3] + 0.45
    lengths = (first, second, max(third, floor))
    return with_wrong(spec, at, replace(digit, lengths=lengths))


def short(rng: np.random.Generator, spec: HandSpec) -> HandSpec:
    """Stunt one finger."""
    return _stretched(spec, pick(rng, spec), float(rng.uniform(0.4, 0.6)))


def long(rng: np.random.Generator, spec: HandSpec) -> HandSpec:
    """Draw out one finger."""
    return _stretched(spec, pick(rng, spec), float(rng.uniform(1.4, 1.75)))


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
    at = pick(rng, spec)
    digit = spec.digits[at]
    roll = digit.roll + float(rng.choice([-1, 1]) * rng.uniform(1.3, 2.6))
    flex = as_vec(np.maximum(np.array(digit.flex), 0.0) * 0.4 + radians(38))
    return with_wrong(spec, at, replace(digit, roll=roll, flex=flex))


def detached(rng: np.random.Generator, spec: HandSpec) -> HandSpec:
    """Break a finger off at its middle joint and leave air between."""
    at = pick(rng, spec)
    gap = float(rng.uniform(2.1, 3.0))
    digit = spec.digits[at]
    swerve = (0.0, float(rng.normal(0, 0.2)), 0.0)
    first = (digit.lengths[0] * 0.8, digit.lengths[1], digit.lengths[2])
    return with_wrong(spec, at, replace(digit, gap=gap, swerve=swerve, lengths=first))
