"""Give the skin its colour and its fine relief: nails, creases, lines, veins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workshop.hands.flesh import DIGIT, FOREARM, PALM
from workshop.hands.gbuffer import GBuffer
from workshop.hands.patterns import bump, noise, polyline_distance, smooth

Plane = npt.NDArray[np.float32]

# Display colours of skin from light to dark; by eye after the Monk scale's swatches.
TONES = (
    (0.96, 0.84, 0.76),
    (0.93, 0.77, 0.66),
    (0.87, 0.69, 0.56),
    (0.78, 0.58, 0.44),
    (0.66, 0.46, 0.33),
    (0.50, 0.34, 0.24),
    (0.36, 0.24, 0.18),
    (0.25, 0.17, 0.14),
)
POLISH = ((0.75, 0.06, 0.12), (0.9, 0.55, 0.6), (0.12, 0.1, 0.2), (0.95, 0.93, 0.9))


@dataclass(frozen=True, slots=True)
class SkinLook:
    """What a person's skin is like, apart from its shape."""

    tone: tuple[float, float, float]
    """Display RGB, 0..1."""
    redness: float
    mottle: float
    lines: float
    """Strength of creases and palm lines, 0..1.5."""
    veins: float
    polish: tuple[float, float, float] | None
    pigment: float
    """How much darker the backs of the joints are, 0..0.35."""
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class SkinPlanes:
    """Colour and relief of every skin pixel."""

    albedo: Plane
    """(H, W, 3) display RGB 0..1."""
    relief: Plane
    """(H, W) height in cm above the smooth shape."""
    gloss: Plane
    """(H, W) factor on the highlight."""
    nail: npt.NDArray[np.bool_]
    crease: Plane
    """(H, W) 0..1, where a line would be drawn."""


def sample_skin(rng: np.random.Generator) -> SkinLook:
    """Draw a person."""
    at = float(rng.uniform(0, len(TONES) - 1))
    low = int(at)
    high = min(low + 1, len(TONES) - 1)
    tone = np.array(TONES[low]) * (1 - at + low) + np.array(TONES[high]) * (at - low)
    tone = np.clip(tone * rng.normal(1.0, 0.025, 3), 0.05, 1.0)
    polish = None
    if rng.random() < 0.1:
        polish = POLISH[rng.integers(len(POLISH))]
    return SkinLook(
        tone=(float(tone[0]), float(tone[1]), float(tone[2])),
        redness=float(rng.uniform(0.3, 1.2)),
        mottle=float(rng.uniform(0.3, 1.3)),
        lines=float(rng.uniform(0.35, 1.3)),
        veins=float(max(rng.normal(0.2, 0.4), 0.0)),
        polish=polish,
        pigment=float(max(rng.normal(0.08, 0.1), 0.0)),
        seed=int(rng.integers(1 << 30)),
    )


class _Canvas:
    """The skin pixels of one picture as flat arrays, being painted."""

    def __init__(self, g: GBuffer, look: SkinLook) -> None:
        where = g.skin
        self.where = where
        self.look = look
        self.point = g.point[where]
        self.sign = -1.0 if g.body.chains[0].joints[0][0] < 0 else 1.0
        self.mirrored = self.point * np.array([self.sign, 1, 1], np.float32)
        self.part, self.bone = g.part[where], g.bone[where]
        self.digit = g.digit[where]
        self.local = g.local[where]
        radii = np.array([chain.radii for chain in g.body.chains], np.float32)
        ends = np.array(
            [np.linalg.norm(c.joints[1:] - c.starts, axis=1) for c in g.body.chains],
            np.float32,
        )
        owned = np.maximum(self.digit, 0), np.maximum(self.bone, 0)
        self.radius = radii[owned]
        self.far_radius = radii[owned[0], owned[1] + 1]
        self.length = ends[owned]
        axes = g.camera.axes.astype(np.float32)
        flat = g.normal[where] @ axes
        frames = g.body.frame[g.solid[where]]
        self.palmward = np.einsum("ni,ni->n", flat, frames[:, :, 2])
        on_arm = self.part != DIGIT
        self.palmward[on_arm] = flat[on_arm, 2]
        self.albedo = np.tile(np.array(look.tone, np.float32), (len(self.part), 1))
        self.relief = np.zeros(len(self.part), np.float32)
        self.gloss = np.ones(len(self.part), np.float32)
        self.nail = np.zeros(len(self.part), bool)
        self.crease = np.zeros(len(self.part), np.float32)

    def tint(self, amount: Plane, colour: tuple[float, float, float]) -> None:
        self.albedo *= 1 + amount[:, None] * np.array(colour, np.float32)

    def line(self, amount: Plane, depth: float) -> None:
        amount = amount * np.float32(self.look.lines)
        self.relief -= depth * amount
        self.tint(amount, (-0.16, -0.26, -0.28))
        self.crease = np.maximum(self.crease, np.minimum(amount, 1))


