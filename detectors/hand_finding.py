"""Find every hand in a picture, the small ones too."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from detectors.arrays import RgbArray, size_of
from detectors.geometry import Box
from detectors.hand_framing import HandFrame, cut, frame_of_landmarks, frame_of_palm
from detectors.hand_judging import HandView
from detectors.hand_nets import HandNets, Palm

PALM_ABOVE = 0.2
"""Palms below this are not followed up when the whole picture is shown."""

TILE_PALM_ABOVE = 0.35
"""The same for enlarged cut-outs, of which there are many more to go wrong in."""

PRESENCE_ABOVE = 0.3
"""Presence from which landmarks are trusted."""

SURE_PALM = 0.6
"""Palm score from which a hand is reported although its landmarks are not trusted."""

_PADDING_SHARE = 0.25
_TILE_SHARES = (2, 4)
_TILE_MIN_PX = 160
_TILE_OVERLAP = 0.25
_FLAT_STD = 4.0
"""Cut-outs with less contrast (standard deviation of grey, of 255) are not searched."""

_BOGUS_SHARE = 0.45
"""A box smaller than this share of a bigger one that holds it is no hand of its own."""


@dataclass(frozen=True, slots=True)
class _Window:
    """A part of the picture that is shown to the palm network."""

    box: Box
    """It may reach out of the picture; the edge is repeated there."""

    palm_above: float


def find_hands(
    pixels: RgbArray,
    nets: HandNets,
    *,
    second_look: bool,
    min_side_px: int,
    max_hands: int,
) -> list[HandView]:
    """Return the hands of a picture, largest first.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        nets: The two networks.
        second_look: Search enlarged, overlapping cut-outs too.
        min_side_px: Hands whose landmark box has a shorter short side are left out.
        max_hands: At most so many are returned.

    Raises:
        DetectorFailed: a network failed.
    """
    palms: list[Palm] = []
    for window in _windows(pixels, second_look=second_look):
        for palm in _palms_in(pixels, window, nets):
            if not any(_same_palm(palm, other) for other in palms):
                palms.append(palm)
    views = [_follow(pixels, nets, palm) for palm in palms]
    plausible = [view for view in views if _plausible(view)]
    kept = [
        view
        for view in _without_doubles(plausible)
        if min(view.box().size) >= min_side_px
    ]
    kept.sort(key=lambda view: (-view.frame.side_px, view.frame.x, view.frame.y))
    return kept[:max_hands]


def view_at(
    pixels: RgbArray, nets: HandNets, frame: HandFrame, palm_score: float = 1.0
) -> HandView:
    """Return what the landmark network sees at a known frame."""
    crop = cut(pixels, frame)
    reading = nets.read(crop)
    return HandView(
        pixels=pixels,
        frame=frame,
        crop=crop,
        points=reading.points,
        world=reading.world,
        presence=reading.presence,
        right_hand=reading.right_hand,
        palm_score=palm_score,
    )


def _windows(pixels: RgbArray, *, second_look: bool) -> Iterator[_Window]:
    height, width = pixels.shape[:2]
    whole = Box(0, 0, width, height)
    longest = max(width, height)
    yield _Window(whole, PALM_ABOVE)
    yield _Window(whole.grown(round(_PADDING_SHARE * longest)), PALM_ABOVE)
    if not second_look:
        return
    for share in _TILE_SHARES:
        side = longest / share
        if side < _TILE_MIN_PX:
            return
        for box in _tiles(width, height, round(side)):
            yield _Window(box, TILE_PALM_ABOVE)


def _tiles(width: int, height: int, side: int) -> Iterator[Box]:
    for y0 in _starts(height, side):
        for x0 in _starts(width, side):
            yield Box(x0, y0, min(x0 + side, width), min(y0 + side, height))


def _starts(length: int, side: int) -> list[int]:
    """Return where overlapping pieces start so that they cover the length evenly."""
    if length <= side:
        return [0]
    pieces = int(np.ceil((length - side) / (side * (1 - _TILE_OVERLAP)))) + 1
    return [round(start) for start in np.linspace(0, length - side, pieces)]


def _palms_in(pixels: RgbArray, window: _Window, nets: HandNets) -> list[Palm]:
    shown = _show(pixels, window.box)
    if float(cv2.resize(shown, (48, 48)).std()) < _FLAT_STD:
        return []
    corner = np.array([window.box.x0, window.box.y0], np.float32)
    return [
        Palm(
            palm.centre + corner,
            palm.side_px,
            palm.wrist + corner,
            palm.middle_knuckle + corner,
            palm.score,
        )
        for palm in nets.palms(shown, above=window.palm_above)
    ]


def _show(pixels: RgbArray, box: Box) -> RgbArray:
    inside = box.clipped(size_of(pixels))
    shown = pixels[inside.rows, inside.columns]
    if inside == box:
        return shown
    padded: RgbArray = cv2.copyMakeBorder(
        shown,
        inside.y0 - box.y0,
        box.y1 - inside.y1,
        inside.x0 - box.x0,
        box.x1 - inside.x1,
        cv2.BORDER_REPLICATE,
    )
    return padded


def _follow(pixels: RgbArray, nets: HandNets, palm: Palm) -> HandView:
    first = view_at(
        pixels,
        nets,
        frame_of_palm(palm.centre, palm.side_px, palm.wrist, palm.middle_knuckle),
        palm.score,
    )
    refined = view_at(
        pixels, nets, frame_of_landmarks(first.picture_points()), palm.score
    )
    return refined if refined.presence >= first.presence * 0.5 else first


def _plausible(view: HandView) -> bool:
    return view.presence >= PRESENCE_ABOVE or view.palm_score >= SURE_PALM


def _without_doubles(views: Sequence[HandView]) -> list[HandView]:
    ranked = sorted(
        views, key=lambda view: -view.presence * float(np.sqrt(view.frame.side_px))
    )
    kept: list[HandView] = []
    for view in ranked:
        if not any(_same_hand(view, other) for other in kept):
            kept.append(view)
    return [view for view in kept if not any(_bogus(view, other) for other in kept)]


def _same_hand(one: HandView, other: HandView) -> bool:
    return one.box().overlap(other.box()) > 0.4


def _bogus(small: HandView, big: HandView) -> bool:
    if small is big or small.frame.side_px > _BOGUS_SHARE * big.frame.side_px:
        return False
    outer = big.box()
    return outer.holds(*small.box().centre)


def _same_palm(one: Palm, other: Palm) -> bool:
    distance = float(np.linalg.norm(one.centre - other.centre))
    sides = sorted((one.side_px, other.side_px))
    return distance < 0.35 * sides[1] and sides[0] > 0.6 * sides[1]
