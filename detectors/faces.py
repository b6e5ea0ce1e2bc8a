"""Find faces that are badly drawn, or too small to be drawn well."""

from collections.abc import Mapping
from types import MappingProxyType

import cv2
import numpy as np

from detectors import face_quality, weights
from detectors.arrays import MaskArray, RgbArray, check_rgb, size_of
from detectors.face_finding import FaceFinder, FoundFace
from detectors.face_nets import FaceNet
from detectors.face_probe import FaceProbe
from detectors.face_reading import (
    LEFT_IRIS,
    LEFT_MOUTH,
    NOSE_TIP,
    OVAL,
    RIGHT_IRIS,
    RIGHT_MOUTH,
    FaceMesh,
    FaceReader,
)
from detectors.findings import Finding, Kind, Mark, Severity
from detectors.geometry import Box, Size

NAME = "faces"

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "face/malformed": Kind("a face is badly drawn", Severity.ERROR, True),
        "face/too-small": Kind(
            "a face has too few pixels and shows it", Severity.WARNING, True
        ),
        "face/cannot-tell": Kind(
            "a face is turned away or cut off and cannot be judged",
            Severity.NOTE,
            False,
        ),
        "face/ok": Kind("a face is well drawn for its size", Severity.FINE, False),
    }
)

_DOUBTFUL = 0.25
"""A face that the finder is this sure of counts when the landmarks hold on to it.

Damage lowers the finder's certainty too, and a face must not pass by being worse.
"""

_TURNED_NOSE = 0.75
"""Nose tip this far off the middle of the eyes, over their distance: a profile."""

_TURNED_EYES = 0.25
"""Eyes nearer than this share of the face's height: a profile."""

_OUTLINE_ROOM = 0.07
"""The outline reaches this share of the face's size beyond the landmarks."""

_UNTOLD = 0.49
"""A face that cannot be judged counts at most as much as one that may well be fine."""

_MARKS = ("eye", "eye", "nose", "mouth corner", "mouth corner")


class FacesDetector:
    """Finds faces, reads their landmarks, and judges how well they are drawn."""

    def __init__(
        self,
        finder: FaceFinder,
        reader: FaceReader,
        *,
        confidence: float,
        min_side_px: int,
        malformed_above: float,
        max_faces: int,
    ) -> None:
        """Hold the networks; the options mean what the settings say."""
        self._finder = finder
        self._reader = reader
        self._confidence = confidence
        self._min_side_px = min_side_px
        self._malformed_above = malformed_above
        self._max_faces = max_faces

    @property
    def name(self) -> str:
        return NAME

    @property
    def kinds(self) -> Mapping[str, Kind]:
        return KINDS

    def inspect(self, pixels: RgbArray) -> list[Finding]:
        """Return one finding per face, sorted by place.

        Raises:
            DetectorFailed: a network could not be run.
        """
        check_rgb(pixels)
        pixels = np.ascontiguousarray(pixels)
        found = self._finder.find(pixels, above=min(self._confidence, _DOUBTFUL))
        findings = []
        for face in found[: self._max_faces]:
            mesh = self._reader.read(pixels, face)
            if face.confidence >= self._confidence or _legible(mesh):
                findings.append(self._judge(pixels, face, mesh))
        return sorted(findings, key=lambda one: (one.box.y0, one.box.x0))

    def close(self) -> None:
        """Nothing to free: the networks go with the detector."""

    def _judge(self, pixels: RgbArray, face: FoundFace, mesh: FaceMesh) -> Finding:
        measured = face_quality.measure(pixels, face, mesh, self._reader)
        odds = face_quality.probability(measured)
        size = size_of(pixels)
        hidden = _why_hidden(face, size)
        if odds < self._malformed_above:
            kind, why = "face/ok", "well drawn"
        elif hidden:
            kind, why = "face/cannot-tell", hidden
        else:
            small = face.short_side_px < self._min_side_px
            kind = "face/too-small" if small else "face/malformed"
            why = face_quality.main_reason(measured)
        box, outline = _outline(face, mesh, size)
        words = f"{face.box.width}x{face.box.height} px, {why}"
        # Alike below and above the threshold: a face must not gain by being worse.
        told = odds * _UNTOLD if hidden else odds
        return Finding(NAME, kind, box, told, outline, words, _marks(face, mesh))


