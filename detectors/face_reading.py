"""Read a face several times, from slightly different views, to see what holds still."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from detectors.arrays import RgbArray, size_of
from detectors.face_finding import FoundFace
from detectors.face_nets import FACE_PX, FaceNet
from detectors.face_probe import FaceProbe
from detectors.geometry import Box

FloatArray = npt.NDArray[np.float32]

OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378),
    *(400, 377, 152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21),
    *(54, 103, 67, 109),
)
"""Points along the outline of the face, in order."""

LEFT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
RIGHT_EYE = (
    *(263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388),
    466,
)
"""Points around each eye, in order, as seen in the picture; the first eight after the
outer corner run along the lower lid."""

LEFT_BROW = (70, 63, 105, 66, 107, 55, 65, 52, 53, 46)
RIGHT_BROW = (300, 293, 334, 296, 336, 285, 295, 282, 283, 276)
MOUTH = (
    *(61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0),
    *(37, 39, 40, 185),
)
LEFT_IRIS, RIGHT_IRIS = slice(468, 473), slice(473, 478)
NOSE_TIP, LEFT_MOUTH, RIGHT_MOUTH = 4, 61, 291

_ROOM = 1.5
"""Side of the cut-out over the longer side of the face, as in MediaPipe's graphs."""

_VIEWS = (
    (0.00, 0.00, 1.00, 0.00, False),
    (0.03, 0.02, 1.12, 0.12, False),
    (-0.03, 0.02, 0.92, -0.12, False),
    (0.00, -0.03, 1.20, 0.00, True),
    (0.02, 0.00, 0.95, 0.10, True),
)
"""Shift right and down and size, as shares of the side; turn in radians; mirrored."""


@dataclass(frozen=True, slots=True)
class FaceFrame:
    """A turned square in the picture in which the face stands upright."""

    x: float
    """Centre, in picture pixels."""

    y: float
    side_px: float
    angle: float
    """Clockwise turn of the face against the picture, in radians."""

    flipped: bool = False

    def matrix(self, out_px: int = FACE_PX) -> npt.NDArray[np.float64]:
        """Return the (2, 3) matrix from picture points to cut-out points."""
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        turn = np.array([[cosine, sine], [-sine, cosine]]) * (out_px / self.side_px)
        if self.flipped:
            turn = np.diag([-1.0, 1.0]) @ turn
        shift = np.full(2, out_px / 2) - turn @ np.array([self.x, self.y])
        return np.hstack([turn, shift[:, None]])

    def cut(self, pixels: RgbArray, out_px: int = FACE_PX) -> RgbArray:
        """Return the (out_px, out_px, 3) cut-out; black outside the picture."""
        matrix = self.matrix(out_px)
        reach = 0.75 * self.side_px  # half the diagonal of the square, and a bit
        window = Box.around(
            self.x - reach, self.y - reach, self.x + reach, self.y + reach
        ).clipped(size_of(pixels))
        if not window.area:
            return np.zeros((out_px, out_px, 3), np.uint8)
        pixels = pixels[window.rows, window.columns]
        matrix[:, 2] += matrix[:, :2] @ np.array([window.x0, window.y0])
        if self.side_px > 2 * out_px:  # average first, or detail turns into noise
            scale = 1.5 * out_px / self.side_px
            pixels = cv2.resize(
                pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA
            )
            matrix[:, :2] /= scale
        cut: RgbArray = cv2.warpAffine(
            pixels, matrix, (out_px, out_px), flags=cv2.INTER_LINEAR
        )
        return cut


@dataclass(frozen=True, slots=True, eq=False)
class FaceMesh:
    """What several readings of one face agree on, and by how much they do not."""

    points: FloatArray
    """(478, 3) mean of the readings, x, y and z in picture pixels."""

    jitter: FloatArray
    """(478,) mean distance from the mean, as a share of the face's size."""

    logits: FloatArray
    """(6,) log odds that there is a face, one per reading."""

    strangeness: float
    """Log odds of damage by what the network saw inside; see `detectors.face_probe`."""

    frame: FaceFrame

    @property
    def size_px(self) -> float:
        """The longer side of the face."""
        return self.frame.side_px / _ROOM


