"""Turn joint angles into joint positions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workshop.hands.anatomy import Digit, HandSpec, Vec3

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """One digit's joints and the frames of its bones."""

    joints: Floats
    """(4, 3) cm: first joint, two joints, centre of the tip."""
    frames: Floats
    """(3, 3, 3): per bone a matrix of columns sideways, along, palmward."""
    radii: Floats
    """(4,) cm."""
    starts: Floats
    """(3, 3) cm: where each bone begins; its joint unless the digit is detached."""


def turn_x(angle: float) -> Floats:
    """Return the rotation that brings y towards z."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def turn_y(angle: float) -> Floats:
    """Return the rotation that brings z towards x."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def turn_z(angle: float) -> Floats:
    """Return the rotation that brings x towards y."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def chain_of(digit: Digit) -> Chain:
    """Follow one digit from its root to its tip."""
    frame = turn_z(-digit.splay) @ turn_x(digit.lift) @ turn_y(-digit.roll)
    point = np.array(digit.root)
    joints, frames, starts = [point], [], []
    reach = (digit.lengths[0], digit.lengths[1], digit.lengths[2] - digit.radii[3])
    for number, length in enumerate(reach):
        frame = frame @ turn_x(digit.flex[number]) @ turn_z(digit.swerve[number])
        if number == 1 and digit.gap:
            point = point + frame[:, 1] * digit.gap
        starts.append(point)
        point = point + frame[:, 1] * length
        joints.append(point)
        frames.append(frame)
    return Chain(
        joints=np.array(joints),
        frames=np.array(frames),
        radii=np.array(digit.radii),
        starts=np.array(starts),
    )


def chains_of(spec: HandSpec) -> tuple[Chain, ...]:
    """Follow every digit of a hand, in the order of `spec.digits`."""
    return tuple(chain_of(digit) for digit in spec.digits)


def forearm_frame(spec: HandSpec) -> Floats:
    """Return the (3, 3) frame of the forearm; its second column points to the hand."""
    return turn_z(spec.wrist_lean) @ turn_x(spec.wrist_flex)


def as_vec(point: Floats) -> Vec3:
    """Return a (3,) array as a plain triple."""
    return float(point[0]), float(point[1]), float(point[2])
