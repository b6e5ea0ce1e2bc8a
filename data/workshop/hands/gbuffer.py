"""Look at a body through a camera: the picture's raw planes, without colour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workshop.hands.flesh import DIGIT, FOREARM, PALM, PROP, SLEEVE, Body
from workshop.hands.shadows import lit_share
from workshop.hands.skeleton import Floats, turn_x, turn_y, turn_z
from workshop.hands.tracer import trace, trace_depth

Plane = npt.NDArray[np.float32]
SHADOW_SIDE = 112


@dataclass(frozen=True, slots=True)
class View:
    """Where the hand is seen from and how it lies in the frame."""

    yaw: float
    """Turn about the fingers' direction; 0 shows the palm, pi the back."""
    pitch: float
    """Tip towards the viewer."""
    roll: float
    """Turn in the picture; 0 has the fingers up, positive to the left."""
    distance: float
    """From the hand's middle, cm."""
    fill: float
    """Share of the frame's side that the hand's longer side takes."""
    shift: tuple[float, float]
    """Where the hand's middle lies, as a share of the frame from its middle."""


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """A pin-hole camera in the hand frame."""

    row: npt.NDArray[np.float32]
    """(16,), see `tracer.trace`."""
    axes: Floats
    """(3, 3) rows right, up, towards the viewer."""
    focal_px: float

    def project(self, points: Floats) -> Floats:
        """Return the (N, 2) pixel positions of (N, 3) points."""
        seen = (points - self.row[:3]) @ self.axes.T
        scale = self.focal_px / np.maximum(-seen[:, 2], 1.0)
        return np.stack(
            [self.row[13] + seen[:, 0] * scale, self.row[14] - seen[:, 1] * scale], 1
        )


@dataclass(frozen=True, slots=True, eq=False)
class GBuffer:
    """What the tracer saw, per pixel."""

    hit: npt.NDArray[np.bool_]
    depth: Plane
    normal: Plane
    """(H, W, 3) unit, camera axes: right, up, towards the viewer."""
    point: Plane
    """(H, W, 3) hand frame, cm."""
    solid: npt.NDArray[np.int16]
    part: npt.NDArray[np.int16]
    """PALM, FOREARM, DIGIT, SLEEVE, PROP, or -1."""
    digit: npt.NDArray[np.int16]
    bone: npt.NDArray[np.int16]
    local: Plane
    """(H, W, 3): sideways, along, palmward of the bone, from its start, cm."""
    openness: Plane
    shadow: Plane
    """1 in the open, 0 in full shadow of the lamp."""
    camera: Camera
    body: Body

    @property
    def skin(self) -> npt.NDArray[np.bool_]:
        """Where there is hand or forearm."""
        return np.asarray(self.hit & (self.part <= DIGIT), bool)

    @property
    def hand(self) -> npt.NDArray[np.bool_]:
        """Where there is palm or a digit."""
        return np.asarray(self.hit & np.isin(self.part, (PALM, DIGIT)), bool)

    def instances(self) -> npt.NDArray[np.bool_]:
        """Return (K, H, W): the visible pixels of each digit."""
        numbers = np.arange(len(self.body.chains))
        where = self.part == DIGIT
        own = self.digit[None] == numbers[:, None, None]
        return np.asarray(own & where[None], bool)

    @property
    def covering(self) -> npt.NDArray[np.bool_]:
        """Where a sleeve or a thing is seen."""
        return np.asarray(self.hit & np.isin(self.part, (SLEEVE, PROP)), bool)


