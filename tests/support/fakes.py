"""Detectors, engines and albums that do what a test tells them, and keep count."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from detectors.arrays import MaskArray, RgbArray
from detectors.errors import DetectorFailed
from detectors.findings import Finding, Kind, Remedy, Severity
from detectors.geometry import Box, Size
from pipeline.errors import PaintFailed
from pipeline.records import Candidate, PaintRequest

Colour = tuple[int, int, int]

GREY: Colour = (128, 128, 128)
RED: Colour = (220, 30, 30)
ORANGE: Colour = (230, 140, 20)
GREEN: Colour = (30, 180, 60)
YELLOW: Colour = (225, 225, 40)
BLUE: Colour = (40, 60, 220)

HANDS: Mapping[Colour, tuple[str, float, Remedy]] = {
    RED: ("hand/malformed", 0.9, "redraw"),
    ORANGE: ("hand/malformed", 0.6, "redraw"),
    GREEN: ("hand/ok", 0.1, "redraw"),
    YELLOW: ("hand/cannot-tell", 0.4, "redraw"),
    BLUE: ("hand/surplus", 0.9, "remove"),
}
"""How a hand of each colour is judged."""

HAND_KINDS: Mapping[str, Kind] = {
    "hand/malformed": Kind("A malformed hand.", Severity.ERROR, mend=True),
    "hand/surplus": Kind("A hand too many.", Severity.ERROR, mend=True),
    "hand/cannot-tell": Kind("A hand nobody can judge.", Severity.NOTE, mend=False),
    "hand/ok": Kind("A hand in order.", Severity.FINE, mend=False),
}
IMAGE_KINDS: Mapping[str, Kind] = {
    "image/dark": Kind("A very dark picture.", Severity.WARNING, mend=False),
}


def draw(size: Size, hands: Mapping[Box, Colour]) -> RgbArray:
    """Draw hands as filled boxes on grey."""
    pixels = np.empty((size.height, size.width, 3), dtype=np.uint8)
    pixels[:] = GREY
    for box, colour in hands.items():
        pixels[box.rows, box.columns] = colour
    return pixels


class FakeDetector:
    """Sees boxes of certain colours as hands, in a picture or in any part of one."""

    def __init__(
        self,
        hands: Mapping[Colour, tuple[str, float, Remedy]] = HANDS,
        kinds: Mapping[str, Kind] = HAND_KINDS,
        name: str = "hands",
    ) -> None:
        self._hands = hands
        self._kinds = kinds
        self._name = name
        self.looks: list[Size] = []
        """The size of each picture it was shown."""

        self.closed = 0

    @property
    def name(self) -> str:
        return self._name

    @property
    def kinds(self) -> Mapping[str, Kind]:
        return self._kinds

    def inspect(self, pixels: RgbArray) -> list[Finding]:
        self.looks.append(Size(pixels.shape[1], pixels.shape[0]))
        return [
            Finding(self._name, kind, box, confidence, remedy=remedy)
            for colour, (kind, confidence, remedy) in self._hands.items()
            for box in _boxes_of(pixels, colour)
        ]

    def close(self) -> None:
        self.closed += 1


class DarkDetector(FakeDetector):
    """Reports dark pictures, which repainting a part does not cure."""

    def __init__(self) -> None:
        super().__init__({}, IMAGE_KINDS, "quality")

    def inspect(self, pixels: RgbArray) -> list[Finding]:
        self.looks.append(Size(pixels.shape[1], pixels.shape[0]))
        if pixels.mean() >= 40:
            return []
        whole = Box(0, 0, pixels.shape[1], pixels.shape[0])
        return [Finding("quality", "image/dark", whole, 0.9)]


class BrokenDetector(FakeDetector):
    """Cannot look; or only at pictures of at least a certain width."""

    def __init__(self, name: str = "broken", works_from_px: int | None = None) -> None:
        super().__init__(name=name)
        self._works_from_px = works_from_px

    def inspect(self, pixels: RgbArray) -> list[Finding]:
        if self._works_from_px is None or pixels.shape[1] < self._works_from_px:
            raise DetectorFailed("its network is on fire")
        return super().inspect(pixels)


def _boxes_of(pixels: RgbArray, colour: Colour) -> list[Box]:
    near = np.abs(pixels.astype(np.int16) - np.array(colour, dtype=np.int16))
    hit = (near.max(axis=2) <= 12).astype(np.uint8)
    count, _, stats, _ = cv2.connectedComponentsWithStats(hit, connectivity=8)
    found = (tuple(int(value) for value in stats[n]) for n in range(1, count))
    return [Box(x, y, x + w, y + h) for x, y, w, h, area in found if area >= 40]


Result = Colour | str
"""The colour in which the hand comes out, or "gone", "black", "failed", "shape"."""


@dataclass
class FakeInpainter:
    """Repaints the mask grey, with a hand of a told colour where the flaw was."""

    result_for: Callable[[PaintRequest, int], Result] = lambda _request, _number: GREEN
    native_px: int | None = 64
    draws: bool = True
    size_multiple: int = 8
    name: str = "fake"
    gives_up_on: frozenset[int] = frozenset()
    """Patches for which it raises."""

    smooths: bool = False
    """Loses all grain, inside and outside the mask, as autoencoders do."""

    painted: list[tuple[int, int, float]] = field(default_factory=list)
    """(patch, number, strength) of every variation that was drawn."""

    requests: list[PaintRequest] = field(default_factory=list)
    closed: int = 0

    def paint(self, request: PaintRequest) -> Iterator[Candidate]:
        self.requests.append(request)
        if request.patch.number in self.gives_up_on:
            raise PaintFailed("there is no paint left")
        for offset, seed in enumerate(request.seeds):
            number = request.first_number + offset
            self.painted.append((request.patch.number, number, request.strength))
            began = time.monotonic()
            result = self.result_for(request, number)
            took_s = max(0.25, time.monotonic() - began)
            pixels = None if result == "failed" else _painted(request, result)
            if self.smooths and pixels is not None:
                pixels = np.asarray(cv2.medianBlur(pixels, 9), np.uint8)
            problem = "" if pixels is not None else "came out as NaN"
            patch = request.patch.number
            yield Candidate(patch, number, seed, pixels, took_s, problem)

    def close(self) -> None:
        self.closed += 1


def _painted(request: PaintRequest, result: Result) -> RgbArray:
    if result == "shape":
        return request.pixels[:-1].copy()
    pixels = request.pixels.copy()
    pixels[request.mask | (request.cover > 0)] = 0 if result == "black" else GREY
    if isinstance(result, str):
        return pixels
    for finding in request.patch.findings:
        box = finding.box.shifted(-request.window.x0, -request.window.y0)
        pixels[box.rows, box.columns] = result
    return pixels


@dataclass
class FakeAlbum:
    """Keeps arrays in memory."""

    kept: dict[tuple[str, str], npt.NDArray[Any]] = field(default_factory=dict)
    thumbs: list[tuple[str, str]] = field(default_factory=list)

    def keep(self, key: str, name: str, array: npt.NDArray[Any]) -> str:
        assert (key, name) not in self.kept, f"{name} is kept twice"
        self.kept[key, name] = array.copy()
        return f"album/{name}"

    def keep_thumb(self, key: str, digest: str, pixels: RgbArray) -> None:
        self.thumbs.append((key, digest))

    def names(self) -> list[str]:
        """Return what was kept, in order."""
        return [name for _, name in self.kept]


def mask_of(size: Size, *boxes: Box) -> MaskArray:
    """Return a mask with boxes set."""
    mask: MaskArray = np.zeros((size.height, size.width), dtype=np.bool_)
    for box in boxes:
        mask[box.rows, box.columns] = True
    return mask
