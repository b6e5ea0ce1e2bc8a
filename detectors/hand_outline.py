"""The outline of a whole hand with part of its wrist, surplus digits included."""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from detectors.arrays import MaskArray, RgbArray, size_of
from detectors.geometry import Box
from detectors.hand_framing import HandFrame, PointArray
from detectors.hand_judging import HandView

CHAINS = (
    (0, 1, 2, 3, 4),
    (0, 5, 6, 7, 8),
    (0, 9, 10, 11, 12),
    (0, 13, 14, 15, 16),
    (0, 17, 18, 19, 20),
)
"""Landmarks of thumb, index, middle, ring and little finger, wrist first."""

_PALM = (0, 1, 2, 5, 9, 13, 17)
_WORKING_PX = 176
_REACH = 1.35
"""Side of the part that is looked at, in frames: surplus digits may stick out."""

_CORE = 0.06
"""Half width of what is surely hand, in palm lengths (wrist to middle knuckle)."""

_FLESH = 0.13
"""Half width of a finger with its outline; adult fingers are 0.09 to 0.12 wide."""

_WRIST = 0.45
"""How much of the forearm is taken along, in palm lengths."""

_AROUND = 0.42
"""How far from the bones a hand may reach, in palm lengths."""

_BEYOND_TIPS = 0.25
"""How far surplus digits may reach beyond the fan of the known ones, likewise."""


_HOLE = 0.15
"""Holes up to this area, in palm lengths squared, belong to the hand: a ring that thumb
and index finger form is larger."""


class Outline(NamedTuple):
    """A mask and where it lies."""

    box: Box
    """Inside the picture."""

    mask: MaskArray
    """(box.height, box.width) bool."""


def outline_of(view: HandView, seen: MaskArray | None = None) -> Outline:
    """Return the mask of a hand in its picture.

    What lies close to the bones always belongs to it; from there it grows as far as the
    next edge in the picture, whatever the colours, so it works on drawings as on
    photographs, and takes in digits that the landmarks do not know.

    Args:
        view: The hand.
        seen: (FRAME_PX, FRAME_PX) bool in the view's crop: what somebody who looked
            saw of the hand, or found wrong with it; it is taken in too.
    """
    frame = view.frame.turned(0.0, _REACH)
    crop = view.cut(frame, _WORKING_PX)
    points = frame.from_picture(view.picture_points(), _WORKING_PX)
    placed = None if seen is None else _placed(seen)
    return back_to_picture(hand_region(crop, points, placed), frame, view)


def _placed(seen: MaskArray) -> MaskArray:
    """Return a mask of the view's crop as one of the larger part that is looked at."""
    inner = round(_WORKING_PX / _REACH)
    small = cv2.resize(
        seen.astype(np.float32), (inner, inner), interpolation=cv2.INTER_AREA
    )
    before = (_WORKING_PX - inner) // 2
    after = _WORKING_PX - inner - before
    placed: MaskArray = np.pad(small > 0.5, ((before, after), (before, after)))
    return placed


