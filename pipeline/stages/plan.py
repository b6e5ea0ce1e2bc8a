"""Decide what an engine is shown: only the masked part or the whole picture."""

from dataclasses import dataclass
from math import sqrt

from detectors.findings import Remedy
from detectors.geometry import Box, Size
from pipeline.by_kind import entry_for
from pipeline.records import MaskedContent, Mode, Patch
from pipeline.settings import ChooseSettings, PlanSettings

FREE_CONTEXT_PX = 200
"""Surroundings that an engine without a size of its own is shown: it copies from them,
and what it needs is seldom farther away than a few patch widths."""

NEAR_NATIVE = (0.75, 1.6)
"""Areas, as multiples of the native square, at which a whole picture is painted at its
own size. Models trained at 512 are used up to 512x768 every day, which is 1.5."""

SQUARE_ENOUGH = 1 / 64
"""A window this near to the working ratio is stretched by under a pixel in 64."""


@dataclass(frozen=True, slots=True)
class Engine:
    """What the plan must know about an engine."""

    native_px: int | None
    """The side of the squares the model was trained on; None when any size does."""

    size_multiple: int
    """Working sizes must be divisible by this, in pixels."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What is cut out, and the size at which it is painted."""

    mode: Mode
    reason: str
    """Why this mode, in one clause with its numbers."""

    window: Box
    working: Size


def plan_for(patch: Patch, settings: PlanSettings) -> PlanSettings:
    """Return the settings as they hold for one patch, see `plan.by_kind`."""
    surest_first = sorted(patch.findings, key=lambda finding: -finding.confidence)
    entries = (entry_for(one.kind, settings.by_kind) for one in surest_first)
    own = next((entry for entry in entries if entry), None)
    if own is None:
        return settings
    return settings.model_copy(update=own.model_dump())


def widest_blur_px(settings: PlanSettings) -> int:
    """Return the largest mask blur that any patch may have."""
    own = (each.mask_blur_px or 0 for each in settings.by_kind.values())
    return max([settings.mask_blur_px, *own])


def strengths(set_one: float, rules: ChooseSettings) -> tuple[float, ...]:
    """Return the denoising strengths to try in turn: the set one, then the retries."""
    retries = (
        round(min(max(set_one + step, rules.min_strength), rules.max_strength), 4)
        for step in rules.retry_steps
    )
    return tuple(dict.fromkeys((set_one, *retries)))


def frame(
    touched: Box, share: float, size: Size, settings: PlanSettings, engine: Engine
) -> Frame:
    """Choose the mode, the window and the working size for one patch.

    Args:
        touched: The pixels that may change, soft edge included; in picture pixels.
        share: The mask's share of the picture's area, 0..1.
        size: The picture's size.
        settings: Thresholds, padding and a forced mode or working size.
        engine: What it was trained on and divides by.
    """
    side = settings.working_px or engine.native_px
    if side is None:
        return _free(touched, size, settings, engine)
    masked = only_masked(
        touched, size, settings.padding_px, (side, engine.size_multiple)
    )
    whole = Box.whole(size)
    whole_working = near_native(size, side, engine.size_multiple)
    scales = masked[1].width / masked[0].width, whole_working.width / size.width
    mode, reason = _mode(share, scales, masked[0] == whole, settings)
    if mode == "whole-picture":
        return Frame(mode, reason, whole, whole_working)
    return Frame(mode, reason, *masked)


def content_for(remedy: Remedy, settings: PlanSettings) -> MaskedContent:
    """Return what stands under the mask when painting starts."""
    return settings.removal_content if remedy == "remove" else settings.masked_content


def _mode(
    share: float, scales: tuple[float, float], same: bool, settings: PlanSettings
) -> tuple[Mode, str]:
    """Choose the mode for an engine with a size of its own.

    Args:
        share: The mask's share of the picture's area.
        scales: Working pixels per picture pixel, only masked and whole.
        same: The only-masked window is the whole picture.
        settings: The thresholds.
    """
    masked_scale, whole_scale = scales
    figures = (
        f"the region takes {share:.1%} of the picture (limit "
        f"{settings.whole_above_share:.0%}); painted at {masked_scale:.2f} of its size "
        f"as a cut-out, at {whole_scale:.2f} with the whole"
    )
    if settings.mode != "auto":
        return settings.mode, f"asked for by plan.mode; {figures}"
    if same:
        return "whole-picture", f"the cut-out would be the whole picture; {figures}"
    if whole_scale >= masked_scale:
        return "whole-picture", f"{figures}, which is no coarser"
    if share < settings.whole_above_share:
        return "only-masked", figures
    if whole_scale < settings.whole_min_scale * masked_scale:
        return (
            "only-masked",
            f"{figures}, under {settings.whole_min_scale:.0%} of the cut-out's",
        )
    return "whole-picture", figures


