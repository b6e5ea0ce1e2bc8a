"""Draw a traced hand: as anime, as a painting, as a pencil sketch."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from workshop.hands.backgrounds import cloud
from workshop.hands.flesh import PROP, SLEEVE
from workshop.hands.gbuffer import GBuffer, Plane
from workshop.hands.photo import Lighting, Triple
from workshop.hands.skin import SkinPlanes


def ink_lines(g: GBuffer, *, inner: float) -> Plane:
    """Return where an inker's pen goes, (H, W) 0..1.

    Args:
        g: The traced planes.
        inner: How readily lines are drawn inside the outline, 0..1.
    """
    depth = np.where(g.hit, g.depth, 200.0).astype(np.float32)
    step = np.zeros(depth.shape, np.float32)
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        moved = np.roll(depth, (dy, dx), (0, 1))
        gap = np.abs(depth - moved)
        step = np.maximum(step, gap)
    outline = np.clip((step - 0.35) * 3.0, 0, 1)
    digit = np.where(g.digit >= 0, g.digit + 2, 1) * g.hit + 40 * (g.part > 2)
    border = np.zeros(depth.shape, bool)
    for dy, dx in ((0, 1), (1, 0)):
        other = np.roll(digit, (dy, dx), (0, 1))
        both = (digit >= 2) & (other >= 2)
        border |= both & (digit != other)
    lines = np.maximum(outline, border.astype(np.float32) * inner)
    dip = cv2.Laplacian(g.openness, cv2.CV_32F, ksize=3)
    furrow = np.clip((dip - 0.05) * 5, 0, 1) * g.skin * inner
    result: Plane = np.maximum(lines, furrow).astype(np.float32)
    return result


def _pen(lines: Plane, width: float, rng: np.random.Generator) -> Plane:
    """Thicken lines to a pen's width, uneven as a hand would draw them."""
    side = lines.shape[0]
    sway_x = np.float32(0.5 * width) * cloud(rng, side, 9)
    sway_y = np.float32(0.5 * width) * cloud(rng, side, 9)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    swayed = cv2.remap(lines, x + sway_x, y + sway_y, cv2.INTER_LINEAR)
    wide = cv2.GaussianBlur(swayed, (0, 0), max(width, 0.45))
    gain = 1.0 + 1.4 * max(width, 0.45)
    result: Plane = np.clip(wide * gain * (1 + 0.25 * cloud(rng, side, 6)), 0, 1)
    return result


def _lit(g: GBuffer, lighting: Lighting) -> Plane:
    """Return plain lambert light with the shadow, (H, W) 0..1."""
    toward = np.array(lighting.direction, np.float32)
    result: Plane = np.clip(g.normal @ toward, 0, 1) * g.shadow
    return result


def shade_anime(
    g: GBuffer,
    skin: SkinPlanes,
    lighting: Lighting,
    colours: dict[int, Triple],
    rng: np.random.Generator,
) -> Plane:
    """Return flat tones with one or two shadow steps and ink, (H, W, 3) 0..1."""
    pale = rng.random() < 0.75
    base = np.array([1.0, 0.88, 0.8]) if pale else np.array([0.75, 0.55, 0.42])
    base = np.clip(base * rng.normal(1.0, 0.03, 3) * rng.uniform(0.85, 1.02), 0, 1)
    albedo = np.ones((*g.hit.shape, 3), np.float32) * base.astype(np.float32)
    for part in (SLEEVE, PROP):
        albedo[g.part == part] = np.array(colours[part], np.float32)
    blush = np.clip(cv2.GaussianBlur((g.bone == 2).astype(np.float32), (0, 0), 2), 0, 1)
    albedo *= 1 - rng.uniform(0, 0.14) * blush[..., None] * np.array([0, 1, 0.8], "f4")
    nail = skin.nail
    albedo[nail] = albedo[nail] * np.array([1.0, 0.93, 0.93], np.float32)
    light = cv2.GaussianBlur(_lit(g, lighting), (0, 0), 0.8) * (0.4 + 0.6 * g.openness)
    soft = rng.uniform(0.01, 0.12) if rng.random() < 0.7 else rng.uniform(0.2, 0.5)
    threshold = rng.uniform(0.12, 0.4)
    step = np.clip((light - threshold) / soft + 0.5, 0, 1)[..., None]
    dark = np.array([0.80, 0.62, 0.62]) + rng.normal(0, 0.04, 3)
    if rng.random() < 0.3:
        dark = np.array([0.7, 0.65, 0.8]) + rng.normal(0, 0.04, 3)
    colour = albedo * (step + (1 - step) * dark.astype(np.float32))
    if rng.random() < 0.35:
        gleam = np.clip((light - rng.uniform(0.8, 0.95)) / 0.05, 0, 1)[..., None]
        colour = colour + gleam * 0.1
    lines = ink_lines(g, inner=float(rng.uniform(0.6, 1.0)))
    if rng.random() < 0.7:
        rim = cv2.morphologyEx(nail.astype("f4"), cv2.MORPH_GRADIENT, np.ones((2, 2)))
        lines = np.maximum(lines, rim * 0.5)
    lines = np.maximum(lines, skin.crease * ~nail * rng.uniform(0.0, 0.4))
    pen = _pen(lines, float(rng.uniform(0.4, 1.1)) * g.hit.shape[0] / 256, rng)
    ink = albedo.mean((0, 1)) * rng.uniform(0.08, 0.45) * np.array([1, 0.8, 0.8], "f4")
    colour = colour * (1 - pen[..., None]) + ink.astype(np.float32) * pen[..., None]
    result: Plane = np.clip(colour, 0, 1).astype(np.float32)
    return result


