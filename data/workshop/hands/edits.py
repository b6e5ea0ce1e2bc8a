"""Small changes to a hand, out of which flaws are made."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from workshop.hands.anatomy import Digit, HandSpec, Vec3
from workshop.hands.skeleton import as_vec


def fingers(spec: HandSpec) -> list[int]:
    """Return the numbers of all digits but thumbs."""
    return [i for i, digit in enumerate(spec.digits) if not digit.is_thumb]


def pick(rng: np.random.Generator, spec: HandSpec) -> int:
    """Choose a finger."""
    numbers = fingers(spec)
    return int(rng.choice(numbers))


def with_wrong(spec: HandSpec, number: int, digit: Digit) -> HandSpec:
    """Return the hand with one digit replaced and marked as wrong."""
    digits = list(spec.digits)
    digits[number] = replace(digit, wrong=True)
    return replace(spec, digits=tuple(digits))


def mixed(first: Vec3, second: Vec3, share: float) -> Vec3:
    """Return the point that lies `share` of the way from first to second."""
    a, b = np.array(first), np.array(second)
    return as_vec(a * (1 - share) + b * share)


def moved(digit: Digit, across: float) -> Digit:
    """Return the digit with its root moved towards the thumb's side, cm."""
    x, y, z = digit.root
    return replace(digit, root=(x + across, y, z))
