"""Give the skin its colour and its fine relief: nails, creases, lines, veins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from workshop.hands.compiled import compiled
from workshop.hands.flesh import DIGIT, FOREARM, PALM
from workshop.hands.gbuffer import GBuffer

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


@compiled
def _cell(x: Any, y: Any, z: Any, seed: Any) -> Any:
    """Return a fixed pseudo-random number in 0..1 for a lattice point."""
    h = np.uint32(x * 374761393 + y * 668265263 + z * 2147483647 + seed * 974711)
    h = np.uint32((h ^ (h >> np.uint32(13))) * np.uint32(1274126177))
    return np.float32((h ^ (h >> np.uint32(16))) & np.uint32(0xFFFF)) / np.float32(
        65535
    )


@compiled
def noise(points: Any, frequency: Any, seed: Any) -> Any:
    """Return smooth value noise, (N,) float32 in -1..1, at (N, 3) points."""
    out = np.empty(points.shape[0], np.float32)
    for n in range(points.shape[0]):
        total = np.float32(0.0)
        x, y, z = (
            points[n, 0] * frequency,
            points[n, 1] * frequency,
            points[n, 2] * frequency,
        )
        ix, iy, iz = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
        fx, fy, fz = x - ix, y - iy, z - iz
        fx = fx * fx * (3 - 2 * fx)
        fy = fy * fy * (3 - 2 * fy)
        fz = fz * fz * (3 - 2 * fz)
        for dz in range(2):
            for dy in range(2):
                for dx in range(2):
                    weight = (fx if dx else 1 - fx) * (fy if dy else 1 - fy)
                    weight *= fz if dz else 1 - fz
                    total += weight * _cell(ix + dx, iy + dy, iz + dz, seed)
        out[n] = total * 2 - 1
    return out


def _bump(x: Plane, width: float) -> Plane:
    """Return a bell of the given half width."""
    result: Plane = np.exp(-((x / width) ** 2))
    return result


def _smooth(x: Plane, low: float, high: float) -> Plane:
    t = np.clip((x - low) / (high - low), 0, 1)
    result: Plane = t * t * (3 - 2 * t)
    return result


def _polyline(xy: Plane, knots: list[tuple[float, float]]) -> Plane:
    """Return the (N,) distance of points to a curve through a few knots."""
    t = np.linspace(0, len(knots) - 1, 26)
    xs = np.interp(t, range(len(knots)), [k[0] for k in knots])
    ys = np.interp(t, range(len(knots)), [k[1] for k in knots])
    kernel = np.ones(7) / 7
    xs[3:-3] = np.convolve(xs, kernel, "valid")
    ys[3:-3] = np.convolve(ys, kernel, "valid")
    gap = (xy[:, 0, None] - xs[None].astype(np.float32)) ** 2
    gap += (xy[:, 1, None] - ys[None].astype(np.float32)) ** 2
    result: Plane = np.sqrt(gap.min(axis=1))
    return result


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
    above = _smooth(c.point[:, 1], -2.5, 2.5)
    palm = _smooth(c.palmward, -0.15, 0.5) * np.where(c.part == DIGIT, 1.0, above)
    c.tint(palm, (0.08 + 0.4 * dark**2, 0.03 + 0.4 * dark**2, 0.03 + 0.38 * dark**2))
    tip = (c.bone == 2) * _smooth(c.local[:, 1] / c.length, 0.1, 1.1)
    joint = (c.part == DIGIT) * _bump(c.local[:, 1], 0.55) * (c.bone > 0)
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
    front = _smooth(c.palmward, -0.1, 0.35)
    fold = _bump(v + wobble, 0.055) + 0.6 * _bump(v - 0.2 + wobble, 0.045) * (
        c.bone == 1
    )
    c.line((on_digit * front * fold).astype(np.float32), 0.035)
    base = (c.part == DIGIT) & (c.bone == 0)
    c.line(
        (base * front * _bump(v - 0.42 * c.length + wobble, 0.06)).astype("f4"), 0.03
    )
    back = _smooth(-c.palmward, 0.15, 0.6)
    swarthy = on_digit * back * _bump(v, 0.5) * np.float32(c.look.pigment)
    c.tint(swarthy.astype(np.float32), (-0.8, -1.0, -1.0))
    span = _bump(v, 0.34) * _bump(u, 0.55)
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
        near[facing] = _bump(_polyline(xy[facing], knots), 0.075)
        c.line(near * _smooth(c.palmward, 0.1, 0.4), 0.03)
    wrist = (c.part == FOREARM) | (c.part == PALM)
    y: Plane = c.mirrored[:, 1] + np.float32(0.05) * c.mirrored[:, 0] ** 2
    folds = _bump(y + np.float32(0.1), 0.06)
    folds += 0.7 * _bump(y - np.float32(0.45), 0.05)
    c.line((wrist * folds * _smooth(c.palmward, 0.1, 0.6) * 0.6).astype("f4"), 0.02)


def _back(c: _Canvas, g: GBuffer) -> None:
    """Raise tendons and veins on the back, wrinkle the knuckles."""
    behind = _smooth(-c.palmward, 0.1, 0.6) * (c.part == PALM)
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
        ridge[near] = _bump(_polyline(xy[near], knots), 0.24)
        c.relief += 0.05 * ridge * behind * _smooth(xy[:, 1], 2.0, 6.5)
        gap = np.linalg.norm(xy - root[:2].astype(np.float32), axis=1)
        knuckle = _bump(gap.astype(np.float32), 0.75) * behind
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
        cord[near] = _bump(_polyline(xy[near], knots), 0.17)
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
    rim = behind * _bump((edge - 1.0).astype(np.float32), 0.22)
    colour = np.array([1.06, 0.93, 0.92], np.float32) * (0.35 + 0.65 * c.albedo)
    if c.look.polish is not None:
        colour = np.tile(np.array(c.look.polish, np.float32), (len(r), 1))
    else:
        moon = _smooth(-along.astype(np.float32), 0.5, 0.8)[:, None]
        free = _smooth(along.astype(np.float32), 0.72, 0.86)[:, None]
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