def frame_body(body: Body, view: View, side: int) -> Camera:
    """Place the camera so that palm and digits take the wished share of the frame."""
    axes = turn_z(view.roll) @ turn_x(view.pitch) @ turn_y(view.yaw)
    outline = [np.array([[0.0, 1.0, 0.0], [1.6, 0.0, 0.0], [-1.6, 0.0, 0.0]])]
    outline += [chain.joints for chain in body.chains]
    points = np.concatenate(outline)
    middle = 0.5 * (points.min(axis=0) + points.max(axis=0))
    origin = middle + axes[2] * view.distance
    row = np.zeros(16, np.float32)
    row[0:3], row[3:6], row[6:9], row[9:12] = origin, axes[0], axes[1], -axes[2]
    row[12], row[13], row[14] = 1.0, 0.0, 0.0
    flat = Camera(row, axes, 1.0).project(points)
    low, high = flat.min(axis=0), flat.max(axis=0)
    margin = 2.0 / view.distance
    extent = float((high - low).max()) + margin
    focal = side * view.fill / extent
    centre = 0.5 * (low + high)
    final = row.copy()
    final[12] = focal
    final[13] = side * (0.5 + view.shift[0]) - focal * centre[0]
    final[14] = side * (0.5 + view.shift[1]) - focal * centre[1]
    return Camera(final, axes, focal)


def _lamp(body: Body, camera: Camera, light: Floats) -> npt.NDArray[np.float32]:
    """Return the camera of a far lamp; `light` points to it in camera axes."""
    towards = camera.axes.T @ light
    towards /= np.linalg.norm(towards)
    other = np.array([0.0, 0, 1.0]) if abs(towards[2]) < 0.9 else np.array([1.0, 0, 0])
    right = np.cross(other, towards)
    right /= np.linalg.norm(right)
    up = np.cross(towards, right)
    points = np.concatenate([chain.joints for chain in body.chains])
    middle = 0.5 * (points.min(axis=0) + points.max(axis=0))
    row = np.zeros(16, np.float32)
    row[0:3] = middle + towards * 60.0
    row[3:6], row[6:9], row[9:12] = right, up, -towards
    row[12] = SHADOW_SIDE / 30.0
    row[13] = row[14] = SHADOW_SIDE / 2
    row[15] = 1.0
    return row


def look(
    body: Body, camera: Camera, side: int, light: Floats, softness: float
) -> GBuffer:
    """Trace a body.

    Args:
        body: The solids.
        camera: From where.
        side: Height and width in pixels.
        light: (3,) direction to the lamp in camera axes.
        softness: Width of the shadow's edge, in pixels of the shadow map.
    """
    size = np.array([side, side])
    planes = trace(body.rows, body.groups, body.blends, camera.row, size)
    depth, solid, point, normal, openness = planes
    hit = depth > 0
    lamp = _lamp(body, camera, light)
    shadow_size = np.array([SHADOW_SIDE, SHADOW_SIDE])
    seen = trace_depth(body.rows, body.groups, body.blends, lamp, shadow_size)
    shadow = lit_share(point, normal, hit, seen, lamp, np.float32(softness))
    number = np.where(hit, solid, 0)
    local = np.zeros_like(point)
    rows = body.rows[number[hit]]
    frames = body.frame[number[hit]]
    digit = np.where(hit, body.digit[number], -1).astype(np.int16)
    bone = np.where(hit, body.bone[number], -1).astype(np.int16)
    start = rows[:, :3].copy()
    owned = digit[hit] >= 0
    if owned.any():
        starts = np.array([chain.starts for chain in body.chains], np.float32)
        start[owned] = starts[digit[hit][owned], bone[hit][owned]]
    local[hit] = np.einsum("nij,ni->nj", frames, point[hit] - start)
    return GBuffer(
        hit=hit,
        depth=depth,
        normal=(normal @ camera.axes.T.astype(np.float32)).astype(np.float32),
        point=point,
        solid=solid,
        part=np.where(hit, body.part[number], -1).astype(np.int16),
        digit=digit,
        bone=bone,
        local=local,
        openness=openness,
        shadow=shadow,
        camera=camera,
        body=body,
    )


__all__ = ["DIGIT", "FOREARM", "PALM", "PROP", "SLEEVE", "GBuffer", "View", "look"]
