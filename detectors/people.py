"""Find people and their outlines, which sharpen masks and show parts of nobody."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import cv2
import numpy as np

from detectors import weights
from detectors.arrays import MaskArray, RgbArray, check_rgb, size_of
from detectors.findings import Finding, Kind, Severity
from detectors.geometry import Box, Size
from detectors.mediapipe_tasks import ObjectFinder, Segmenter

NAME = "people"

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "person/seen": Kind("a person, with the outline", Severity.FINE, False),
        "body/stray-part": Kind(
            "a hand or a face that belongs to nobody", Severity.WARNING, True
        ),
    }
)

_PERSON_CHANNEL = 15
"""The person among the 21 classes of Pascal VOC."""

_PAD_SHARE = 0.10
"""Room around a person's box for the outline: boxes cut off hands and hair."""

_SECOND_LOOK_PX = 640
"""Longer pictures are looked at again in four overlapping parts; the network itself
reads 320 px."""

_PART_SHARE = 0.6
"""Side of such a part over the side of the picture."""

_SAME_PERSON = 0.5
"""Overlap, intersection over union, from which two boxes are one person."""

_INSIDE = 0.8
"""Share of the smaller box inside the larger from which a part is the same person."""

_OUTLINE_ABOVE = 0.5
_NEAR_LEAD = 0.06
"""How far the finer outlines may reach beyond the leading one; share of the window's
shorter side."""

_LEAST_REGION_SHARE = 0.004
"""Smaller regions that only the segmenter sees are not taken for a person."""


class PeopleDetector:
    """Finds people by boxes, and outlines each of them."""

    def __init__(
        self,
        finder: ObjectFinder,
        segmenters: tuple[Segmenter, ...],
        *,
        stray_parts: bool,
    ) -> None:
        """Hold the networks.

        Args:
            finder: Gives boxes of persons.
            segmenters: Each gives the probability of a person per pixel; the first
                leads, the others add detail.
            stray_parts: Whether hands and faces that belong to nobody are to be
                reported; the finding of them is done in `detectors.combine`.
        """
        self._finder = finder
        self._segmenters = segmenters
        self.stray_parts = stray_parts

    @property
    def name(self) -> str:
        return NAME

    @property
    def kinds(self) -> Mapping[str, Kind]:
        return KINDS

    def inspect(self, pixels: RgbArray) -> list[Finding]:
        """Return one finding of kind `person/seen` per person, sorted by place.

        The confidence is 0: a person is no flaw. How sure the finder was stands in the
        message. Regions that look like a person to a segmenter, such as an arm that
        reaches in from outside, are reported too.

        Raises:
            DetectorFailed: a network could not be run.
        """
        check_rgb(pixels)
        size = size_of(pixels)
        boxes = self._boxes(pixels, size)
        found = []
        covered = np.zeros((size.height, size.width), np.bool_)
        for box, sure in boxes:
            person = self._outlined(pixels, box, sure)
            found.append(person)
            covered[person.box.rows, person.box.columns] = True
        found += self._others(pixels, covered)
        return sorted(found, key=lambda one: (one.box.y0, one.box.x0))

    def close(self) -> None:
        """Free the networks; calling it twice does no harm."""
        self._finder.close()
        for segmenter in self._segmenters:
            segmenter.close()

    def _boxes(self, pixels: RgbArray, size: Size) -> list[tuple[Box, float]]:
        seen = []
        for window in _windows(size):
            for one in self._finder.find(pixels[window.rows, window.columns]):
                seen.append((one.box.shifted(window.x0, window.y0), one.confidence))
        seen.sort(key=lambda one: (-one[0].area * one[1], one[0].x0, one[0].y0))
        kept: list[tuple[Box, float]] = []
        for box, sure in seen:
            if not any(_same(box, other) for other, _ in kept):
                kept.append((box, sure))
        return kept

    def _outlined(self, pixels: RgbArray, box: Box, sure: float) -> Finding:
        room = round(_PAD_SHARE * max(box.width, box.height))
        window = box.grown(room).clipped(size_of(pixels))
        outline = self._person(pixels, window)
        words = f"seen with {sure:.2f}"
        if outline.sum() < 0.1 * box.area:  # the segmenters do not see this person
            return Finding(NAME, "person/seen", box, 0.0, None, words)
        return Finding(NAME, "person/seen", window, 0.0, outline, words)

    def _others(self, pixels: RgbArray, covered: MaskArray) -> Iterator[Finding]:
        """Yield regions that only a segmenter takes for a person."""
        size = size_of(pixels)
        person = self._segmenters[0].probability(pixels) > _OUTLINE_ABOVE
        count, labels, boxes, _ = cv2.connectedComponentsWithStats(
            person.astype(np.uint8), connectivity=8
        )
        for number in range(1, count):
            x, y, width, height, area = (int(one) for one in boxes[number])
            box = Box(x, y, x + width, y + height)
            region = labels[box.rows, box.columns] == number
            new = area - int(covered[box.rows, box.columns][region].sum())
            if new > max(0.5 * area, _LEAST_REGION_SHARE * size.width * size.height):
                words = "seen by its outline only"
                yield Finding(NAME, "person/seen", box, 0.0, region, words)

    def _person(self, pixels: RgbArray, window: Box) -> MaskArray:
        """Return where a person is in a window; the first segmenter leads.

        The others draw finer outlines, but also blobs on busy ground. So they add only
        what lies near the first one's person.
        """
        cut = np.ascontiguousarray(pixels[window.rows, window.columns])
        lead, *others = (
            segmenter.probability(cut) > _OUTLINE_ABOVE
            for segmenter in self._segmenters
        )
        reach = max(1, round(_NEAR_LEAD * min(cut.shape[:2])))
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
        near = cv2.dilate(lead.astype(np.uint8), kernel) > 0
        for other in others:
            lead = lead | (other & near)
        return lead


def build(*, confidence: float, stray_parts: bool) -> PeopleDetector:
    """Build the detector from the settings' section of the same name.

    Raises:
        WeightsMissing: a package that carries weights is not installed.
        WeightsWrong: weights are there, but they are not the right ones.
    """
    finder = ObjectFinder(
        weights.find("object_detector"), threshold=confidence, labels=("person",)
    )
    segmenters = (
        Segmenter(weights.find("deeplab_v3"), channel=_PERSON_CHANNEL),
        Segmenter(weights.find("selfie_segmenter"), channel=-1),
    )
    return PeopleDetector(finder, segmenters, stray_parts=stray_parts)


def _windows(size: Size) -> list[Box]:
    """Return the whole picture, and for large ones four overlapping parts."""
    whole = Box.whole(size)
    if max(size) <= _SECOND_LOOK_PX:
        return [whole]
    width, height = round(_PART_SHARE * size.width), round(_PART_SHARE * size.height)
    corners = [
        (left, top)
        for top in (0, size.height - height)
        for left in (0, size.width - width)
    ]
    return [whole, *(Box(x, y, x + width, y + height) for x, y in corners)]


def _same(box: Box, other: Box) -> bool:
    common = box.intersection(other).area
    smaller = max(min(box.area, other.area), 1)
    return box.overlap(other) > _SAME_PERSON or common / smaller > _INSIDE
