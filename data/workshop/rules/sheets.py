"""What a rule about whole pictures looks like, made from one sound picture.

Every function takes and returns (H, W, 3) uint8 RGB.
"""

# ruff: noqa: D103 -- a function shows what its name says

import cv2
import numpy as np

from detectors.arrays import RgbArray

PAPER = (243, 243, 240)
INK = (40, 44, 52)
FLAW = (214, 40, 57)


def black(pixels: RgbArray) -> RgbArray:
    return np.zeros_like(pixels)


def blank(pixels: RgbArray) -> RgbArray:
    flat = np.empty_like(pixels)
    flat[:] = (70, 120, 200)
    return flat


def uniform(pixels: RgbArray) -> RgbArray:
    grain = np.random.default_rng(1).normal(150, 2.0, pixels.shape)
    return grain.clip(0, 255).astype(np.uint8)


def blurred(pixels: RgbArray) -> RgbArray:
    soft: RgbArray = cv2.GaussianBlur(pixels, (0, 0), 11)
    return soft


def dark(pixels: RgbArray) -> RgbArray:
    return (pixels * 0.12).astype(np.uint8)


def bright(pixels: RgbArray) -> RgbArray:
    return (255 - (255 - pixels.astype(np.float32)) * 0.12).astype(np.uint8)


def little(pixels: RgbArray) -> RgbArray:
    sheet = _sheet(pixels.shape[1], pixels.shape[0])
    cv2.putText(sheet, "title", (300, 270), cv2.FONT_HERSHEY_SIMPLEX, 2.0, INK, 4)
    return sheet


def grey(pixels: RgbArray) -> RgbArray:
    flat = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    levels: RgbArray = np.repeat(flat[..., None], 3, axis=2)
    return levels


def odd_size(pixels: RgbArray) -> RgbArray:
    cut = pixels[:509, :765]
    return labelled(np.ascontiguousarray(cut), "765 x 509")


def strip(pixels: RgbArray) -> RgbArray:
    row = np.concatenate([pixels, pixels[:, ::-1], pixels], axis=1)
    return np.ascontiguousarray(row[140:400])


def outlier(pixels: RgbArray) -> RgbArray:
    return beside([pixels, pixels[:, ::-1], _scaled(pixels, 0.25), pixels], mark=2)


def twice(pixels: RgbArray) -> RgbArray:
    return beside([pixels, pixels], ["0012.png", "0731.png"], mark=1)


def nearly_twice(pixels: RgbArray) -> RgbArray:
    other = pixels.copy()
    cv2.circle(other, (120, 90), 34, (250, 240, 120), -1)
    return beside([pixels, _scaled(other, 0.8)], ["a.png", "b.jpg"], mark=1)


def labelled(pixels: RgbArray, words: str) -> RgbArray:
    """Return the picture with words on a strip at its bottom."""
    drawn = pixels.copy()
    height, width = drawn.shape[:2]
    drawn[height - 64 :] = PAPER
    cv2.putText(drawn, words, (24, height - 20), cv2.FONT_HERSHEY_SIMPLEX, 1.3, INK, 3)
    cv2.rectangle(drawn, (0, 0), (width - 1, height - 1), INK, 3)
    return drawn


def beside(
    pictures: list[RgbArray], names: list[str] | None = None, mark: int | None = None
) -> RgbArray:
    """Lay pictures side by side on paper, each with a name; one is framed as flawed."""
    gap, foot = 36, 80 if names else 36
    height = max(one.shape[0] for one in pictures) + gap + foot
    width = sum(one.shape[1] + gap for one in pictures) + gap
    sheet, x = _sheet(width, height), gap
    for at, one in enumerate(pictures):
        tall, wide = one.shape[:2]
        sheet[gap : gap + tall, x : x + wide] = one
        colour = FLAW if at == mark else INK
        ends = (x - 4, gap - 4), (x + wide + 3, gap + tall + 3)
        cv2.rectangle(sheet, *ends, colour, 12 if at == mark else 4)
        if names:
            place = (x, height - 22)
            cv2.putText(
                sheet, names[at], place, cv2.FONT_HERSHEY_SIMPLEX, 1.6, colour, 4
            )
        x += wide + gap
    return sheet


def _scaled(pixels: RgbArray, by: float) -> RgbArray:
    small: RgbArray = cv2.resize(
        pixels, None, fx=by, fy=by, interpolation=cv2.INTER_AREA
    )
    return small


def _sheet(width: int, height: int) -> RgbArray:
    sheet = np.empty((height, width, 3), np.uint8)
    sheet[:] = PAPER
    return sheet
