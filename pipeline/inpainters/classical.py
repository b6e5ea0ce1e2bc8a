"""Engine without weights: PatchMatch for holes, Telea and Navier-Stokes for scratches.

It can remove something, and it cannot draw: prompt, strength and masked content mean
nothing to it. Its variations come from really different fills (a mirrored or turned
source, another patch size, a hole that takes in the mask's soft edge), so that choosing
among them is worth the while.
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import cv2
import numpy as np

from detectors.arrays import MaskArray, RgbArray, check_mask, check_rgb, size_of
from detectors.geometry import Box
from pipeline.errors import PaintFailed
from pipeline.records import Candidate, PaintRequest
from pipeline.settings import InpaintSettings

CROP_MARGIN_PX = 200
"""Surroundings that may be copied from; a 1800x1200 picture whole takes 5.1 s, the hole
and 200 px around it 2.6 s."""

MIN_SOURCE_SHARE = 0.05
"""Share of a crop that must be outside the hole for PatchMatch to copy from."""

Method = Literal["patchmatch", "telea", "navier-stokes"]
Turn = Literal["none", "mirrored", "turned", "flipped"]
PatchFill: TypeAlias = Callable[[RgbArray, MaskArray, MaskArray, int, int], RgbArray]
"""(pixels, hole, forbidden, radius_px, seed) -> pixels with the hole filled; nothing is
copied from where `forbidden` is set."""

_TURNS: dict[Turn, tuple[slice, slice]] = {
    "mirrored": (slice(None), slice(None, None, -1)),
    "turned": (slice(None, None, -1), slice(None, None, -1)),
    "flipped": (slice(None, None, -1), slice(None)),
}
_FLAGS = {"telea": cv2.INPAINT_TELEA, "navier-stokes": cv2.INPAINT_NS}
_NATIVE = threading.Lock()
"""PatchMatch's native library has one seed for the whole process."""


@dataclass(frozen=True, slots=True)
class FillPlan:
    """One way to fill a hole."""

    method: Method
    radius_px: int
    turn: Turn = "none"
    """A second copy of the surroundings to take from, turned like this."""

    soft_edge: bool = False
    """Fill the mask's soft edge too, so that a halo around a flaw goes with it."""


class ClassicalInpainter:
    """Fills holes with what is around them."""

    def __init__(self, settings: InpaintSettings, patch_fill: PatchFill | None) -> None:
        """Keep the settings.

        Args:
            settings: `patch_radius_px` and `scratch_px` are read.
            patch_fill: PatchMatch, or None where no build of it fits this machine.
        """
        self._settings = settings
        self._patch_fill = patch_fill

    @property
    def name(self) -> str:
        return "classical/patchmatch" if self._patch_fill else "classical/telea"

    @property
    def draws(self) -> bool:
        return False

    @property
    def native_px(self) -> int | None:
        return None

    @property
    def size_multiple(self) -> int:
        return 1

    def paint(self, request: PaintRequest) -> Iterator[Candidate]:
        """Yield one fill per seed, at the window's own size.

        Pixels where the request's cover is 0 are those of the request.

        Raises:
            PaintFailed: the mask leaves nothing to copy from.
        """
        check_rgb(request.pixels)
        check_mask(request.mask, size_of(request.pixels))
        if request.mask.all():
            raise PaintFailed(
                "the mask covers the whole cut-out, so there is nothing to copy from; "
                "use more padding (plan.padding_px) or the diffusion engine"
            )
        return self._candidates(request)

    def close(self) -> None:
        """Hold nothing, so free nothing."""

    def _candidates(self, request: PaintRequest) -> Iterator[Candidate]:
        thin = thickness_px(request.mask) < self._settings.scratch_px
        for offset, seed in enumerate(request.seeds):
            number = request.first_number + offset
            started = time.perf_counter()
            plan = plan_fill(number, thin, self._settings.patch_radius_px)
            notes: tuple[str, ...] = ()
            if self._patch_fill is None:
                plan = plan_scratch(number)
                notes = ("PatchMatch is not available here; filled by OpenCV",)
            pixels, remarks = self._fill(request, plan, seed)
            yield Candidate(
                patch=request.patch.number,
                number=number,
                seed=seed,
                pixels=pixels,
                took_s=time.perf_counter() - started,
                notes=(*notes, describe(plan), *remarks),
            )

    def _fill(
        self, request: PaintRequest, plan: FillPlan, seed: int
    ) -> tuple[RgbArray, tuple[str, ...]]:
        hole = request.mask
        if plan.soft_edge:
            wide = hole | (request.cover > 0)
            hole = hole if wide.all() else wide
        box = crop_around(hole)
        crop, part = request.pixels[box.rows, box.columns], hole[box.rows, box.columns]
        filled, remarks = self._fill_crop(crop, part, plan, seed)
        result = request.pixels.copy()
        result[box.rows, box.columns][part] = filled[part]
        return result, remarks

    def _fill_crop(
        self, crop: RgbArray, hole: MaskArray, plan: FillPlan, seed: int
    ) -> tuple[RgbArray, tuple[str, ...]]:
        if plan.method == "patchmatch" and self._patch_fill is not None:
            if 1.0 - hole.mean() < MIN_SOURCE_SHARE:
                spare = FillPlan("telea", 5)
                return fill_scratch(crop, hole, spare), (
                    "too little around the hole to copy from; filled by Telea's method",
                )
            return fill_hole(crop, hole, plan, seed, self._patch_fill), ()
        return fill_scratch(crop, hole, plan), ()


