"""Judge the picture as a whole: empty, blurred, dark, bright, grey, oddly shaped."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import cv2
import numpy as np
import numpy.typing as npt

from detectors.arrays import RgbArray, check_rgb, size_of
from detectors.findings import Finding, Kind, Severity
from detectors.geometry import Box, Size

NAME = "quality"

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "image/black": Kind("the picture is black", Severity.ERROR, False),
        "image/blank": Kind("the picture is one flat colour", Severity.ERROR, False),
        "image/uniform": Kind(
            "the picture shows next to nothing", Severity.WARNING, False
        ),
        "image/blurred": Kind(
            "no part of the picture is sharp", Severity.WARNING, False
        ),
        "image/dark": Kind("the picture is very dark", Severity.WARNING, False),
        "image/bright": Kind("the picture is washed out", Severity.WARNING, False),
        "image/low-information": Kind(
            "the picture holds very little information", Severity.NOTE, False
        ),
        "image/grey": Kind(
            "the picture is grey where colour is expected", Severity.WARNING, False
        ),
        "image/odd-size": Kind(
            "width or height is not a multiple that models work at",
            Severity.NOTE,
            False,
        ),
        "image/odd-aspect": Kind(
            "the picture is a very long strip", Severity.NOTE, False
        ),
    }
)

_BLACK_LEVEL = 8
"""No channel of a black picture is above this, of 255; room for JPEG noise."""

_BLANK_SPREAD = 4
"""Levels, of 255, between the 0.5 % and the 99.5 % pixel of a flat picture."""

_GREY_SPREAD = 4
"""Levels, of 255, between the channels of a grey pixel; room for JPEG noise."""

_DARK_HIGHLIGHT, _BRIGHT_SHADOW = 0.40, 0.60
"""A night scene has lights and a drawing has lines: L*/100 of the 1 % that differs."""

_TILE_PX = 48
_TILES_PER_SIDE = 32
"""Sharpness is read on at most 32 x 32 tiles, so time stays bounded."""

_MIN_EDGE = 3.0
"""Levels a pixel, of 255; tiles without a stronger edge say nothing about sharpness."""

_MIN_TILES, _MIN_TILES_HALVED = 12, 6
_STRONG_SHARE = 0.4
_MIN_SIDE_PX = 128
_BLUR_MIDDLE, _BLUR_WIDTH = 0.19, 0.02
"""Share of edge strength lost to a blur of 1 px at which blur is as likely as not.

Measured on the 30 pictures installed with scikit-image and ultralytics: 0.31 to 0.88 as
they are (one micrograph: 0.22), 0.07 to 0.24 after a blur of 2 px, 0.04 to 0.12 for all
but one after 3 px.

From about 6 px up the steps of 8-bit rounding can pass for sharpness; at half the size
they average out.
"""


@dataclass(frozen=True, slots=True)
class QualityDetector:
    """Looks at the whole picture; the meaning of the fields is that of the settings."""

    dark_below: float
    bright_above: float
    uniform_below: float
    blurred_above: float
    size_multiple: int
    max_aspect: float
    information_below: float = 0.0
    expect_colour: bool = False

    @property
    def name(self) -> str:
        return NAME

    @property
    def kinds(self) -> Mapping[str, Kind]:
        return KINDS

    def inspect(self, pixels: RgbArray) -> list[Finding]:
        """Return what is wrong with the picture as a whole, each with the whole box."""
        check_rgb(pixels)
        size = size_of(pixels)
        light = _lightness(pixels)
        empty = _black(pixels, size) or _blank(pixels, size)
        if empty:
            tone = [empty]
        else:
            tone = [*self._tone(light, pixels, size), *self._blur(pixels, size)]
            if all(one.kind != "image/uniform" for one in tone):
                tone += self._content(pixels, size)
        return [*tone, *self._shape(size)]

    def close(self) -> None:
        """Hold nothing, free nothing."""

    def _tone(
        self, light: npt.NDArray[np.float32], pixels: RgbArray, size: Size
    ) -> list[Finding]:
        mean = float(light.mean())
        shadow, highlight = (float(one) for one in np.percentile(light, (1.0, 99.0)))
        spread = max(float(pixels[..., one].std()) for one in range(3))
        found = []
        if spread < self.uniform_below:
            share = 1.0 - 0.5 * spread / self.uniform_below
            found.append(_whole("image/uniform", size, share, f"spread {spread:.1f}"))
        if mean < self.dark_below and highlight < _DARK_HIGHLIGHT:
            share = 1.0 - 0.5 * mean / self.dark_below
            found.append(_whole("image/dark", size, share, f"lightness {mean:.2f}"))
        if mean > self.bright_above and shadow > _BRIGHT_SHADOW:
            share = 1.0 - 0.5 * (1.0 - mean) / max(1.0 - self.bright_above, 1e-6)
            found.append(_whole("image/bright", size, share, f"lightness {mean:.2f}"))
        return found

    def _blur(self, pixels: RgbArray, size: Size) -> list[Finding]:
        loss = sharpest_loss(pixels)
        if loss is None:
            return []
        odds = 1.0 / (1.0 + np.exp((loss - _BLUR_MIDDLE) / _BLUR_WIDTH))
        if odds <= self.blurred_above:
            return []
        return [_whole("image/blurred", size, float(odds), f"sharpness {loss:.2f}")]

    def _content(self, pixels: RgbArray, size: Size) -> list[Finding]:
        found = []
        bits = information(pixels)
        if bits < self.information_below:
            share = 1.0 - 0.5 * bits / self.information_below
            words = f"{bits:.1f} bits a pixel"
            found.append(_whole("image/low-information", size, share, words))
        if self.expect_colour and _is_grey(pixels):
            words = "red, green and blue are the same"
            found.append(_whole("image/grey", size, 1.0, words))
        return found

    def _shape(self, size: Size) -> list[Finding]:
        found = []
        if any(side % self.size_multiple for side in size):
            words = (
                f"{size.width}x{size.height}, not a multiple of {self.size_multiple}"
            )
            found.append(_whole("image/odd-size", size, 1.0, words))
        aspect = max(size) / min(size)
        if aspect > self.max_aspect:
            found.append(_whole("image/odd-aspect", size, 1.0, f"{aspect:.1f} to 1"))
        return found


def build(  # noqa: PLR0913  one argument per setting
    *,
    dark_below: float,
    bright_above: float,
    uniform_below: float,
    blurred_above: float,
    size_multiple: int,
    max_aspect: float,
    information_below: float = 0.0,
    expect_colour: bool = False,
) -> QualityDetector:
    """Build the detector from the settings' section of the same name."""
    return QualityDetector(
        dark_below,
        bright_above,
        uniform_below,
        blurred_above,
        size_multiple,
        max_aspect,
        information_below,
        expect_colour,
    )