def _free(touched: Box, size: Size, settings: PlanSettings, engine: Engine) -> Frame:
    """Frame a patch for an engine that paints at any size."""
    if settings.mode == "whole-picture":
        window, reason = Box.whole(size), "asked for by plan.mode"
    else:
        window = touched.grown(FREE_CONTEXT_PX).clipped(size)
        reason = (
            f"the engine paints at any size; {FREE_CONTEXT_PX} px of surroundings shown"
        )
    mode: Mode = "whole-picture" if settings.mode == "whole-picture" else "only-masked"
    multiple = engine.size_multiple
    working = Size(_rounded(window.width, multiple), _rounded(window.height, multiple))
    return Frame(mode, reason, window, working)


def only_masked(
    touched: Box, size: Size, padding_px: int, side: tuple[int, int]
) -> tuple[Box, Size]:
    """Cut out a patch as AUTOMATIC1111 does with "only masked".

    The bounding box of the softened mask is padded, clipped, grown to the working
    ratio, shifted inside and clipped again. Unlike there, where the picture is too
    narrow for the ratio, the working size takes the window's ratio instead of
    stretching the window's edges.

    Args:
        touched: Bounding box of the softened mask, in picture pixels.
        size: The picture's size.
        padding_px: Context on each side.
        side: The working square's side and the number it must be divisible by.

    Returns:
        The window in picture pixels, and the working size.
    """
    side_px, multiple = side
    square = _rounded(side_px, multiple)
    padded = touched.grown(padding_px).clipped(size)
    window = grown_to_ratio(padded, Size(square, square), size)
    if abs(window.width / window.height - 1) <= SQUARE_ENOUGH:
        return window, Size(square, square)
    return window, _same_ratio(window.size, side_px, multiple)


def grown_to_ratio(box: Box, ratio: Size, size: Size) -> Box:
    """Grow the short side of a box to a ratio; shift it inside, then clip it.

    Args:
        box: A box inside the picture.
        ratio: Width and height whose ratio is wanted.
        size: The picture's size.

    Returns:
        A box inside the picture that holds `box`. The ratio is missed only where the
        picture itself is too narrow, and by rounding down to whole pixels.
    """
    wanted = ratio.width / ratio.height
    if box.width / box.height > wanted:
        extra = int(box.width / wanted - box.height)
        y0, y1 = _spread(box.y0, box.y1, extra, size.height)
        return Box(box.x0, y0, box.x1, y1)
    extra = int(box.height * wanted - box.width)
    x0, x1 = _spread(box.x0, box.x1, extra, size.width)
    return Box(x0, box.y0, x1, box.y1)


def _spread(low: int, high: int, extra: int, limit: int) -> tuple[int, int]:
    """Add `extra` to both ends of a stretch, the odd one high, and keep it inside."""
    low, high = low - extra // 2, high + extra - extra // 2
    if high > limit:
        low, high = low - (high - limit), limit
    if low < 0:
        low, high = 0, high - low
    return low, min(high, limit)


def near_native(size: Size, side_px: int, multiple: int) -> Size:
    """Return the working size of a whole picture.

    The picture's own size where the model can paint it as it is; else the same shape
    with about the area of the native square.
    """
    relative = size.width * size.height / side_px**2
    divisible = size.width % multiple == 0 and size.height % multiple == 0
    bounded = side_px / 2 <= min(size) <= max(size) <= side_px * 2
    if divisible and bounded and NEAR_NATIVE[0] <= relative <= NEAR_NATIVE[1]:
        return size
    return _same_ratio(size, side_px, multiple)


def _same_ratio(size: Size, side_px: int, multiple: int) -> Size:
    """Return a size of this ratio with the area of a square, each side bounded.

    No side is under half or over twice the native side: beyond that, models repeat
    their subject or lose it.
    """
    scale = side_px / sqrt(size.width * size.height)
    sides = (
        min(max(length * scale, side_px / 2), side_px * 2)
        for length in (size.width, size.height)
    )
    width, height = (_rounded(length, multiple) for length in sides)
    return Size(width, height)


def _rounded(length: float, multiple: int) -> int:
    """Round to a multiple, never to 0."""
    return max(1, round(length / multiple)) * multiple
