"""What the work on one picture passes on, arrays and all; never travels."""

from dataclasses import dataclass
from typing import Literal

from detectors.arrays import CoverArray, MaskArray, RgbArray
from detectors.findings import Finding, Joints, Remedy
from detectors.geometry import Box, Size

Mode = Literal["only-masked", "whole-picture"]
MaskedContent = Literal["original", "fill", "latent-noise", "latent-nothing"]


@dataclass(frozen=True, slots=True, eq=False)
class Inspection:
    """What the chosen detectors said about one picture."""

    findings: tuple[Finding, ...]
    """Everything looked at, the places in order included; sorted by place."""

    looked: tuple[str, ...]
    """Names of the detectors that looked."""

    failed: tuple[tuple[str, str], ...] = ()
    """(detector, reason) of those that could not look."""


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """One connected piece of work: what to repaint, and why."""

    number: int
    box: Box
    """The bounding box of the mask, in picture pixels."""

    mask: MaskArray
    """(box.height, box.width) bool, True = repaint; never empty."""

    findings: tuple[Finding, ...]
    remedy: Remedy = "redraw"
    poses: tuple[Joints, ...] = ()
    """The joints of every hand that reaches into the box, flawed or not."""


@dataclass(frozen=True, slots=True, eq=False)
class PaintRequest:
    """A patch with everything an engine must know, and nothing it must look up."""

    patch: Patch
    mode: Mode
    reason: str
    """Why this mode, in one clause with its numbers."""

    window: Box
    """The part of the picture that is cut out, in picture pixels."""

    working: Size
    """The size at which the engine paints; equal to the window's when it is free."""

    pixels: RgbArray
    """(window H, window W, 3) uint8: the cut-out of the picture as accepted so far."""

    mask: MaskArray
    """(window H, window W) bool, True = repaint."""

    cover: CoverArray
    """(window H, window W) float32: how much of the new pixel is taken."""

    strength: float
    """Denoising strength, 0..1."""

    content: MaskedContent
    mask_blur_px: int
    prompt: str
    negative_prompt: str
    seeds: tuple[int, ...]
    """One per variation."""

    first_number: int = 0
    """The number of the first variation; a retry goes on counting."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One variation as an engine made it, before it is blended in."""

    patch: int
    number: int
    seed: int
    pixels: RgbArray | None
    """(window H, window W, 3) uint8, or None when this variation failed."""

    took_s: float
    problem: str = ""
    """Why there are no pixels: NaN, black, out of memory; "" when there are."""

    notes: tuple[str, ...] = ()
    """What the engine changed on its way, such as a rung of the memory ladder."""
