"""Upright square cut-outs of hands, and the way back to the picture."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from detectors.arrays import RgbArray
from detectors.geometry import Box

FRAME_PX = 224
"""Side of the cut-out that the packaged landmark network reads."""

PointArray = npt.NDArray[np.float32]
"""(N, 2) float32, x and y; pixel i covers i <= x < i + 1."""

_ROI_POINTS = (0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18)
"""Landmarks that frame a hand: all but the two outer joints of each digit.

MediaPipe frames hands by these (hand_landmark_landmarks_to_roi.pbtxt), so its landmark
network has seen hands at this scale.
"""


@dataclass(frozen=True, slots=True)
class HandFrame:
    """A turned square in the picture in which the hand stands upright."""

    x: float
    """Centre, in picture pixels."""

    y: float
    side_px: float
    """Side of the square, in picture pixels."""

    angle: float
    """Clockwise turn of the hand's up direction against the picture's, in radians."""

    flipped: bool = False
    """True when the cut-out shows the hand mirrored left to right."""

    def matrix(self, out_px: int = FRAME_PX) -> npt.NDArray[np.float64]:
        """Return the (2, 3) matrix from cut-out points to picture points."""
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        turn = np.array([[cosine, -sine], [sine, cosine]]) * (self.side_px / out_px)
        if self.flipped:
            turn = turn * np.array([-1.0, 1.0])
        shift = np.array([self.x, self.y]) - turn @ np.full(2, out_px / 2)
        return np.hstack([turn, shift[:, None]])

    def to_picture(self, points: PointArray, out_px: int = FRAME_PX) -> PointArray:
        """Map (N, 2) points of the cut-out into the picture."""
        matrix = self.matrix(out_px)
        mapped: PointArray = (points @ matrix[:, :2].T + matrix[:, 2]).astype(
            np.float32
        )
        return mapped

    def from_picture(self, points: PointArray, out_px: int = FRAME_PX) -> PointArray:
        """Map (N, 2) points of the picture into the cut-out."""
        matrix = self.matrix(out_px)
        inverse = np.linalg.inv(matrix[:, :2])
        mapped: PointArray = ((points - matrix[:, 2]) @ inverse.T).astype(np.float32)
        return mapped

    def turned(self, angle: float, scale: float = 1.0) -> "HandFrame":
        """Return the frame turned further and scaled about its centre."""
        return replace(self, angle=self.angle + angle, side_px=self.side_px * scale)

    def mirrored(self) -> "HandFrame":
        """Return the frame whose cut-out is the mirror image."""
        return replace(self, flipped=not self.flipped)

    def moved(self, dx: float, dy: float) -> "HandFrame":
        """Return the frame shifted by picture pixels."""
        return replace(self, x=self.x + dx, y=self.y + dy)

    def bounds(self) -> Box:
        """Return the upright box around the frame; it may reach out of the picture."""
        corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32) * FRAME_PX
        mapped = self.to_picture(corners)
        low, high = mapped.min(axis=0), mapped.max(axis=0)
        return Box.around(float(low[0]), float(low[1]), float(high[0]), float(high[1]))

    def corners(self) -> PointArray:
        """Return the four corners, (4, 2), in picture pixels."""
        square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32) * FRAME_PX
        return self.to_picture(square)


def cut(pixels: RgbArray, frame: HandFrame, out_px: int = FRAME_PX) -> RgbArray:
    """Return the upright cut-out, (out_px, out_px, 3) uint8 RGB.

    Outside of the picture its edge pixels are repeated, as MediaPipe does. Where the
    cut-out is smaller than its place in the picture, the place is averaged down first,
    so thin fingers do not fall between the samples.
    """
    outer = frame.bounds().grown(2)
    height, width = pixels.shape[:2]
    x0, y0 = max(0, min(outer.x0, width - 1)), max(0, min(outer.y0, height - 1))
    x1, y1 = max(x0 + 1, min(outer.x1, width)), max(y0 + 1, min(outer.y1, height))
    source = pixels[y0:y1, x0:x1]
    matrix = frame.matrix(out_px)
    matrix[:, 2] -= (x0, y0)
    ratio = frame.side_px / out_px
    if ratio > 1.5 and min(source.shape[:2]) > ratio:
        small_width = max(1, round(source.shape[1] / ratio))
        small_height = max(1, round(source.shape[0] / ratio))
        matrix[0] *= small_width / source.shape[1]
        matrix[1] *= small_height / source.shape[0]
        source = cv2.resize(
            source, (small_width, small_height), interpolation=cv2.INTER_AREA
        )
    return _warp(source, matrix, out_px)


def _warp(source: RgbArray, matrix: npt.NDArray[np.float64], out_px: int) -> RgbArray:
    centred = matrix.copy()
    centred[:, 2] += matrix[:, :2] @ np.full(2, 0.5) - 0.5
    warped: RgbArray = cv2.warpAffine(
        source,
        centred,
        (out_px, out_px),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return warped


def frame_of_palm(
    centre: PointArray, side_px: float, wrist: PointArray, middle_knuckle: PointArray
) -> HandFrame:
    """Return the frame that a palm box implies.

    The box is 2.6 times as large and half a side further towards the fingers, the
    numbers of MediaPipe's palm_detection_detection_to_roi.pbtxt.

    Args:
        centre: (2,) centre of the palm box, picture pixels.
        side_px: Side of the palm box, picture pixels.
        wrist: (2,) wrist, picture pixels.
        middle_knuckle: (2,) knuckle of the middle finger, picture pixels.
    """
    angle = _up(middle_knuckle - wrist)
    ahead = side_px * 0.5
    return HandFrame(
        float(centre[0] + ahead * np.sin(angle)),
        float(centre[1] - ahead * np.cos(angle)),
        side_px * 2.6,
        angle,
    )


def frame_of_landmarks(points: PointArray) -> HandFrame:
    """Return the frame around landmarks, as MediaPipe refines it between video frames.

    Args:
        points: (21, 2) landmarks in picture pixels.
    """
    towards = (points[6] + 2 * points[10] + points[14]) / 4
    angle = _up(towards - points[0])
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, sine], [-sine, cosine]])
    chosen = points[list(_ROI_POINTS)]
    middle = chosen.mean(axis=0)
    upright = (chosen - middle) @ turn.T
    low, high = upright.min(axis=0), upright.max(axis=0)
    extent = high - low
    shifted = (low + high) / 2 + np.array([0.0, -0.1 * extent[1]])
    centre = shifted @ turn + middle
    return HandFrame(
        float(centre[0]), float(centre[1]), float(2.0 * extent.max()), angle
    )


def _up(direction: PointArray) -> float:
    return float(np.arctan2(direction[0], -direction[1]))