def _complexion(c: _Canvas) -> None:
    """Redden tips and joints, lighten palms, mottle everything."""
    look = c.look
    dark = 1.0 - float(np.mean(look.tone))
    above = smooth(c.point[:, 1], -2.5, 2.5)
    palm = smooth(c.palmward, -0.15, 0.5) * np.where(c.part == DIGIT, 1.0, above)
    c.tint(palm, (0.08 + 0.4 * dark**2, 0.03 + 0.4 * dark**2, 0.03 + 0.38 * dark**2))
    tip = (c.bone == 2) * smooth(c.local[:, 1] / c.length, 0.1, 1.1)
    joint = (c.part == DIGIT) * bump(c.local[:, 1], 0.55) * (c.bone > 0)
    red = look.redness * (0.10 * tip + 0.07 * joint * (c.palmward < 0.2))
    c.tint(red.astype(np.float32), (0.15, -1.0, -0.8))
    blotch = noise(c.point, 0.55, look.seed) + 0.6 * noise(c.point, 1.6, look.seed + 1)
    c.tint(blotch * np.float32(0.045 * look.mottle), (0.4, 1.0, 1.0))
    grain = noise(c.point, 9.0, look.seed + 2) + noise(c.point, 19.0, look.seed + 3)
    c.tint(grain * np.float32(0.014 * look.mottle), (1.0, 1.0, 1.0))
    c.relief += grain * np.float32(0.004)


def _joints(c: _Canvas) -> None:
    """Fold the skin at the finger joints: sharp in front, wrinkled behind."""
    v, u = c.local[:, 1], c.local[:, 0]
    wobble = np.float32(0.05) * noise(c.point, 2.2, c.look.seed + 4)
    on_digit = (c.part == DIGIT) & (c.bone > 0)
    front = smooth(c.palmward, -0.1, 0.35)
    fold = bump(v + wobble, 0.055) + 0.6 * bump(v - 0.2 + wobble, 0.045) * (c.bone == 1)
    c.line((on_digit * front * fold).astype(np.float32), 0.035)
    base = (c.part == DIGIT) & (c.bone == 0)
    c.line((base * front * bump(v - 0.42 * c.length + wobble, 0.06)).astype("f4"), 0.03)
    back = smooth(-c.palmward, 0.15, 0.6)
    swarthy = on_digit * back * bump(v, 0.5) * np.float32(c.look.pigment)
    c.tint(swarthy.astype(np.float32), (-0.8, -1.0, -1.0))
    span = bump(v, 0.34) * bump(u, 0.55)
    ripple = 0.5 + 0.5 * np.cos(v * 24.0 + 3.0 * u * u + 4 * wobble)
    c.line((on_digit * back * span * ripple**2 * 0.55).astype(np.float32), 0.03)


def _palm_lines(c: _Canvas) -> None:
    """Draw the three great lines of the palm and the folds of the wrist."""
    facing = (c.part == PALM) & (c.palmward > 0.1)
    xy = c.mirrored[:, :2] + 0.12 * np.stack(
        [noise(c.point, 0.9, c.look.seed + 5), noise(c.point, 0.9, c.look.seed + 6)], 1
    ).astype(np.float32)
    curves: list[list[tuple[float, float]]] = [
        [(3.1, 6.3), (1.6, 5.6), (0.3, 3.9), (0.1, 2.2), (0.5, 1.0)],
        [(3.2, 6.5), (1.5, 6.1), (-0.4, 5.2), (-2.4, 4.1)],
        [(-3.5, 5.7), (-1.9, 6.1), (-0.3, 6.7), (0.9, 7.9)],
    ]
    if not facing.any():
        return
    for knots in curves:
        near = np.zeros(len(xy), np.float32)
        near[facing] = bump(polyline_distance(xy[facing], knots), 0.075)
        c.line(near * smooth(c.palmward, 0.1, 0.4), 0.03)
    wrist = (c.part == FOREARM) | (c.part == PALM)
    y: Plane = c.mirrored[:, 1] + np.float32(0.05) * c.mirrored[:, 0] ** 2
    folds = bump(y + np.float32(0.1), 0.06)
    folds += 0.7 * bump(y - np.float32(0.45), 0.05)
    c.line((wrist * folds * smooth(c.palmward, 0.1, 0.6) * 0.6).astype("f4"), 0.02)


