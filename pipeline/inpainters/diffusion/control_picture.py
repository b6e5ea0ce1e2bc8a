"""What a ControlNet is shown: a hand's skeleton, or the picture with a hole.

Both are made at working size from the region's own cut-out, so that they lie where the
UNet paints. (Elsewhere the control picture of the whole picture was often laid over a
cut-out, which is the most reported trouble of ControlNet with inpainting.)
"""

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from detectors.arrays import MaskArray, RgbArray
from detectors.geometry import Box, Size
from pipeline.inpainters.cutouts import Fit
from pipeline.inpainters.diffusion.hand_pose import Points, five_digits
from pipeline.records import PaintRequest

BONES = tuple(
    pair
    for root in (1, 5, 9, 13, 17)
    for pair in ((0, root), *((joint, joint + 1) for joint in range(root, root + 3)))
)
"""The 20 lines of a hand, in OpenPose's order."""

LINE_PX, JOINT_PX, DRAWN_FOR_PX = 2, 4, 512
"""Breadth of lines and radius of joints in a picture of 512 px, as ControlNet's
OpenPose annotator draws them (`annotator/openpose/util.py`, `draw_handpose`)."""

JOINT_COLOUR = (0, 0, 255)
"""Blue, of RGB; from the same place."""

HOLE = -1.0
"""Value of masked pixels for lllyasviel's inpaint ControlNet; the others are 0..1."""


@dataclass(frozen=True, slots=True, eq=False)
class ControlPicture:
    """A control picture, or why there is none."""

    values: torch.Tensor | None
    """(3, working H, working W) float32, RGB."""

    notes: tuple[str, ...] = ()


def hand_poses(request: PaintRequest, place: Fit) -> ControlPicture:
    """Draw the hands of a region.

    Args:
        request: The region; its patch knows the joints of the hands that reach onto it.
        place: Where the window lies at working size.
    """
    hands, notes = [], []
    for joints in request.patch.poses:
        try:
            skeleton = five_digits(joints)
        except ValueError as error:
            notes.append(f"one hand's joints were left out: {error}")
            continue
        hands.append(to_working(skeleton.points, request.window, place))
        if skeleton.made:
            names = ", ".join(skeleton.made)
            notes.append(f"in the control skeleton these digits were added: {names}")
    if not hands:
        notes.append("no hand's joints are known here; painted without the ControlNet")
        return ControlPicture(None, tuple(notes))
    drawn = draw_hands(hands, place.working)
    values = torch.from_numpy(drawn.astype(np.float32) / 255).permute(2, 0, 1)
    return ControlPicture(values, tuple(notes))


def picture_with_hole(picture: RgbArray, mask: MaskArray) -> ControlPicture:
    """Return the picture in 0..1 with -1 where it is repainted.

    Args:
        picture: (H, W, 3) uint8 RGB at working size.
        mask: (H, W) bool, True = repaint.
    """
    values = torch.from_numpy(picture.astype(np.float32) / 255).permute(2, 0, 1)
    values[:, torch.from_numpy(mask)] = HOLE
    return ControlPicture(values)


def to_working(points: Points, window: Box, place: Fit) -> Points:
    """Map points of the picture to working size."""
    inner = place.content
    scale = np.array(
        [inner.width / window.width, inner.height / window.height], dtype=np.float64
    )
    mapped: Points = (points - (window.x0, window.y0)) * scale + (inner.x0, inner.y0)
    return mapped


def draw_hands(hands: Sequence[Points], size: Size) -> RgbArray:
    """Draw skeletons in OpenPose's colours on black.

    Args:
        hands: (21, 2) each, in pixels of the picture to draw.
        size: Of that picture.

    Returns:
        (H, W, 3) uint8 RGB. Line i of 20 has the hue i / 20, full and bright.
    """
    canvas = np.zeros((size.height, size.width, 3), dtype=np.uint8)
    thickness = max(1, round(LINE_PX * min(size) / DRAWN_FOR_PX))
    radius = max(1, round(JOINT_PX * min(size) / DRAWN_FOR_PX))
    for points in hands:
        # A point of (x, y) lies in pixel (floor x, floor y).
        places = [(int(x), int(y)) for x, y in np.floor(points)]
        for line, (start, end) in enumerate(BONES):
            hue = colorsys.hsv_to_rgb(line / len(BONES), 1.0, 1.0)
            colour = tuple(int(255 * share) for share in hue)
            cv2.line(canvas, places[start], places[end], colour, thickness)
        for joint in places:
            cv2.circle(canvas, joint, radius, JOINT_COLOUR, -1)
    return canvas
