"""Write down cones, tubes and boxes as the rows that the tracer reads."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from workshop.hands.anatomy import Prop
from workshop.hands.skeleton import Floats
from workshop.hands.tracer import ROW


def cone_row(
    start: Floats, end: Floats, radii: tuple[float, float], blend: float
) -> npt.NDArray[np.float32]:
    """Return the row of a cone with round ends."""
    row = np.zeros(ROW, np.float32)
    along = np.asarray(end, float) - np.asarray(start, float)
    length = float(along @ along)
    if length < 1e-6:
        along, length = np.array([0.0, 0.001, 0.0]), 1e-6
    row[0:3], row[3:6] = start, along
    row[6:8] = radii
    row[8], row[9], row[11] = 1.0 / length, max(blend, 1e-3), 1.0
    return row


def tube_row(
    start: Floats, end: Floats, radii: tuple[float, float], frame: Floats, flat: float
) -> npt.NDArray[np.float32]:
    """Return the row of a tube with flat ends; `flat` > 1 thins its third axis."""
    row = cone_row(start, end, radii, 0.05)
    row[10], row[11] = 2.0, flat
    row[12:21] = frame.T.reshape(-1)
    return row


def box_row(
    centre: Floats, halves: tuple[float, float, float], frame: Floats, rounding: float
) -> npt.NDArray[np.float32]:
    """Return the row of a box; the columns of `frame` are its axes."""
    row = np.zeros(ROW, np.float32)
    row[0:3], row[3:6] = centre, np.maximum(np.array(halves) - rounding, 0.02)
    row[6], row[8], row[9], row[10], row[11] = rounding, 1.0, 0.05, 1.0, 1.0
    row[12:21] = frame.T.reshape(-1)
    return row


def prop_row(prop: Prop) -> npt.NDArray[np.float32]:
    """Return the row of one thing."""
    centre, axis = np.array(prop.centre), np.array(prop.axis)
    if prop.shape == "ball":
        return cone_row(centre, centre, (prop.size[0],) * 2, 0.01)
    other = np.array([0.0, 0.0, 1.0]) if abs(axis[2]) < 0.8 else np.array([0, 1.0, 0])
    side = np.cross(axis, other)
    side /= np.linalg.norm(side)
    frame = np.stack([side, axis, np.cross(side, axis)], axis=1)
    if prop.shape == "rod":
        half = axis * prop.size[1]
        return tube_row(centre - half, centre + half, (prop.size[0],) * 2, frame, 1.0)
    return box_row(centre, prop.size, frame, 0.25)
