"""Say what a hand is made of: digits, bones, radii, and how they vary.

Lengths are centimetres, angles radians. The hand frame is that of a right hand held
up with its palm to the viewer: the wrist is the origin, x points to the thumb's side,
y to the fingertips, z out of the palm.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

Vec3 = tuple[float, float, float]

FINGERS = ("index", "middle", "ring", "little")

# Mean bone lengths of adults after Buryanov and Kotiuk, "Proportions of hand
# segments", Int. J. Morphol. 28(3):755-758, 2010; the soft tip is added to the last.
BONES: dict[str, Vec3] = {
    "thumb": (4.62, 3.16, 2.53),
    "index": (3.98, 2.24, 1.96),
    "middle": (4.46, 2.63, 2.14),
    "ring": (4.14, 2.57, 2.12),
    "little": (3.27, 1.81, 1.97),
}
# Half breadths at the base, the two joints and the tip; the joints follow the
# interphalangeal breadths of Greiner, "Hand anthropometry of US Army personnel",
# Natick TR-92/011, 1991, between the means for women and men.
RADII: dict[str, tuple[float, float, float, float]] = {
    "thumb": (1.28, 1.16, 1.10, 0.86),
    "index": (1.04, 0.98, 0.86, 0.69),
    "middle": (1.07, 1.00, 0.88, 0.71),
    "ring": (1.02, 0.95, 0.83, 0.67),
    "little": (0.92, 0.84, 0.73, 0.59),
}
# Joints where the digits leave the palm, set by eye so that breadth (8.0) and length
# (17.8 to the middle fingertip) come out as in the two sources above.
ROOTS: dict[str, Vec3] = {
    "thumb": (2.0, 1.7, 0.75),
    "index": (2.62, 8.35, 0.02),
    "middle": (0.72, 8.6, -0.22),
    "ring": (-1.14, 8.1, -0.14),
    "little": (-2.82, 7.25, 0.18),
}


@dataclass(frozen=True, slots=True)
class Digit:
    """One digit: three bones, four radii, and the angles between them."""

    name: str
    root: Vec3
    """Where its first joint sits in the hand frame, cm."""
    lengths: Vec3
    radii: tuple[float, float, float, float]
    splay: float
    """Turn in the plane of the palm; positive leans to the thumb's side."""
    lift: float
    """Turn out of the palm of the whole digit, before any joint bends."""
    roll: float
    """Turn about its own length; positive faces the pad to the little finger."""
    flex: Vec3
    """Bend at each joint towards the palm."""
    swerve: Vec3 = (0.0, 0.0, 0.0)
    """Sideways bend at each joint; 0 in every well-formed finger."""
    gap: float = 0.0
    """Length left out before the last two bones, cm: a detached finger."""
    grown_from: str = "knuckle"
    """`knuckle`, or `surface` for a digit without a bone behind it in the palm."""
    wrong: bool = False

    @property
    def is_thumb(self) -> bool:
        return self.name == "thumb"


@dataclass(frozen=True, slots=True)
class Blob:
    """A lump of flesh between two points."""

    start: Vec3
    end: Vec3
    radii: tuple[float, float]
    blend: float


@dataclass(frozen=True, slots=True)
class Prop:
    """A thing near the hand: a `rod`, `ball` or `box`."""

    shape: str
    centre: Vec3
    axis: Vec3
    """Unit vector along a rod, or the normal of a box's broad side."""
    size: Vec3
    """Rod: radius, half length; ball: radius; box: half width, height, depth; cm."""


@dataclass(frozen=True, slots=True)
class Sleeve:
    """A cuff about the forearm."""

    starts_at: float
    """Distance of its edge from the wrist towards the elbow, cm."""
    slack: float
    """Room between skin and cloth, cm."""


@dataclass(frozen=True, slots=True)
class HandSpec:
    """Everything that fixes the shape of one hand, in the frame of a right hand."""

    digits: tuple[Digit, ...]
    kind: str
    pose: str
    left: bool
    girth: float
    """Factor on every radius, 0.8 (slender) .. 1.15 (stout)."""
    bony: float
    """0..1: how far the joints stand out."""
    wrist_flex: float
    wrist_lean: float
    fused: tuple[tuple[int, int, float], ...] = ()
    """(digit, digit, how far along they are grown together, 0..1)."""
    blobs: tuple[Blob, ...] = ()
    melt: float = 0.0
    """Distance over which separate digits flow into one another, cm."""
    sleeve: Sleeve | None = None
    ring: str | None = None
    """Name of the finger that wears a ring."""
    band: float = 0.0
    """Width of a watch strap or bangle about the wrist, cm; 0 for none."""
    props: tuple[Prop, ...] = ()

    @property
    def count(self) -> int:
        """How many digits are drawn, thumbs included."""
        return len(self.digits)


def plain_digits(rng: np.random.Generator) -> tuple[Digit, ...]:
    """Return thumb, index, middle, ring and little finger, straight and together.

    Args:
        rng: Source of the differences between people: some per cent in each bone.
    """
    girth = float(rng.normal(1.0, 0.015))
    digits = []
    for name in ("thumb", *FINGERS):
        stretch = rng.normal(1.0, 0.025)
        bones = [float(b * stretch * rng.normal(1.0, 0.015)) for b in BONES[name]]
        radii = [float(r * girth * rng.normal(1.0, 0.02)) for r in RADII[name]]
        digits.append(
            Digit(
                name=name,
                root=ROOTS[name],
                lengths=(bones[0], bones[1], bones[2]),
                radii=(radii[0], radii[1], radii[2], radii[3]),
                splay=0.0,
                lift=0.0,
                roll=0.0,
                flex=(0.0, 0.0, 0.0),
            )
        )
    return tuple(digits)


def scaled(digit: Digit, girth: float) -> Digit:
    """Return the digit with every radius multiplied."""
    first, second, third, last = (r * girth for r in digit.radii)
    return replace(digit, radii=(first, second, third, last))
