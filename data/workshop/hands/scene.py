"""Decide what is drawn: hand, flaw, view, light, style."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from math import pi

import cv2
import numpy as np
import numpy.typing as npt

from workshop.hands.anatomy import HandSpec, Sleeve, plain_digits, scaled
from workshop.hands.backgrounds import random_colour
from workshop.hands.flaws import FLAWS
from workshop.hands.flesh import flesh_out
from workshop.hands.gbuffer import Camera, GBuffer, View, frame_body, look
from workshop.hands.photo import Lighting, Triple, sample_lighting
from workshop.hands.poses import POSES
from workshop.hands.posing import Posed

RgbArray = npt.NDArray[np.uint8]


MaskArray = npt.NDArray[np.bool_]


KINDS = ("ok", *FLAWS)


STYLES = ("photo", "anime", "painted", "sketch")


STYLE_SHARES = (0.5, 0.2, 0.2, 0.1)


POSE_NAMES = tuple(POSES)


# How often a pose is drawn when none is asked for: everyday hands more often.
POSE_SHARES: dict[str, float] = {"natural": 2.5, "relaxed": 1.5, "holding": 1.5}


DETAIL = 4 / 3
"""Traced pixels per finished pixel, each way; smooths the edges."""


LEAST_FLAW = 0.006
"""Share of the frame in which a flaw must show."""


ATTEMPTS = 12


# Flaws of one finger are lost in poses that hide it; these are drawn instead.
OPEN_POSES = (
    "open",
    "spread",
    "together",
    "relaxed",
    "natural",
    "counting",
    "side",
    "hanging",
    "foreshortened",
    "pinch",
)


ONE_FINGER = ("fork", "bend", "side", "short", "long", "twisted", "detached", "fused")


class Stream(IntEnum):
    """Sources of chance that do not disturb one another."""

    SHAPE = 0
    FLAW = 1
    VIEW = 2
    LOOK = 3
    BACKDROP = 4
    CAMERA = 5
    SHADE = 6
    OTHER = 7


@dataclass(frozen=True, slots=True)
class Scene:
    """All choices but the flaw; both members of a pair share it."""

    seed: int
    attempt: int
    view: View
    lighting: Lighting
    style: str
    colours: tuple[Triple, Triple]

    def rng(self, stream: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, stream, self.attempt])


def sample_hand(
    rng: np.random.Generator, kind: str = "ok", pose: str | None = None
) -> HandSpec:
    """Draw the shape of one hand.

    Args:
        rng: Source of everything.
        kind: One of KINDS.
        pose: One of POSES, or None to draw one.

    Raises:
        ValueError: `kind` or `pose` is not known.
    """
    sound = sound_hand(rng, pose)[0]
    return _spoiled(rng, sound, kind)


def _spoiled(rng: np.random.Generator, sound: HandSpec, kind: str) -> HandSpec:
    if kind == "ok":
        return sound
    if kind not in FLAWS:
        raise ValueError(f"no kind {kind!r}; the kinds are {', '.join(KINDS)}")
    return replace(FLAWS[kind](rng, sound), kind=kind)


def sound_hand(rng: np.random.Generator, pose: str | None) -> tuple[HandSpec, Posed]:
    """Draw a well-formed hand and its pose."""
    if pose is None:
        shares = np.array([POSE_SHARES.get(name, 1.0) for name in POSE_NAMES])
        pose = str(rng.choice(POSE_NAMES, p=shares / shares.sum()))
    if pose not in POSES:
        raise ValueError(f"no pose {pose!r}; the poses are {', '.join(POSES)}")
    girth = float(np.clip(rng.normal(0.93, 0.08), 0.76, 1.12))
    digits = tuple(scaled(digit, girth) for digit in plain_digits(rng))
    posed = POSES[pose](rng, digits)
    sleeve = None
    if rng.random() < 0.4:
        sleeve = Sleeve(
            float(rng.uniform(0.5, 9.0)), float(rng.exponential(0.5) + 0.15)
        )
    ring = str(rng.choice(["ring", "middle", "index"])) if rng.random() < 0.1 else None
    band = (
        float(rng.uniform(0.3, 2.2)) if sleeve is None and rng.random() < 0.1 else 0.0
    )
    spec = HandSpec(
        digits=posed.digits,
        kind="ok",
        pose=pose,
        left=bool(rng.random() < 0.5),
        girth=girth,
        bony=float(rng.beta(2, 3)),
        wrist_flex=posed.wrist_flex,
        wrist_lean=posed.wrist_lean,
        sleeve=sleeve,
        ring=ring,
        band=band,
        props=posed.props,
    )
    return spec, posed


def sample_view(rng: np.random.Generator, posed: Posed, left: bool) -> View:
    """Choose a camera: often upright or hanging, otherwise any roll."""
    which = rng.random()
    roll = rng.normal(0, 0.5)
    if which > 0.45:
        roll = rng.uniform(-pi, pi)
    elif which > 0.3:
        roll = pi + rng.normal(0, 0.5)
    if posed.pitch and abs(posed.pitch) > 0.9:
        roll *= 0.7
    return View(
        yaw=-posed.yaw if left else posed.yaw,
        pitch=posed.pitch,
        roll=float(roll),
        distance=float(np.exp(rng.uniform(np.log(32), np.log(110)))),
        fill=float(rng.uniform(0.52, 0.9)),
        shift=(float(rng.normal(0, 0.04)), float(rng.normal(0, 0.04))),
    )


def _set_scene(
    seed: int, attempt: int, pose: str | None, style: str | None
) -> tuple[Scene, HandSpec]:
    """Fix all choices that flawed hand and twin share."""

    def stream(number: int) -> np.random.Generator:
        return np.random.default_rng([seed, number, attempt])

    sound, posed = sound_hand(stream(Stream.SHAPE), pose)
    looks = stream(Stream.LOOK)
    drawn = str(looks.choice(STYLES, p=STYLE_SHARES))
    if style is not None and style not in STYLES:
        raise ValueError(f"no style {style!r}; the styles are {', '.join(STYLES)}")
    cloth, thing = random_colour(looks, 0.5), random_colour(looks, 0.3)
    scene = Scene(
        seed=seed,
        attempt=attempt,
        view=sample_view(stream(Stream.VIEW), posed, sound.left),
        lighting=sample_lighting(looks),
        style=style or drawn,
        colours=(
            (float(cloth[0]), float(cloth[1]), float(cloth[2])),
            (float(thing[0]), float(thing[1]), float(thing[2])),
        ),
    )
    return scene, sound


def trace(scene: Scene, spec: HandSpec, camera: Camera, side: int) -> GBuffer:
    """Trace one hand under the scene's lamp."""
    light = np.array(scene.lighting.direction, float)
    return look(flesh_out(spec), camera, side, light, scene.lighting.softness)