def build(settings: InpaintSettings) -> ClassicalInpainter:
    """Build the engine; without PatchMatch it falls back to OpenCV and says so."""
    return ClassicalInpainter(settings, load_patch_fill())


def load_patch_fill() -> PatchFill | None:
    """Return PatchMatch from the package `pypatchmatch`, or None without a build."""
    try:
        import patchmatch  # noqa: PLC0415  absent where no wheel fits
    except (ImportError, OSError):
        return None
    if not patchmatch.patchmatch_available:
        return None

    def fill(
        pixels: RgbArray,
        hole: MaskArray,
        forbidden: MaskArray,
        radius_px: int,
        seed: int,
    ) -> RgbArray:
        with _NATIVE:
            patchmatch.set_random_seed(seed)
            filled: RgbArray = patchmatch.inpaint(
                pixels, hole, global_mask=forbidden, patch_size=radius_px
            )
        return filled

    return fill


def plan_fill(number: int, thin: bool, radius_px: int) -> FillPlan:
    """Return how variation `number` is filled; neighbours differ in more than a seed.

    Args:
        number: The variation, from 0.
        thin: Whether the hole is a scratch, where diffusion of colours is best.
        radius_px: Radius of PatchMatch's patches.
    """
    fine, coarse = max(1, radius_px - 2), radius_px + 2
    holes = (
        FillPlan("patchmatch", radius_px),
        FillPlan("patchmatch", radius_px, "mirrored"),
        FillPlan("patchmatch", radius_px, "none", soft_edge=True),
        FillPlan("patchmatch", fine, "turned"),
        FillPlan("patchmatch", coarse),
        FillPlan("patchmatch", fine, "mirrored", soft_edge=True),
        FillPlan("patchmatch", fine),
        FillPlan("patchmatch", radius_px, "flipped", soft_edge=True),
    )
    if thin and number % 2 == 0:
        return plan_scratch(number // 2)
    return holes[(number // 2 if thin else number) % len(holes)]


def plan_scratch(number: int) -> FillPlan:
    """Return how variation `number` is filled without PatchMatch."""
    method: Method = "telea" if number % 2 == 0 else "navier-stokes"
    return FillPlan(
        method, min(31, 3 + 2 * (number // 2)), soft_edge=number // 2 % 2 == 1
    )


def fill_hole(
    crop: RgbArray, hole: MaskArray, plan: FillPlan, seed: int, patch_fill: PatchFill
) -> RgbArray:
    """Fill a hole by PatchMatch, from the crop and, if planned, from a turned copy.

    Args:
        crop: (H, W, 3) uint8 RGB.
        hole: (H, W) bool.
        plan: Patch radius and turn.
        seed: Where the random search starts.
        patch_fill: The native function.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    nothing = np.zeros_like(hole)
    source = np.ascontiguousarray(crop)
    if plan.turn == "none":
        return patch_fill(source, hole, nothing, plan.radius_px, seed)
    turn = _TURNS[plan.turn]
    filled = patch_fill(
        np.concatenate([source, source[turn]], axis=1),
        np.concatenate([hole, nothing], axis=1),
        np.concatenate([nothing, hole[turn]], axis=1),
        plan.radius_px,
        seed,
    )
    return filled[:, : crop.shape[1]]


def fill_scratch(crop: RgbArray, hole: MaskArray, plan: FillPlan) -> RgbArray:
    """Fill a thin hole by letting the colours around it flow in (OpenCV)."""
    flag = _FLAGS.get(plan.method, cv2.INPAINT_TELEA)
    filled: RgbArray = cv2.inpaint(
        np.ascontiguousarray(crop), hole.astype(np.uint8), plan.radius_px, flag
    )
    return filled


def thickness_px(mask: MaskArray) -> float:
    """Return twice the greatest distance inside the mask to its edge, in pixels."""
    framed = np.pad(mask.astype(np.uint8), 1)
    return 2.0 * float(cv2.distanceTransform(framed, cv2.DIST_L2, 5).max())


def crop_around(hole: MaskArray) -> Box:
    """Return the hole's box with what may be copied from, inside the cut-out."""
    rows, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
    if not rows.size:
        raise PaintFailed("the mask is blank, so there is nothing to fill")
    tight = Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    return tight.grown(CROP_MARGIN_PX).clipped(size_of(hole))


def describe(plan: FillPlan) -> str:
    """Return the plan in words, for the report."""
    parts = [f"{plan.method}, radius {plan.radius_px} px"]
    if plan.turn != "none":
        parts.append(f"{plan.turn} source")
    if plan.soft_edge:
        parts.append("soft edge filled too")
    return ", ".join(parts)
