"""Close a hand about a thing."""

from __future__ import annotations

from dataclasses import replace
from math import pi

import numpy as np

from workshop.hands.anatomy import Digit, Prop, Vec3
from workshop.hands.posing import (
    OPPOSED,
    Digits,
    Posed,
    Thumb,
    alike,
    bent,
    posed,
    reach_for,
    thumbed,
)
from workshop.hands.skeleton import Floats, as_vec, chain_of


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


def holding(rng: np.random.Generator, digits: Digits) -> Posed:
    """Grip a rod across the palm."""
    radius = float(rng.uniform(0.5, 3.2))
    tilt = float(rng.normal(0.12, 0.15))
    axis = np.array([np.cos(tilt), np.sin(tilt), 0.0])
    centre = np.array([0.0, 7.3 + 0.35 * radius, 1.35 + radius])
    done = bent(digits, alike(rng, 0.0, 0.0, 0.1), 0.5)
    done = (done[0], *(_wrapped(d, centre, axis, radius) for d in done[1:]))
    goal = centre + axis * 2.2 + np.array([0, -0.2, 1.0]) * (radius + 0.8)
    done = (reach_for(thumbed(done, OPPOSED, rng)[0], goal, rng), *done[1:])
    half = float(rng.uniform(6, 16))
    along = axis * float(rng.uniform(-0.35, 0.35)) * half
    prop = Prop("rod", as_vec(centre + along), as_vec(axis), (radius, half, 0.0))
    yaw = float(rng.choice([0.0, pi, pi / 2, -pi / 2]) + rng.normal(0, 0.45))
    return posed(rng, done, yaw, rng.normal(0, 0.35), (prop,))


def cupping(rng: np.random.Generator, digits: Digits) -> Posed:
    """Hold a ball in the fingers."""
    radius = float(rng.uniform(2.2, 4.2))
    centre = np.array([0.3, 7.4, 1.2 + radius])
    done = bent(digits, alike(rng, 0.0, 0.0, 0.1), 1.6)
    fingers = []
    for digit in done[1:]:
        across = np.cross(
            [0.0, 0.0, 1.0], [np.sin(digit.splay), np.cos(digit.splay), 0]
        )
        fingers.append(_wrapped(digit, centre, across, radius * 0.97))
    goal = centre + np.array([0.75, -0.1, 0.5]) * (radius + 0.75)
    thumb = reach_for(thumbed(done, OPPOSED, rng)[0], goal, rng)
    ball = Prop("ball", as_vec(centre), (0.0, 1.0, 0.0), (radius, 0.0, 0.0))
    yaw = float(rng.choice([0.0, pi, pi / 2, -pi / 2]) + rng.normal(0, 0.45))
    return posed(rng, (thumb, *fingers), yaw, rng.normal(0, 0.35), (ball,))


def behind(rng: np.random.Generator, digits: Digits) -> Posed:
    """Hold a flat thing whose edge hides a part of the palm, seen from its front."""
    bends = alike(rng, rng.uniform(20, 35), rng.uniform(8, 20), 3.0)
    done = thumbed(bent(digits, bends, 0.8), Thumb(34, 48, 80, 10, 12), rng)
    size: Vec3 = (float(rng.uniform(3.2, 6)), float(rng.uniform(5, 9)), 0.4)
    centre = (float(rng.normal(-1.2, 0.6)), float(rng.uniform(5.0, 8.0)), 2.1)
    box = Prop("box", centre, (0.0, 1.0, 0.0), size)
    yaw = float(rng.choice([0.0, pi]) + rng.normal(0, 0.4))
    return posed(rng, done, yaw, rng.normal(0, 0.25), (box,))