class FaceReader:
    """Reads landmarks of found faces; not to be shared between threads."""

    def __init__(self, net: FaceNet, probe: FaceProbe) -> None:
        self._net = net
        self._probe = probe
        self.mean_face = net.mean_face
        self.mirror = _mirror(net.mean_face)
        """(478,) the number of each point's mirror image."""

    def read(self, pixels: RgbArray, face: FoundFace) -> FaceMesh:
        """Read one face in six views.

        Args:
            pixels: (H, W, 3) uint8 RGB, the whole picture.
            face: Where the face is.

        Raises:
            DetectorFailed: the network could not be run.
        """
        first, first_logit = self._read(pixels, _frame_of(face))
        frame = _frame_around(first)
        views = [self._read(pixels, _varied(frame, view)) for view in _VIEWS]
        points = np.stack([view for view, _ in views])
        mean = points.mean(axis=0)
        away = np.linalg.norm((points - mean)[:, :, :2], axis=2).mean(axis=0)
        logits = np.array([first_logit, *(logit for _, logit in views)], np.float32)
        size = max(frame.side_px / _ROOM, 1.0)
        strange = self._probe.log_odds(frame.cut(pixels))
        return FaceMesh(mean, (away / size).astype(np.float32), logits, strange, frame)

    def frame_of(self, pixels: RgbArray, face: FoundFace) -> FaceFrame:
        """Return how a face is framed for everything that is read from it."""
        return _frame_around(self._read(pixels, _frame_of(face))[0])

    def _read(self, pixels: RgbArray, frame: FaceFrame) -> tuple[FloatArray, float]:
        reading = self._net.read(frame.cut(pixels))
        back = cv2.invertAffineTransform(frame.matrix())
        flat = reading.points[:, :2] @ back[:, :2].T + back[:, 2]
        deep = reading.points[:, 2:] * (frame.side_px / FACE_PX)
        points = np.hstack([flat, deep]).astype(np.float32)
        return (points[self.mirror] if frame.flipped else points), reading.logit


def _frame_of(face: FoundFace) -> FaceFrame:
    """Frame a face by its box, upright by its eyes and mouth."""
    down = face.points[3:].mean(axis=0) - face.points[:2].mean(axis=0)
    angle = float(np.arctan2(-down[0], down[1]))
    side = _ROOM * max(face.box.width, face.box.height)
    x, y = face.box.centre
    return FaceFrame(x, y, max(side, 4.0), angle)


def _frame_around(points: FloatArray) -> FaceFrame:
    """Frame a face by its landmarks, upright by the outer corners of its eyes."""
    across = points[RIGHT_EYE[0], :2] - points[LEFT_EYE[0], :2]
    angle = float(np.arctan2(across[1], across[0]))
    low, high = points[:468, :2].min(axis=0), points[:468, :2].max(axis=0)
    x, y = (low + high) / 2
    side = _ROOM * float((high - low).max())
    return FaceFrame(float(x), float(y), max(side, 4.0), angle)


def _varied(
    frame: FaceFrame, view: tuple[float, float, float, float, bool]
) -> FaceFrame:
    right, down, size, turn, flipped = view
    return FaceFrame(
        frame.x + right * frame.side_px,
        frame.y + down * frame.side_px,
        frame.side_px * size,
        frame.angle + turn,
        flipped,
    )


def _mirror(mean_face: FloatArray) -> npt.NDArray[np.int64]:
    turned = mean_face * np.array([-1.0, 1.0, 1.0], np.float32)
    distance = np.linalg.norm(turned[:, None] - mean_face[None], axis=2)
    # An iris has its middle, then right, top, left, bottom: mirrored, 1 and 3 swap.
    irises = [473, 476, 475, 474, 477, 468, 471, 470, 469, 472]
    return np.concatenate([distance.argmin(axis=1), np.array(irises)])
