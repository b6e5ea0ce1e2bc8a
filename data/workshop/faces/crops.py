"""Cut a found face out of a photograph, at any scale."""

import cv2
import numpy as np

from detectors.face_finding import FoundFace
from detectors.geometry import Box
from workshop.faces.damage import FloatArray, RgbArray


def cut_out(
    shown: RgbArray, face: FoundFace, scale: float
) -> tuple[RgbArray, FoundFace]:
    """Return a face with its surroundings, scaled, and where it is in there."""
    room = round(0.8 * max(face.box.width, face.box.height))
    window = face.box.grown(room).clipped(Box(0, 0, *shown.shape[1::-1]).size)
    cut = np.ascontiguousarray(shown[window.rows, window.columns])
    small = cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    corner = np.array([window.x0, window.y0], np.float32)
    moved = FoundFace(
        face.box.shifted(-window.x0, -window.y0), face.confidence, face.points - corner
    )
    return np.asarray(small, np.uint8), scaled(moved, scale)


def scaled(face: FoundFace, scale: float) -> FoundFace:
    """Return the same face in a picture that is `scale` times as large."""
    box = face.box
    sides = (scale * side for side in (box.x0, box.y0, box.x1, box.y1))
    points: FloatArray = (face.points * scale).astype(np.float32)
    return FoundFace(Box.around(*sides), face.confidence, points)
