"""Colour a traced scene in its style and lay it over its background."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from workshop.hands.backgrounds import make_background
from workshop.hands.drawn import brushed, paper, shade_anime, shade_sketch
from workshop.hands.flesh import PROP, SLEEVE, flesh_out
from workshop.hands.gbuffer import GBuffer, Plane, frame_body
from workshop.hands.photo import shade_photo
from workshop.hands.scene import (
    MaskArray,
    Scene,
    Stream,
    sample_view,
    sound_hand,
    trace,
)
from workshop.hands.skin import SkinLook, SkinPlanes, paint_skin, sample_skin

SECOND_HAND = 0.1
"""Share of pictures in which another hand is behind the first."""


def _composite(layer: Plane, cover: Plane, backdrop: Plane, scene: Scene) -> Plane:
    """Lay the hand over the background, with a shadow on it for some."""
    rng = scene.rng(Stream.SHADE)
    behind = backdrop
    if rng.random() < 0.55:
        side = cover.shape[0]
        reach = rng.uniform(0.01, 0.08) * side
        right, up, _ = scene.lighting.direction
        move = np.array([[1, 0, -right * reach], [0, 1, up * reach]], np.float32)
        cast = cv2.warpAffine(cover, move, (side, side))
        cast = cv2.GaussianBlur(cast, (0, 0), reach * 0.5 + 1)
        behind = behind * (1 - np.float32(rng.uniform(0.2, 0.65)) * cast[..., None])
    return layer * cover[..., None] + behind * (1 - cover[..., None])


def _bleed(layer: Plane, hit: MaskArray) -> Plane:
    """Carry the hand's colour a little beyond its edge, so that edges blend."""
    weight = cv2.blur(hit.astype(np.float32), (5, 5))
    spread = (
        cv2.blur(layer * hit[..., None], (5, 5)) / np.maximum(weight, 1e-3)[..., None]
    )
    return np.where(hit[..., None], layer, spread).astype(np.float32)


def shade(g: GBuffer, scene: Scene, backdrop: Plane | None) -> tuple[Plane, Plane]:
    """Return picture (H, W, 3) 0..1 and cover (H, W) 0..1 at traced size."""
    person = sample_skin(scene.rng(Stream.LOOK).spawn(1)[0])
    skin = paint_skin(g, person)
    side = g.hit.shape[0]
    cover = cv2.GaussianBlur(g.hit.astype(np.float32), (0, 0), 0.5)
    if scene.style == "sketch":
        rng = scene.rng(Stream.SHADE)
        pencil = shade_sketch(g, skin, scene.lighting, rng)
        sheet = paper(rng, side)
        lead = np.array([0.18, 0.17, 0.2], np.float32)
        picture = sheet * (1 - pencil[..., None]) + lead * pencil[..., None]
        return picture.astype(np.float32), cover
    if backdrop is None:
        backdrop = make_background(scene.rng(Stream.BACKDROP), side)
        if scene.rng(Stream.OTHER).random() < SECOND_HAND:
            backdrop = _with_second_hand(backdrop, scene, person)
    picture = _layered(g, skin, scene, person, backdrop)
    if scene.style == "painted":
        rng = scene.rng(Stream.SHADE)
        radius = int(rng.integers(2, 5) * side / 256 + 0.5)
        picture = brushed(picture, max(radius, 1), rng)
    return picture, cover


def _layered(
    g: GBuffer, skin: SkinPlanes, scene: Scene, person: SkinLook, backdrop: Plane
) -> Plane:
    """Shade one traced hand and lay it over a backdrop, (H, W, 3) 0..1."""
    colours = {SLEEVE: scene.colours[0], PROP: scene.colours[1]}
    cover = cv2.GaussianBlur(g.hit.astype(np.float32), (0, 0), 0.5)
    if scene.style == "anime":
        flat = shade_anime(g, skin, scene.lighting, colours, scene.rng(Stream.SHADE))
        smooth = cv2.bilateralFilter(backdrop, 5, 0.2, 3)
        return _composite(flat, cv2.dilate(cover, np.ones((3, 3))), smooth, scene)
    layer = shade_photo(g, skin, scene.lighting, colours, person.seed)
    return _composite(_bleed(layer, g.hit), cover, backdrop, scene)


def _with_second_hand(backdrop: Plane, scene: Scene, person: SkinLook) -> Plane:
    """Put another hand of the same person behind the first."""
    rng = scene.rng(Stream.OTHER)
    spec, posed = sound_hand(rng, None)
    view = sample_view(rng, posed, spec.left)
    away = (float(rng.normal(0, 0.25)), float(rng.normal(0, 0.25)))
    view = replace(
        view, shift=away, fill=scene.view.fill * float(rng.uniform(0.8, 1.1))
    )
    side = backdrop.shape[0]
    g = trace(scene, spec, frame_body(flesh_out(spec), view, side), side)
    return _layered(g, paint_skin(g, person), scene, person, backdrop)
