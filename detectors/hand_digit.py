"""Follow one digit from its tip to the hand, and outline it.

A digit's spine is a straight way from its tip to the rest of the hand that crosses no
strong edge. Along it the picture is unrolled to a strip, in which the digit's sides are
the smoothest strong edges to the left and to the right.
"""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from detectors.arrays import MaskArray, RgbArray
from detectors.hand_framing import PointArray
from detectors.hand_outline import draw_bones
from detectors.hand_tips import Tip

FloatArray = npt.NDArray[np.float32]

_TO_BONES = 0.07
"""A spine ends so near to the bones of the rest of the hand, likewise."""

_SHORTEST, _LONGEST = 0.15, 1.5
"""Length of a spine, in palm lengths."""

_USUAL_LENGTH = 0.8

_DIRECTIONS = 120

_TRIED = 20
"""So many of the best directions are unrolled; the picture decides among them."""

_SAMPLES = 160

_NARROWEST, _WIDEST = 0.03, 0.19
"""How far a digit's sides may be from its spine, in palm lengths."""

_BEYOND = 0.16
"""A digit ends at most so far beyond the middle of its tip, in palm lengths."""

_EDGE = 12.0
"""Change of colour over 3 px, of 255, that a rim has."""

_CLEAR_EDGE = 45.0
"""Stronger ones count no more than this."""

_NEARER = 0.5
"""How much the nearest edge is preferred to one at the widest place, in clear edges."""

_FREE = 0.75
"""Share of a digit, from its tip, that has edges on both sides; the rest grew in."""

_BROADER = 1.2
"""A digit is at most so many times as broad as it is in the middle."""

_WIDTHS = (0.1, 0.34)
"""Usual whole widths, in palm lengths."""


class Spine(NamedTuple):
    """Where a digit runs: from its tip to where it leaves the hand."""

    tip: PointArray
    """(2,)"""

    root: PointArray
    """(2,)"""

    palm: float
    """Palm length in pixels; all shares are of this."""

    cost: float
    """How little it looks like the middle of a digit; lower is better."""

    def across(self) -> PointArray:
        """Return the unit vector from the spine to its right side."""
        ahead = (self.root - self.tip) / max(self.length, 1e-6)
        turned: PointArray = np.array([-ahead[1], ahead[0]], np.float32)
        return turned

    @property
    def length(self) -> float:
        return float(np.linalg.norm(self.root - self.tip))


class Tube(NamedTuple):
    """A digit around its spine."""

    mask: MaskArray
    """(N, N) bool."""

    rim: float
    """0..1, the share of its sides that lie on an edge and have a usual width."""

    lean: float
    """0..1, how far the spine is from its middle."""


def digit_at(
    crop: RgbArray, points: PointArray, hand: FloatArray, tip: Tip
) -> tuple[Spine, Tube] | None:
    """Return the digit that ends at a tip, trusted or not; None without a way.

    Arguments as for `spines_of`.
    """
    smooth = cv2.bilateralFilter(crop, 5, 30, 3)
    tried = [
        (spine, tube_of(smooth, spine))
        for spine in spines_of(crop, points, hand, tip)[:_TRIED]
    ]
    return max(tried, key=_likeness, default=None)


def _likeness(tried: tuple[Spine, Tube]) -> float:
    """Return how much a spine and what is around it look like a whole digit."""
    spine, tube = tried
    whole = min(spine.length / spine.palm, _USUAL_LENGTH)
    return tube.rim - tube.lean - spine.cost / 2 + whole


