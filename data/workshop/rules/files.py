"""What a rule about files looks like: the picture, and what is wrong with its file.

Every function takes and returns (H, W, 3) uint8 RGB.
"""

# ruff: noqa: D103 -- a function shows what its name says

import cv2
import numpy as np

from detectors.arrays import RgbArray
from workshop.rules.sheets import FLAW, beside, labelled

GREY = (128, 128, 128)


def unreadable(pixels: RgbArray) -> RgbArray:
    return labelled(_nothing(pixels, "?"), "picture.png: may not be read")


def truncated(pixels: RgbArray) -> RgbArray:
    rest = pixels.copy()
    rest[280:] = GREY
    rest[264:280, 410:] = GREY
    return labelled(rest, "picture.jpg: ends early")


def damaged(pixels: RgbArray) -> RgbArray:
    rng, broken = np.random.default_rng(3), pixels.copy()
    for top in range(190, pixels.shape[0] - 64, 16):
        shift, tint = int(rng.integers(-260, 260)), rng.integers(0, 90, 3)
        moved = np.roll(broken[top : top + 16], shift, axis=1).astype(np.int16) + tint
        broken[top : top + 16] = moved.clip(0, 255)
    return labelled(broken, "picture.png: checksum is wrong")


def wrong_suffix(pixels: RgbArray) -> RgbArray:
    return labelled(pixels, "picture.png: holds a JPEG")


def animated(pixels: RgbArray) -> RgbArray:
    small = cv2.resize(pixels, (300, 200), interpolation=cv2.INTER_AREA)
    frames = [np.roll(small, 40 * number, axis=1) for number in range(3)]
    return beside(frames, ["frame 1", "frame 2", "frame 3"])


def too_large(pixels: RgbArray) -> RgbArray:
    return labelled(_nothing(pixels, "!"), "9 KiB that claim 60000 x 60000")


def changed(pixels: RgbArray) -> RgbArray:
    return beside([pixels, pixels[:, ::-1]], ["12:00:01", "12:00:02"], mark=1)


def same_stem(pixels: RgbArray) -> RgbArray:
    return beside([pixels, pixels[:, ::-1]], ["0012.png", "0012.jpg"], mark=1)


def twin_name(pixels: RgbArray) -> RgbArray:
    return beside([pixels, pixels[:, ::-1]], ["Cat.png", "cat.png"], mark=1)


def link(pixels: RgbArray) -> RgbArray:
    return labelled(_nothing(pixels, "->"), "picture.png: is a link")


def clash(pixels: RgbArray) -> RgbArray:
    return beside([pixels, pixels[:, ::-1]], ["one/0012.png", "two/0012.png"], mark=1)


def not_judged(pixels: RgbArray) -> RgbArray:
    return labelled(pixels, "the detector could not look")


def _nothing(pixels: RgbArray, sign: str) -> RgbArray:
    """Return grey paper of the same size with a sign in its middle."""
    paper = np.full_like(pixels, 205)
    (wide, tall), _ = cv2.getTextSize(sign, cv2.FONT_HERSHEY_SIMPLEX, 8.0, 18)
    place = ((pixels.shape[1] - wide) // 2, (pixels.shape[0] - 64 + tall) // 2)
    cv2.putText(paper, sign, place, cv2.FONT_HERSHEY_SIMPLEX, 8.0, FLAW, 18)
    return paper