def build(
    *, confidence: float, min_side_px: int, malformed_above: float, max_faces: int
) -> FacesDetector:
    """Build the detector from the settings' section of the same name.

    Raises:
        WeightsMissing: a package that carries weights is not installed.
        WeightsWrong: weights are there, but they are not the right ones.
    """
    net = FaceNet.open()
    return FacesDetector(
        FaceFinder(weights.find("centerface")),
        FaceReader(net, FaceProbe.open(net)),
        confidence=confidence,
        min_side_px=min_side_px,
        malformed_above=malformed_above,
        max_faces=max_faces,
    )


def _legible(mesh: FaceMesh) -> bool:
    """Tell whether the landmark network sees a face in most views."""
    return float(np.median(mesh.logits)) > 0.0


def _why_hidden(face: FoundFace, size: Size) -> str:
    """Say why the landmarks cannot be held against the face; "" when they can."""
    if _turned(face):
        return "turned away"
    room = face.box.grown(1)
    return "cut off by the border" if room.clipped(size) != room else ""


def _turned(face: FoundFace) -> bool:
    """Tell whether the finder's five points are those of a profile."""
    eyes, mouth = face.points[:2], face.points[3:]
    across = eyes[1] - eyes[0]
    distance = float(np.hypot(*across))
    height = float(np.hypot(*(mouth.mean(axis=0) - eyes.mean(axis=0))))
    if distance < _TURNED_EYES * max(face.box.height, 1) or distance < 0.5 * height:
        return True
    nose = face.points[2] - eyes.mean(axis=0)
    return abs(float(nose @ across)) / distance**2 > _TURNED_NOSE


def _outline(face: FoundFace, mesh: FaceMesh, size: Size) -> tuple[Box, MaskArray]:
    """Return the box to repaint and its outline: the oval, else an ellipse."""
    if _legible(mesh):
        rim = cv2.convexHull(mesh.points[list(OVAL), :2])[:, 0]
        middle = rim.mean(axis=0)
        reach = 1.0 + 2 * _OUTLINE_ROOM
        rim = middle + (rim - middle) * reach
    else:
        turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        radii = np.array(face.box.size) * (0.5 + _OUTLINE_ROOM)
        rim = (
            np.array(face.box.centre)
            + np.stack([np.cos(turn), np.sin(turn)], axis=1) * radii
        )
    (x0, y0), (x1, y1) = rim.min(axis=0), rim.max(axis=0)
    box = Box.around(float(x0), float(y0), float(x1), float(y1)).clipped(size)
    drawn = np.zeros((box.height, box.width), np.uint8)
    corner = np.array([box.x0, box.y0])
    if box.area:
        cv2.fillPoly(drawn, [(rim - corner).round().astype(np.int32)], 1)
    outline = drawn > 0
    if not outline.any():
        return face.box, np.ones((face.box.height, face.box.width), np.bool_)
    return box, outline


def _marks(face: FoundFace, mesh: FaceMesh) -> tuple[Mark, ...]:
    points = face.points
    if _legible(mesh):
        flat = mesh.points[:, :2]
        eyes = [flat[LEFT_IRIS].mean(axis=0), flat[RIGHT_IRIS].mean(axis=0)]
        points = np.stack([*eyes, *flat[[NOSE_TIP, LEFT_MOUTH, RIGHT_MOUTH]]])
    return tuple(
        Mark(label, float(x), float(y))
        for label, (x, y) in zip(_MARKS, points, strict=True)
    )