def _back(c: _Canvas, g: GBuffer) -> None:
    """Raise tendons and veins on the back, wrinkle the knuckles."""
    behind = smooth(-c.palmward, 0.1, 0.6) * (c.part == PALM)
    xy = c.mirrored[:, :2]
    near = behind > 0
    if not near.any():
        return
    for number, chain in enumerate(g.body.chains):
        root = chain.joints[0] * np.array([c.sign, 1, 1])
        if number == 0 or root[1] < 4:
            continue
        knots = [(root[0] * 0.35, 1.5), (root[0] * 0.75, 5.0), (root[0], root[1])]
        ridge = np.zeros(len(xy), np.float32)
        ridge[near] = bump(polyline_distance(xy[near], knots), 0.24)
        c.relief += 0.05 * ridge * behind * smooth(xy[:, 1], 2.0, 6.5)
        gap = np.linalg.norm(xy - root[:2].astype(np.float32), axis=1)
        knuckle = bump(gap.astype(np.float32), 0.75) * behind
        c.tint(knuckle * np.float32(c.look.pigment), (-0.8, -1.0, -1.0))
        c.tint(knuckle * np.float32(0.09 * c.look.redness), (0.1, -1.0, -0.9))
        ripple = 0.5 + 0.5 * np.cos(
            (xy[:, 1] - root[1]) * 15 + 2 * (xy[:, 0] - root[0])
        )
        c.line((knuckle * ripple**2 * 0.3).astype(np.float32), 0.02)
    if c.look.veins > 0.05:
        _veins(c, xy, near, behind)


def _veins(c: _Canvas, xy: Plane, near: npt.NDArray[np.bool_], behind: Plane) -> None:
    """Draw a few bluish cords from the wrist towards the gaps between knuckles."""
    rng = np.random.default_rng(c.look.seed)
    for start in (-1.9, -0.2, 1.6):
        x = start
        knots = [(x, 0.0)]
        for y in (2.0, 4.0, 6.0, 7.5):
            x = x + float(rng.normal(0, 0.45))
            knots.append((x, y))
        cord = np.zeros(len(xy), np.float32)
        cord[near] = bump(polyline_distance(xy[near], knots), 0.17)
        amount = cord * behind * np.float32(min(c.look.veins, 1.0))
        c.relief += np.float32(0.05) * amount
        c.tint(amount, (-0.09, -0.03, 0.02))


def _nails(c: _Canvas) -> None:
    """Set a nail on the back of every tip."""
    r = c.far_radius
    half_long, half_wide = 0.5 * (0.62 + r * 0.95), 0.80 * r
    middle = c.length + r * 0.86 - half_long
    along = (c.local[:, 1] - middle) / half_long
    across = c.local[:, 0] / half_wide
    edge = np.abs(along) ** 3.2 + np.abs(across) ** 2.6
    behind = (c.part == DIGIT) & (c.bone == 2) & (c.local[:, 2] < -0.12 * r)
    inside = behind & (edge < 1)
    rim = behind * bump((edge - 1.0).astype(np.float32), 0.22)
    colour = np.array([1.06, 0.93, 0.92], np.float32) * (0.35 + 0.65 * c.albedo)
    if c.look.polish is not None:
        colour = np.tile(np.array(c.look.polish, np.float32), (len(r), 1))
    else:
        moon = smooth(-along.astype(np.float32), 0.5, 0.8)[:, None]
        free = smooth(along.astype(np.float32), 0.72, 0.86)[:, None]
        colour = colour * (1 + 0.1 * moon) * (1 - 0.5 * free) + 0.5 * free * 0.9
    c.albedo[inside] = colour[inside]
    c.gloss[inside] = 3.2
    c.relief += np.where(inside, 0.02, 0.0).astype(np.float32)
    c.tint((rim * 0.8).astype(np.float32), (-0.26, -0.42, -0.42))
    c.crease = np.maximum(c.crease, (rim * 0.8).astype(np.float32))
    c.nail |= inside


def paint_skin(g: GBuffer, look: SkinLook) -> SkinPlanes:
    """Colour every skin pixel of a traced hand."""
    c = _Canvas(g, look)
    if len(c.part):
        _complexion(c)
        _joints(c)
        _palm_lines(c)
        _back(c, g)
        _nails(c)
    shape = g.hit.shape
    albedo = np.zeros((*shape, 3), np.float32)
    relief, gloss = np.zeros(shape, np.float32), np.ones(shape, np.float32)
    nail, crease = np.zeros(shape, bool), np.zeros(shape, np.float32)
    albedo[c.where] = np.clip(c.albedo, 0.02, 1.0)
    relief[c.where], gloss[c.where] = c.relief, c.gloss
    nail[c.where], crease[c.where] = c.nail, c.crease
    return SkinPlanes(albedo, relief, gloss, nail, crease)