def spines_of(
    crop: RgbArray, points: PointArray, hand: FloatArray, tip: Tip
) -> list[Spine]:
    """Return the straight ways from a tip to the known hand, the best first.

    Args:
        crop: (N, N, 3) uint8 RGB.
        points: (21, 2) landmarks of the known digits.
        hand: (N, N) float32 in 0..1, the judge's map of the hand.
        tip: Where it starts.
    """
    side = crop.shape[0]
    palm = float(np.linalg.norm(points[9] - points[0]))
    hit = draw_bones(side, points, _TO_BONES * palm)
    smooth = cv2.bilateralFilter(crop, 7, 35, 4)
    edges = cv2.morphologyEx(smooth, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    edges = edges.max(axis=2).astype(np.float32)
    start = np.array([tip.x, tip.y], np.float32)
    found: list[Spine] = []
    for angle in np.linspace(-np.pi, np.pi, _DIRECTIONS, endpoint=False):
        ahead = np.array([np.cos(angle), np.sin(angle)], np.float32)
        line = start + ahead * np.linspace(0, _LONGEST * palm, _SAMPLES)[:, None]
        line = line[((line >= 0) & (line < side - 1)).all(axis=1)]
        columns, rows = np.round(line).astype(int).T
        near = np.flatnonzero(hit[rows, columns])
        if not near.size or near[0] < _SHORTEST / _LONGEST * _SAMPLES:
            continue
        upto = slice(0, int(near[0]) + 1)
        outside = 1 - hand[rows[upto], columns[upto]]
        crossed = np.minimum(edges[rows[upto], columns[upto]], _CLEAR_EDGE)[4:]
        wall = np.convolve(crossed, np.ones(3) / 3, "valid").max() / _CLEAR_EDGE
        cost = float(outside.mean() + outside.max() + wall)
        cost += float(crossed.mean()) / _CLEAR_EDGE
        found.append(Spine(start, line[near[0]], palm, cost))
    return sorted(found, key=lambda spine: spine.cost)


def tube_of(crop: RgbArray, spine: Spine) -> Tube:
    """Return a digit by its spine.

    Args:
        crop: (N, N, 3) uint8 RGB, smoothed but for its edges.
        spine: Where the digit runs.
    """
    strip = _unrolled(crop, spine)
    middle = strip.shape[1] // 2
    right, right_edges = _side_in(strip[:, middle:])
    left, left_edges = _side_in(strip[:, middle::-1])
    free = max(2, round(_FREE * len(strip)))
    right = np.minimum(right, _BROADER * np.median(right[:free]))
    left = np.minimum(left, _BROADER * np.median(left[:free]))
    widths = left + right
    usual = (widths > _WIDTHS[0] * spine.palm) & (widths < _WIDTHS[1] * spine.palm)
    sides = np.concatenate([right_edges[:free], left_edges[:free]])
    rim = float((sides > _EDGE).mean() * usual[:free].mean())
    gap = float(abs(np.median(right) - np.median(left)))
    lean = gap / max(float(np.median(widths)), 1.0)
    return Tube(_drawn(crop, spine, left, right), rim, lean)


def _drawn(
    crop: RgbArray, spine: Spine, left: FloatArray, right: FloatArray
) -> MaskArray:
    """Draw a digit by how far its sides are from its spine, round at its tip."""
    ahead = (spine.root - spine.tip) / max(spine.length, 1e-6)
    across = spine.across()
    line = spine.tip + ahead * np.arange(len(left), dtype=np.float32)[:, None]
    ring = [line + across * right[:, None], (line - across * left[:, None])[::-1]]
    drawn = np.zeros(crop.shape[:2], np.uint8)
    cv2.fillPoly(drawn, [np.round(np.vstack(ring)).astype(np.int32)], 1)
    middle = spine.tip + across * float(right[0] - left[0]) / 2
    half = max(1, round(float(left[0] + right[0]) / 2))
    turn = float(np.degrees(np.arctan2(ahead[1], ahead[0])))
    end = (max(1, round(_end_of(crop, spine))), half)
    place = (round(float(middle[0])), round(float(middle[1])))
    cv2.ellipse(drawn, place, end, turn, 90, 270, 1, -1)
    mask: MaskArray = drawn > 0
    return mask


def _unrolled(crop: RgbArray, spine: Spine) -> FloatArray:
    """Return (length, 2 * widest + 1) float32: colour change across the spine."""
    reach = round(_WIDEST * spine.palm)
    ahead = (spine.root - spine.tip) / max(spine.length, 1e-6)
    along = np.arange(max(2, round(spine.length)), dtype=np.float32)[:, None]
    aside = np.arange(-reach - 1, reach + 2, dtype=np.float32)[None]
    across = spine.across()
    x = spine.tip[0] + ahead[0] * along + across[0] * aside
    y = spine.tip[1] + ahead[1] * along + across[1] * aside
    strip = cv2.remap(
        crop,
        x.astype(np.float32),
        y.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    ).astype(np.float32)
    strip = cv2.blur(strip, (1, 5))
    change: FloatArray = np.abs(strip[:, 2:] - strip[:, :-2]).max(axis=2)
    return change


def _side_in(edges: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the smoothest strong edge: (T,) distances, and (T,) how strong it is.

    Found by dynamic programming: from row to row it moves by one pixel at most.

    Args:
        edges: (T, U) colour change; column 0 is the spine.
    """
    rows, columns = edges.shape
    least = max(1, round(_NARROWEST / _WIDEST * columns))
    worth = np.minimum(edges, _CLEAR_EDGE) / _CLEAR_EDGE
    worth = worth - _NEARER * np.linspace(0, 1, columns, dtype=np.float32)
    worth[:, :least] = -2.0
    best = worth.copy()
    came = np.zeros((rows, columns), np.int64)
    for row in range(1, rows):
        padded = np.pad(best[row - 1], 1, constant_values=-1e9)
        options = np.stack([padded[:-2], padded[1:-1] + 0.02, padded[2:]])
        came[row] = options.argmax(axis=0) - 1 + np.arange(columns)
        best[row] += options.max(axis=0)
    path = np.zeros(rows, np.int64)
    path[-1] = int(best[-1].argmax())
    for row in range(rows - 1, 0, -1):
        path[row - 1] = came[row, path[row]]
    return path.astype(np.float32), edges[np.arange(rows), path]


def _end_of(crop: RgbArray, spine: Spine) -> float:
    """Return how far beyond its tip's middle a digit ends, in pixels."""
    ahead = (spine.tip - spine.root) / max(spine.length, 1e-6)
    far = max(3, round(_BEYOND * spine.palm))
    line = spine.tip + ahead * np.arange(far + 2, dtype=np.float32)[:, None]
    columns, rows = np.clip(np.round(line).astype(int), 0, crop.shape[0] - 1).T
    colours = crop[rows, columns].astype(np.float32)
    change = np.abs(colours[2:] - colours[:-2]).max(axis=1)
    return float(change.argmax()) + 1.0
