"""Shade a traced hand as a camera would see it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from workshop.hands.flesh import PROP, SLEEVE
from workshop.hands.gbuffer import GBuffer, Plane
from workshop.hands.patterns import noise
from workshop.hands.skin import SkinPlanes

Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Lighting:
    """One lamp, a sky, a floor, and sometimes a second lamp from behind."""

    direction: Triple
    """Unit vector to the lamp: right, up, towards the viewer."""
    key: Triple
    sky: Triple
    floor: Triple
    rim: Triple
    rim_side: float
    softness: float
    exposure: float
    """Brightness of the skin as a share of its own colour in white light."""
    shine: float


def sample_lighting(rng: np.random.Generator) -> Lighting:
    """Draw a lighting: window, studio, sun, flash, lamp or overcast."""
    mood = rng.integers(6)
    warm = np.array([1.0, 0.86, 0.68])
    cool = np.array([0.86, 0.94, 1.0])
    white = np.ones(3)
    tint = white + (warm - white) * max(rng.normal(0.2, 0.35), -0.3)
    strength, ambient = rng.uniform(1.4, 2.3), rng.uniform(0.25, 0.6)
    direction = np.array([rng.normal(0, 0.9), rng.uniform(0.1, 1.2), 0.0])
    direction[2] = rng.uniform(0.25, 1.3)
    softness, rim = rng.uniform(0.6, 2.2), 0.0
    if mood == 0:
        strength, ambient, softness = 2.6, rng.uniform(0.12, 0.3), 0.5
    elif mood == 1:
        direction = np.array([rng.normal(0, 0.15), rng.normal(0.1, 0.15), 1.0])
        ambient, softness = 0.2, 0.5
    elif mood == 2:
        strength, ambient, softness = rng.uniform(0.5, 0.9), 0.95, 2.5
    elif mood == 3:
        rim, ambient = rng.uniform(0.6, 1.6), rng.uniform(0.15, 0.5)
    direction /= np.linalg.norm(direction)
    sky = (white + (cool - white) * rng.uniform(0, 1.3)) * ambient
    bounce = (white + (warm - white) * rng.uniform(0, 1.2)) * ambient
    key = tint * strength
    floor = bounce * rng.uniform(0.4, 0.9)

    def triple(x: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Triple:
        return float(x[0]), float(x[1]), float(x[2])

    return Lighting(
        direction=triple(direction),
        key=triple(key),
        sky=triple(sky),
        floor=triple(floor),
        rim=triple(rim * (cool if rng.random() < 0.5 else tint)),
        rim_side=float(rng.choice([-1.0, 1.0])),
        softness=float(softness),
        exposure=float(np.exp(rng.normal(-0.15, 0.28))),
        shine=float(rng.uniform(0.08, 0.75)),
    )


def _roughened(g: GBuffer, relief: Plane) -> Plane:
    """Tilt the normals by the slope of a height map."""
    pixel_cm = np.where(g.hit, g.depth, 1.0) / g.camera.focal_px
    smooth = cv2.GaussianBlur(relief, (0, 0), 0.7)
    dx = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=0.125) / pixel_cm
    dy = -cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=0.125) / pixel_cm
    tilted = g.normal - np.stack([dx, dy, np.zeros_like(dx)], -1).clip(-0.7, 0.7)
    length = np.linalg.norm(tilted, axis=2, keepdims=True) + 1e-6
    result: Plane = (tilted / length).astype(np.float32)
    return result


def _scattered(light: Plane, skin: Plane, pixel_cm: float) -> Plane:
    """Let light travel under the skin: red farthest, blue least.

    Mean free paths of the order of those in Jensen et al., "A practical model for
    subsurface light transport", 2001 (3.7, 1.4 and 0.7 mm), as three blurs.
    """
    out = np.empty_like(light)
    for channel, reach_cm in enumerate((0.34, 0.14, 0.07)):
        sigma = max(reach_cm / pixel_cm, 0.3)
        weight = cv2.GaussianBlur(skin, (0, 0), sigma) + 1e-4
        spread = cv2.GaussianBlur(light[..., channel] * skin, (0, 0), sigma)
        out[..., channel] = spread / weight
    return out


def _cloth(g: GBuffer, colours: dict[int, Triple], seed: int) -> Plane:
    """Return the albedo of sleeves and things, with a weave or a grain."""
    albedo = np.zeros((*g.hit.shape, 3), np.float32)
    for part, colour in colours.items():
        where = g.part == part
        if where.any():
            grain = noise(g.point[where], 3.5, seed) + noise(g.point[where], 9.0, seed)
            level = 1 + np.float32(0.07) * grain
            albedo[where] = np.array(colour, np.float32) * level[:, None]
    return albedo


def shade_photo(
    g: GBuffer,
    skin: SkinPlanes,
    lighting: Lighting,
    colours: dict[int, Triple],
    seed: int,
) -> Plane:
    """Return the picture of hand, sleeve and things on black, (H, W, 3) 0..1.

    Args:
        g: The traced planes.
        skin: Colour and relief of the skin.
        lighting: What shines on it.
        colours: Display colour of SLEEVE and PROP.
        seed: For the grain of cloth and things.
    """
    normal = _roughened(g, skin.relief)
    is_skin = g.skin.astype(np.float32)
    toward = np.array(lighting.direction, np.float32)
    facing = np.clip(normal @ toward, 0, 1) * g.shadow
    key = facing[..., None] * np.array(lighting.key, np.float32)
    up = (0.5 + 0.5 * normal[..., 1])[..., None]
    sky, floor = np.array(lighting.sky, "f4"), np.array(lighting.floor, "f4")
    open_ = g.openness[..., None] ** np.array([0.75, 1.05, 1.15], np.float32)
    light = key * (0.45 + 0.55 * open_) + (up * sky + (1 - up) * floor) * open_
    edge = np.clip(1 - normal[..., 2], 0, 1) ** 3
    edge *= np.clip(normal[..., 0] * lighting.rim_side + 0.2, 0, 1)
    light += edge[..., None] * np.array(lighting.rim, np.float32)
    pixel_cm = (
        float(np.median(g.depth[g.hit])) / g.camera.focal_px if g.hit.any() else 1
    )
    soft = _scattered(light, is_skin, pixel_cm)
    light = np.where(is_skin[..., None] > 0, soft, light)
    albedo = np.where(is_skin[..., None] > 0, skin.albedo, _cloth(g, colours, seed))
    half = toward + np.array([0, 0, 1], np.float32)
    half /= np.linalg.norm(half)
    glance = np.clip(normal @ half, 0, 1)
    shine = (0.16 * glance**18 + 0.22 * glance**60) * skin.gloss * g.shadow
    shine *= (
        lighting.shine * is_skin + 0.25 * (g.part == PROP) + 0.0 * (g.part == SLEEVE)
    )
    colour = albedo**2.2 * light + shine[..., None] * np.array(lighting.key, "f4") * 0.5
    colour = _exposed(colour, light, g, lighting.exposure)
    toned = colour * (1 + colour / 6.0) / (1 + colour * 0.55)
    result: Plane = np.clip(toned * 1.1, 0, 1) ** (1 / 2.2)
    return result.astype(np.float32)


def _exposed(colour: Plane, light: Plane, g: GBuffer, wanted: float) -> Plane:
    """Set the brightness as a camera's meter would, by the light on the hand."""
    if not g.skin.any():
        return colour
    bright = float(np.quantile(light[g.skin].mean(axis=1), 0.8))
    gain = float(np.clip(wanted / max(bright, 1e-3), 0.3, 2.5))
    return colour * np.float32(gain)