def sharpest_loss(pixels: RgbArray) -> float | None:
    """Return how much edge strength the sharpest parts lose to a blur of 1 px.

    A sharp edge loses most of its strength, one that is soft already loses little; so
    the ratio does not depend on contrast. The best of the tiles with strong edges are
    read: a portrait before a soft background is sharp where it should be, and the grain
    of weak edges is not sharpness. It is read at full and at half size, because a wide
    blur leaves so little that the steps of rounding look sharp; the lower counts.

    Args:
        pixels: (H, W, 3) uint8 RGB.

    Returns:
        0..1, higher is sharper; None for pictures that are too small or have too few
        edges to tell.
    """
    grey = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    if min(grey.shape) < _MIN_SIDE_PX:
        return None
    full = grey.astype(np.float32)
    losses = [_edge_loss(full, _MIN_TILES)]
    if min(grey.shape) >= 2 * _MIN_SIDE_PX:
        halved = cv2.resize(full, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        losses.append(_edge_loss(halved.astype(np.float32), _MIN_TILES_HALVED))
    return min((loss for loss in losses if loss is not None), default=None)


def _edge_loss(grey: npt.NDArray[np.float32], min_tiles: int) -> float | None:
    before = _tile_edges(grey)
    after = _tile_edges(cv2.GaussianBlur(grey, (0, 0), 1.0).astype(np.float32))
    told = before > _MIN_EDGE
    if int(told.sum()) < min_tiles:
        return None
    strong = told & (before >= np.percentile(before[told], 100 * (1 - _STRONG_SHARE)))
    loss = 1.0 - after[strong] / before[strong]
    return float(np.percentile(loss, 90).clip(0.0, 1.0))


def information(pixels: RgbArray) -> float:
    """Return the entropy of the grey levels, in bits a pixel, 0..8.

    Args:
        pixels: (H, W, 3) uint8 RGB.
    """
    grey = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    shares = np.bincount(grey.reshape(-1), minlength=256) / grey.size
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum())


def _is_grey(pixels: RgbArray) -> bool:
    spread = pixels.max(axis=2).astype(np.int16) - pixels.min(axis=2)
    return float(np.percentile(spread, 99.5)) <= _GREY_SPREAD


def _tile_edges(grey: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the step that 1 % of each tile exceed, flat."""
    steps = np.abs(np.diff(grey, axis=1))[:-1] + np.abs(np.diff(grey, axis=0))[:, :-1]
    tiles = [
        np.percentile(steps[top : top + _TILE_PX, left : left + _TILE_PX], 99)
        for top in _starts(steps.shape[0])
        for left in _starts(steps.shape[1])
    ]
    return np.array(tiles, np.float32)


def _starts(length: int) -> list[int]:
    count = min(length // _TILE_PX, _TILES_PER_SIDE)
    places: list[int] = np.linspace(0, length - _TILE_PX, count).astype(int).tolist()
    return places


def _lightness(pixels: RgbArray) -> npt.NDArray[np.float32]:
    """Return CIE L*/100, (H, W) float32 in 0..1."""
    lab = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2LAB)
    light: npt.NDArray[np.float32] = lab[..., 0].astype(np.float32) / 255.0
    return light


def _black(pixels: RgbArray, size: Size) -> Finding | None:
    top = float(np.percentile(pixels, 99.9))
    if top > _BLACK_LEVEL:
        return None
    share = 1.0 - 0.5 * top / (_BLACK_LEVEL + 1)
    return _whole("image/black", size, share, f"nothing above {top:.0f} of 255")


def _blank(pixels: RgbArray, size: Size) -> Finding | None:
    flat = pixels.reshape(-1, 3)
    low, high = np.percentile(flat, (0.5, 99.5), axis=0)
    spread = float((high - low).max())
    if spread > _BLANK_SPREAD:
        return None
    red, green, blue = (round(float(one)) for one in flat.mean(axis=0))
    share = 1.0 - 0.5 * spread / (_BLANK_SPREAD + 1)
    return _whole("image/blank", size, share, f"all near ({red}, {green}, {blue})")


def _whole(kind: str, size: Size, confidence: float, message: str) -> Finding:
    confidence = float(np.clip(confidence, 0.0, 1.0))
    return Finding(NAME, kind, Box.whole(size), confidence, message=message)