def shade_sketch(
    g: GBuffer, skin: SkinPlanes, lighting: Lighting, rng: np.random.Generator
) -> Plane:
    """Return pencil strength, (H, W) 0..1: outline, folds, and some tone."""
    lines = np.maximum(ink_lines(g, inner=0.9), skin.crease * rng.uniform(0.2, 0.8))
    pen = _pen(lines, float(rng.uniform(0.4, 1.0)) * g.hit.shape[0] / 256, rng)
    tone = (1 - _lit(g, lighting) * g.openness) * g.hit * rng.uniform(0, 0.55)
    side = g.hit.shape[0]
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    angle, pitch = rng.uniform(0, np.pi), rng.uniform(2.5, 5) * side / 192
    along = x * np.cos(angle) + y * np.sin(angle) + 1.5 * cloud(rng, side, 12)
    stroke = 0.5 + 0.5 * np.sin(along * 2 * np.pi / pitch)
    hatched = tone * (stroke if rng.random() < 0.6 else 0.6)
    grain = 1 + 0.25 * rng.normal(0, 1, (side, side))
    result: Plane = np.clip((pen + hatched) * grain, 0, 1).astype(np.float32)
    return result


def _quadrants(picture: Plane, radius: int) -> tuple[list[Plane], list[Plane]]:
    """Return mean and variance of the four squares that meet at each pixel."""
    size = (radius + 1, radius + 1)
    means, spreads = [], []
    grey = picture.mean(axis=2)
    for ax in (0, radius):
        for ay in (0, radius):
            anchor = (ax, ay)
            means.append(cv2.blur(picture, size, anchor=anchor))
            square = cv2.blur(grey * grey, size, anchor=anchor)
            mean = cv2.blur(grey, size, anchor=anchor)
            spreads.append(square - mean * mean)
    return means, spreads


def brushed(picture: Plane, radius: int, rng: np.random.Generator) -> Plane:
    """Turn a picture into strokes: a Kuwahara filter (Kuwahara et al., 1976), canvas.

    Args:
        picture: (H, W, 3) float32 RGB 0..1.
        radius: Stroke size in pixels.
        rng: For the canvas and the sway of the strokes.
    """
    side = picture.shape[0]
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    sway = 0.9 * radius * 0.5
    dx, dy = cloud(rng, side, side // 8) * sway, cloud(rng, side, side // 8) * sway
    swayed = cv2.remap(picture, x + dx, y + dy, cv2.INTER_LINEAR, borderMode=2)
    means, spreads = _quadrants(swayed, radius)
    best = np.argmin(np.stack(spreads), axis=0)[None, ..., None]
    painted = np.take_along_axis(np.stack(means), best, axis=0)[0]
    bristle = cv2.GaussianBlur(
        rng.normal(0, 1, (side, side)).astype("f4"), (0, 0), 2.0, sigmaY=0.5
    )
    painted = painted * (1 + np.float32(rng.uniform(0, 0.22)) * bristle[..., None])
    warmth = 1 + (painted - painted.mean()) * np.float32(rng.uniform(0, 0.5))
    result: Plane = np.clip(painted * warmth, 0, 1).astype(np.float32)
    return result


def paper(rng: np.random.Generator, side: int) -> npt.NDArray[np.float32]:
    """Return a sheet of drawing paper, (side, side, 3) float32 RGB 0..1."""
    tone = np.array([0.97, 0.95, 0.9]) * rng.uniform(0.82, 1.03)
    fibre = rng.normal(0, 0.012, (side, side)) + 0.02 * cloud(rng, side, 3)
    sheet = np.clip(tone + fibre[..., None], 0, 1)
    return sheet.astype(np.float32)
