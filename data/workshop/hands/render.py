"""Put everything together: a seed in, a hand and its ground truth out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import pi

import cv2
import numpy as np
import numpy.typing as npt

from workshop.hands.anatomy import HandSpec, Sleeve, plain_digits, scaled
from workshop.hands.backgrounds import make_background, random_colour
from workshop.hands.camera_effects import develop, sample_camerawork
from workshop.hands.drawn import brushed, paper, shade_anime, shade_sketch
from workshop.hands.flaws import FLAWS
from workshop.hands.flesh import PROP, SLEEVE, flesh_out
from workshop.hands.gbuffer import Camera, GBuffer, Plane, View, frame_body, look
from workshop.hands.photo import Lighting, Triple, sample_lighting, shade_photo
from workshop.hands.poses import POSES, Posed
from workshop.hands.skin import SkinLook, SkinPlanes, paint_skin, sample_skin

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
SECOND_HAND = 0.1
"""Share of pictures in which another hand is behind the first."""

_SHAPE, _FLAW, _VIEW, _LOOK, _BACKDROP, _CAMERA, _SHADE, _OTHER = range(8)


@dataclass(frozen=True, slots=True, eq=False)
class RenderedHand:
    """One picture of one hand, and all that is known about it."""

    pixels: RgbArray
    """(H, W, 3) uint8 RGB."""
    hand: MaskArray
    """(H, W) bool: palm and digits; never those of a second hand behind."""
    skin: MaskArray
    """(H, W) bool: palm, digits and forearm."""
    digit_masks: MaskArray
    """(K, H, W) bool, the visible pixels of each digit, in the order of `names`."""
    names: tuple[str, ...]
    """thumb, index, middle, ring, little, extra."""
    digits: int
    """How many digits the hand has; a forked finger counts by its tips."""
    visible_digits: int
    """How many of them can be seen."""
    kind: str
    pose: str
    style: str
    flaw: MaskArray
    """(H, W) bool: where the flaw shows; empty for `ok`."""
    joints: npt.NDArray[np.float32]
    """(K, 4, 2) x, y in pixels, root to tip; may lie outside the frame."""
    wrist: tuple[float, float]
    """x, y in pixels; may lie outside the frame."""
    left: bool
    palm_side: bool
    """The palm, rather than the back, faces the viewer."""
    seed: int
    alpha: Plane | None
    """(H, W) float32 0..1: hand, forearm, sleeve and things; only if asked for."""


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
    sound = _sound_hand(rng, pose)[0]
    return _spoiled(rng, sound, kind)


def _spoiled(rng: np.random.Generator, sound: HandSpec, kind: str) -> HandSpec:
    if kind == "ok":
        return sound
    if kind not in FLAWS:
        raise ValueError(f"no kind {kind!r}; the kinds are {', '.join(KINDS)}")
    return replace(FLAWS[kind](rng, sound), kind=kind)


def _sound_hand(rng: np.random.Generator, pose: str | None) -> tuple[HandSpec, Posed]:
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


def _sample_view(rng: np.random.Generator, posed: Posed, left: bool) -> View:
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

    sound, posed = _sound_hand(stream(_SHAPE), pose)
    looks = stream(_LOOK)
    drawn = str(looks.choice(STYLES, p=STYLE_SHARES))
    if style is not None and style not in STYLES:
        raise ValueError(f"no style {style!r}; the styles are {', '.join(STYLES)}")
    cloth, thing = random_colour(looks, 0.5), random_colour(looks, 0.3)
    scene = Scene(
        seed=seed,
        attempt=attempt,
        view=_sample_view(stream(_VIEW), posed, sound.left),
        lighting=sample_lighting(looks),
        style=style or drawn,
        colours=(
            (float(cloth[0]), float(cloth[1]), float(cloth[2])),
            (float(thing[0]), float(thing[1]), float(thing[2])),
        ),
    )
    return scene, sound


def _trace(scene: Scene, spec: HandSpec, camera: Camera, side: int) -> GBuffer:
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


def _composite(layer: Plane, cover: Plane, backdrop: Plane, scene: Scene) -> Plane:
    """Lay the hand over the background, with a shadow on it for some."""
    rng = scene.rng(_SHADE)
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


def _shade(g: GBuffer, scene: Scene, backdrop: Plane | None) -> tuple[Plane, Plane]:
    """Return picture (H, W, 3) 0..1 and cover (H, W) 0..1 at traced size."""
    person = sample_skin(scene.rng(_LOOK).spawn(1)[0])
    skin = paint_skin(g, person)
    side = g.hit.shape[0]
    cover = cv2.GaussianBlur(g.hit.astype(np.float32), (0, 0), 0.5)
    if scene.style == "sketch":
        rng = scene.rng(_SHADE)
        pencil = shade_sketch(g, skin, scene.lighting, rng)
        sheet = paper(rng, side)
        lead = np.array([0.18, 0.17, 0.2], np.float32)
        picture = sheet * (1 - pencil[..., None]) + lead * pencil[..., None]
        return picture.astype(np.float32), cover
    if backdrop is None:
        backdrop = make_background(scene.rng(_BACKDROP), side)
        if scene.rng(_OTHER).random() < SECOND_HAND:
            backdrop = _with_second_hand(backdrop, scene, person)
    picture = _layered(g, skin, scene, person, backdrop)
    if scene.style == "painted":
        rng = scene.rng(_SHADE)
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
        flat = shade_anime(g, skin, scene.lighting, colours, scene.rng(_SHADE))
        smooth = cv2.bilateralFilter(backdrop, 5, 0.2, 3)
        return _composite(flat, cv2.dilate(cover, np.ones((3, 3))), smooth, scene)
    layer = shade_photo(g, skin, scene.lighting, colours, person.seed)
    return _composite(_bleed(layer, g.hit), cover, backdrop, scene)


def _with_second_hand(backdrop: Plane, scene: Scene, person: SkinLook) -> Plane:
    """Put another hand of the same person behind the first."""
    rng = scene.rng(_OTHER)
    spec, posed = _sound_hand(rng, None)
    view = _sample_view(rng, posed, spec.left)
    away = (float(rng.normal(0, 0.25)), float(rng.normal(0, 0.25)))
    view = replace(
        view, shift=away, fill=scene.view.fill * float(rng.uniform(0.8, 1.1))
    )
    side = backdrop.shape[0]
    g = _trace(scene, spec, frame_body(flesh_out(spec), view, side), side)
    return _layered(g, paint_skin(g, person), scene, person, backdrop)


def _shrunk(mask: MaskArray, size: int) -> MaskArray:
    """Return a mask at the finished size, True where over half is covered."""
    small = cv2.resize(
        mask.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA
    )
    result: MaskArray = small > 0.5
    return result


def _finish(
    scene: Scene,
    spec: HandSpec,
    g: GBuffer,
    flaw: MaskArray,
    options: tuple[int, RgbArray | None, bool],
) -> RenderedHand:
    """Shade a tracing and gather its ground truth."""
    size, background, transparent = options
    side = g.hit.shape[0]
    backdrop = None
    if background is not None:
        big = cv2.resize(background, (side, side), interpolation=cv2.INTER_CUBIC)
        backdrop = big.astype(np.float32) / 255
    picture, cover = _shade(g, scene, backdrop)
    picture = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
    work = sample_camerawork(
        scene.rng(_CAMERA), size, clean=scene.style != "photo" or transparent
    )
    if transparent:
        work = replace(work, jpeg=0, vignette=0.0, motion_px=0.0, shrink=1.0, grain=0.0)
    masks = np.array([_shrunk(mask, size) for mask in g.instances()])
    scale = size / side
    chains = g.body.chains
    joints = np.array([g.camera.project(chain.joints) * scale for chain in chains])
    wrist = g.camera.project(np.zeros((1, 3)))[0] * scale
    seen = masks.sum(axis=(1, 2)) >= max(size * size * 0.0012, 6)
    alpha = cv2.resize(cover, (size, size), interpolation=cv2.INTER_AREA)
    return RenderedHand(
        pixels=develop(picture, work),
        hand=_shrunk(g.hand, size),
        skin=_shrunk(g.skin, size),
        digit_masks=masks,
        names=tuple(digit.name for digit in spec.digits),
        digits=spec.count,
        visible_digits=int(seen.sum()),
        kind=spec.kind,
        pose=spec.pose,
        style=scene.style,
        flaw=_shrunk(flaw, size),
        joints=joints.astype(np.float32),
        wrist=(float(wrist[0]), float(wrist[1])),
        left=spec.left,
        palm_side=bool(g.camera.axes[2, 2] > 0),
        seed=scene.seed,
        alpha=alpha.astype(np.float32) if transparent else None,
    )


def _staged(
    seed: int, kind: str, pose: str | None, style: str | None, size: int
) -> tuple[Scene, tuple[HandSpec, GBuffer], tuple[HandSpec, GBuffer] | None, MaskArray]:
    """Return scene, sound hand, flawed hand (None for ok) and flaw mask.

    A flaw that hardly shows is drawn again, with another pose and view.
    """
    side = round(size * DETAIL)
    if pose is None and kind in ONE_FINGER:
        pose = str(np.random.default_rng([seed, _FLAW]).choice(OPEN_POSES))
    for attempt in range(ATTEMPTS):
        scene, sound = _set_scene(seed, attempt, pose, style)
        camera = frame_body(flesh_out(sound), scene.view, side)
        twin = _trace(scene, sound, camera, side)
        empty = np.zeros(twin.hit.shape, bool)
        if kind == "ok":
            return scene, (sound, twin), None, empty
        spec = _spoiled(scene.rng(_FLAW), sound, kind)
        flawed = _trace(scene, spec, camera, side)
        mask = _flaw_mask(spec, flawed, twin)
        if mask.mean() >= LEAST_FLAW:
            break
    return scene, (sound, twin), (spec, flawed), mask


def render_hand(
    seed: int,
    *,
    kind: str = "ok",
    pose: str | None = None,
    style: str | None = None,
    size: int = 192,
    background: RgbArray | None = None,
    transparent: bool = False,
) -> RenderedHand:
    """Draw one hand; the same arguments always give the same picture.

    Args:
        seed: Decides everything that is not asked for.
        kind: One of KINDS.
        pose: One of POSES; None draws one.
        style: One of STYLES; None draws one.
        size: Height and width in pixels.
        background: (H, W, 3) uint8 RGB to put behind the hand; None makes one.
        transparent: Also return `alpha`, and leave out effects that would not
            survive being laid over another picture.
    """
    scene, sound, flawed, mask = _staged(seed, kind, pose, style, size)
    spec, g = flawed or sound
    return _finish(scene, spec, g, mask, (size, background, transparent))


def render_pair(
    seed: int,
    *,
    kind: str,
    pose: str | None = None,
    style: str | None = None,
    size: int = 192,
    background: RgbArray | None = None,
) -> tuple[RenderedHand, RenderedHand]:
    """Draw a flawed hand and its sound twin, alike in all but the flaw.

    Both carry the same `flaw` mask. Arguments as for `render_hand`.

    Raises:
        ValueError: `kind` is ok, or not known.
    """
    if kind == "ok":
        raise ValueError("a pair needs a flaw; for one sound hand use render_hand")
    scene, sound, flawed, mask = _staged(seed, kind, pose, style, size)
    if flawed is None:
        raise ValueError(f"kind {kind!r} spoils nothing")
    options = (size, background, False)
    return (
        _finish(scene, *flawed, mask, options),
        _finish(scene, *sound, mask, options),
    )


__all__ = [
    "KINDS",
    "POSE_NAMES",
    "STYLES",
    "RenderedHand",
    "render_hand",
    "render_pair",
    "sample_hand",
]