def back_to_picture(mask: MaskArray, frame: HandFrame, view: HandView) -> Outline:
    """Return a mask of an upright square cut-out as a mask of the picture.

    Args:
        mask: (N, N) bool, in the cut-out at `frame`.
        frame: Where the cut-out lies.
        view: The hand whose picture it is.

    Returns:
        The mask within its bounding box; at least one pixel large.
    """
    size = size_of(view.pixels)
    box = frame.bounds().clipped(size)
    if box.area == 0:
        x = int(min(max(frame.x, 0), size.width - 1))
        y = int(min(max(frame.y, 0), size.height - 1))
        return Outline(Box(x, y, x + 1, y + 1), np.ones((1, 1), np.bool_))
    matrix = frame.matrix(mask.shape[0])
    matrix[:, 2] += matrix[:, :2] @ np.full(2, 0.5) - 0.5 - (box.x0, box.y0)
    spread = cv2.warpAffine(
        mask.astype(np.float32), matrix, (box.width, box.height), flags=cv2.INTER_LINEAR
    )
    drawn = spread > 0.5
    if not drawn.any():
        drawn[drawn.shape[0] // 2, drawn.shape[1] // 2] = True
    rows, columns = np.flatnonzero(drawn.any(1)), np.flatnonzero(drawn.any(0))
    tight = Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    return Outline(
        tight.shifted(box.x0, box.y0), drawn[tight.rows, tight.columns].copy()
    )


def hand_region(
    crop: RgbArray, points: PointArray, seen: MaskArray | None = None
) -> MaskArray:
    """Return the hand in an upright square cut-out.

    Args:
        crop: (N, N, 3) uint8 RGB, the hand upright inside.
        points: (21, 2) landmarks in pixels of the cut-out.
        seen: (N, N) bool, what is known to be hand besides, or None.

    Returns:
        (N, N) bool.
    """
    side = crop.shape[0]
    palm = max(float(np.linalg.norm(points[9] - points[0])), side * 0.02)
    core = draw_bones(side, points, _CORE * palm)
    flesh = draw_bones(side, points, _FLESH * palm)
    allowed = _allowed(side, points, palm)
    grown = _flood(crop, core, allowed) & allowed
    if seen is not None:
        grown = grown | (seen & ~_behind_wrist(side, points, palm))
    region = (flesh | grown).astype(np.uint8)
    knit = _disc(max(1, round(0.05 * palm)))
    region = cv2.morphologyEx(region, cv2.MORPH_OPEN, knit)
    region = cv2.morphologyEx(region | flesh, cv2.MORPH_CLOSE, knit)
    return _filled(_connected(region, core), _HOLE * palm**2)


def _filled(region: MaskArray, most_area: float) -> MaskArray:
    """Return a region without holes of up to that area, in pixels."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(
        np.pad(~region, 1, constant_values=True).astype(np.uint8), connectivity=4
    )
    small = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] <= most_area)
    holes = np.isin(labels[1:-1, 1:-1], small[small > 0])
    filled: MaskArray = region | holes
    return filled


def draw_bones(side: int, points: PointArray, half_width: float) -> MaskArray:
    """Return (side, side) bool: palm, digits and part of the wrist, that thick."""
    canvas = np.zeros((side, side), np.uint8)
    thick = max(1, round(2 * half_width))
    for chain in CHAINS:
        cv2.polylines(canvas, [_whole(points[list(chain)])], False, 1, thick)
    cv2.fillPoly(canvas, [_whole(points[list(_PALM)])], 1)
    cv2.polylines(canvas, [_whole(points[list(_PALM)])], True, 1, thick)
    axis = points[0] - points[[5, 9, 13, 17]].mean(axis=0)
    length = max(float(np.linalg.norm(axis)), 1.0)
    across = np.array([-axis[1], axis[0]], np.float32) / length
    half = 0.26 * length
    end = points[0] + axis / length * _WRIST * length
    arm = [points[0] - across * half, points[0] + across * half]
    arm += [end + across * half, end - across * half]
    cv2.fillPoly(canvas, [_whole(np.array(arm))], 1)
    drawn: MaskArray = canvas.astype(np.bool_)
    return drawn


def _allowed(side: int, points: PointArray, palm: float) -> MaskArray:
    """Return where the hand may be: near its bones, and in the fan of its digits."""
    canvas = draw_bones(side, points, _AROUND * palm).astype(np.uint8)
    fan = np.zeros((side, side), np.uint8)
    middle = points.mean(axis=0)
    hull = cv2.convexHull(points.astype(np.float32))[:, 0]
    outward = hull - middle
    reach = np.linalg.norm(outward, axis=1, keepdims=True)
    pushed = hull + outward / np.maximum(reach, 1.0) * _BEYOND_TIPS * palm
    cv2.fillConvexPoly(fan, _whole(pushed), 1)
    behind = _behind_wrist(side, points, palm)
    allowed: MaskArray = ((canvas | fan) > 0) & ~behind
    return allowed


def _behind_wrist(side: int, points: PointArray, palm: float) -> MaskArray:
    axis = points[0] - points[[5, 9, 13, 17]].mean(axis=0)
    axis = axis / max(float(np.linalg.norm(axis)), 1.0)
    y, x = np.mgrid[:side, :side].astype(np.float32)
    along = (x - points[0, 0]) * axis[0] + (y - points[0, 1]) * axis[1]
    behind: MaskArray = along > (_WRIST + 0.05) * palm
    return behind


def _flood(crop: RgbArray, core: MaskArray, allowed: MaskArray) -> MaskArray:
    """Return what the hand reaches before the background does, edges as walls."""
    markers = np.zeros(core.shape, np.int32)
    markers[~allowed] = 2
    markers[0, :] = markers[-1, :] = markers[:, 0] = markers[:, -1] = 2
    markers[core] = 1
    smooth = cv2.bilateralFilter(crop, 5, 30, 3)
    filled = cv2.watershed(smooth, markers)
    reached: MaskArray = filled == 1
    return reached


def _connected(region: npt.NDArray[np.uint8], core: MaskArray) -> MaskArray:
    count, labels = cv2.connectedComponents(region)
    touched = np.unique(labels[core & (region > 0)])
    if count <= 1 or touched.size == 0:
        return core
    kept: MaskArray = np.isin(labels, touched[touched > 0])
    return kept


def _disc(radius: int) -> npt.NDArray[np.uint8]:
    side = 2 * radius + 1
    disc: npt.NDArray[np.uint8] = cv2.getStructuringElement(
        cv2.MORPH_ELLIPSE, (side, side)
    )
    return disc


def _whole(points: npt.NDArray[np.floating]) -> npt.NDArray[np.int32]:
    rounded: npt.NDArray[np.int32] = np.round(points).astype(np.int32)
    return rounded