def _changed(flawed: GBuffer, twin: GBuffer) -> MaskArray:
    """Return where two tracings see something else."""
    apart = np.abs(flawed.depth - twin.depth) > 0.3
    apart |= flawed.hit != twin.hit
    result: MaskArray = apart & (flawed.hand | twin.hand)
    return result


def _flaw_mask(spec: HandSpec, flawed: GBuffer, twin: GBuffer) -> MaskArray:
    """Return the visible pixels of wrong digits and of whatever they changed."""
    wrong = np.array([digit.wrong for digit in spec.digits], bool)
    mask = flawed.instances()[wrong].any(axis=0)
    mask |= _changed(flawed, twin)
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2)))
    result: MaskArray = opened > 0
    return result


def staged(
    seed: int, kind: str, pose: str | None, style: str | None, size: int
) -> tuple[Scene, tuple[HandSpec, GBuffer], tuple[HandSpec, GBuffer] | None, MaskArray]:
    """Return scene, sound hand, flawed hand (None for ok) and flaw mask.

    A flaw that hardly shows is drawn again, with another pose and view.
    """
    side = round(size * DETAIL)
    if pose is None and kind in ONE_FINGER:
        pose = str(np.random.default_rng([seed, Stream.FLAW]).choice(OPEN_POSES))
    for attempt in range(ATTEMPTS):
        scene, sound = _set_scene(seed, attempt, pose, style)
        camera = frame_body(flesh_out(sound), scene.view, side)
        twin = trace(scene, sound, camera, side)
        empty = np.zeros(twin.hit.shape, bool)
        if kind == "ok":
            return scene, (sound, twin), None, empty
        spec = _spoiled(scene.rng(Stream.FLAW), sound, kind)
        flawed = trace(scene, spec, camera, side)
        mask = _flaw_mask(spec, flawed, twin)
        if mask.mean() >= LEAST_FLAW:
            break
    return scene, (sound, twin), (spec, flawed), mask
