"""The seam between finding hands and judging them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from detectors.arrays import MaskArray, RgbArray
from detectors.findings import Mark
from detectors.geometry import Box
from detectors.hand_framing import FRAME_PX, HandFrame, PointArray, cut

Flaw = Literal["extra-digit", "missing-digit", "fused", "malformed"]
"""What can be wrong with a hand; the part of a kind after `hand/`."""


@dataclass(frozen=True, slots=True, eq=False)
class HandView:
    """One hand that was found, as every judge sees it."""

    pixels: RgbArray
    """The whole picture, (H, W, 3) uint8 RGB; shared, never written to."""

    frame: HandFrame
    """Where the upright cut-out lies in the picture."""

    crop: RgbArray
    """(FRAME_PX, FRAME_PX, 3) uint8 RGB: the upright cut-out, fingers up.

    Right hands and left hands both occur; nothing is mirrored.
    """

    points: PointArray
    """(21, 2) float32: MediaPipe's landmarks in pixels of `crop`."""

    world: npt.NDArray[np.float32]
    """(21, 3) float32: landmarks in metres about the hand's centre, upright."""

    presence: float
    """0..1, how sure the landmark network is that there is a hand; median of looks."""

    right_hand: float
    """0..1, the landmark network's belief that it is a right hand."""

    palm_score: float
    """0..1, the palm network's score."""

    jitter: float = 0.0
    """How far the landmarks move under turned and mirrored looks, in palm lengths."""

    def picture_points(self) -> PointArray:
        """Return the landmarks in picture pixels, (21, 2) float32."""
        return self.frame.to_picture(self.points)

    def box(self) -> Box:
        """Return the box around the landmarks, in picture pixels, not clipped."""
        points = self.picture_points()
        low, high = points.min(axis=0), points.max(axis=0)
        return Box.around(float(low[0]), float(low[1]), float(high[0]), float(high[1]))

    @property
    def palm_px(self) -> float:
        """Wrist to the middle finger's knuckle, in picture pixels."""
        length = float(np.linalg.norm(self.points[9] - self.points[0]))
        return length * self.frame.side_px / FRAME_PX

    def again(
        self, *, angle: float = 0.0, scale: float = 1.0, flip: bool = False
    ) -> HandFrame:
        """Return the frame of another look: turned (radians), scaled, mirrored."""
        frame = self.frame.turned(angle, scale)
        return frame.mirrored() if flip else frame

    def cut(self, frame: HandFrame, out_px: int = FRAME_PX) -> RgbArray:
        """Return the cut-out of the picture at `frame`, at any resolution."""
        return cut(self.pixels, frame, out_px)


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What a judge says about one hand."""

    p_flawed: float
    """0..1, the calibrated probability that the hand is flawed."""

    doubt: str = ""
    """Why it cannot be told, in one clause; "" when the judge stands by `p_flawed`."""

    digits: int | None = None
    """Digits seen, the thumb included; None when they cannot be counted."""

    flaws: Mapping[Flaw, float] = field(default_factory=dict)
    """How likely each flaw is, given that there is one; sums to 1, or empty."""

    marks: tuple[Mark, ...] = ()
    """Evidence, such as numbered fingertips, in pixels of the view's crop."""

    flaw_mask: MaskArray | None = None
    """(FRAME_PX, FRAME_PX) bool in the view's crop: where it is wrong, if known."""

    hand_mask: MaskArray | None = None
    """(FRAME_PX, FRAME_PX) bool in the view's crop: this hand, as the judge sees it."""

    surplus_mask: MaskArray | None = None
    """(FRAME_PX, FRAME_PX) bool: one surplus digit alone, on an otherwise good hand.

    Given only when the judge is confident; it turns the remedy into a removal.
    """


class HandJudge(Protocol):
    """Tells how likely each hand is flawed, and in what way."""

    @property
    def name(self) -> str: ...

    def judge(self, views: Sequence[HandView]) -> list[Verdict]:
        """Return one verdict per view, in order.

        The same views give the same verdicts, whatever was judged before.

        Raises:
            DetectorFailed: the judge could not look.
        """
        ...

    def close(self) -> None:
        """Free what it holds; calling it twice does no harm."""
        ...


def check_verdict(verdict: Verdict) -> None:
    """Refuse a verdict that breaks the promises of its fields.

    Raises:
        ValueError: a probability is out of range, or a mask has the wrong shape.
    """
    if not 0.0 <= verdict.p_flawed <= 1.0:
        raise ValueError(f"p_flawed must be 0..1, got {verdict.p_flawed}")
    if verdict.flaws and abs(sum(verdict.flaws.values()) - 1.0) > 1e-3:
        raise ValueError(f"flaws must sum to 1, got {dict(verdict.flaws)}")
    for mask in (verdict.flaw_mask, verdict.hand_mask, verdict.surplus_mask):
        if mask is not None and mask.shape != (FRAME_PX, FRAME_PX):
            raise ValueError(f"masks must be {FRAME_PX} px square, got {mask.shape}")
