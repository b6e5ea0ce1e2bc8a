"""Draw one picture for every rule of the gate: python -m workshop.rules.draw.

What is shown is made from the samples, so that it may be passed on with them. Run with
`data` on the import path. A test draws them again and compares.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np

from detectors.arrays import RgbArray
from detectors.geometry import Box
from workshop.rules import files, sheets

ROOT = Path(__file__).resolve().parents[3]
SAMPLES = ROOT / "data" / "samples"
FOLDER = ROOT / "data" / "docs" / "rules"
SIDE = 280
"""Height of a picture, in pixels."""

_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 75]
FLAW, DOUBT = (214, 40, 57), (235, 160, 30)


def sample(name: str) -> RgbArray:
    """Return a sample, (H, W, 3) uint8 RGB."""
    pixels = cv2.imread(str(SAMPLES / name), cv2.IMREAD_COLOR_RGB)
    if pixels is None:
        raise FileNotFoundError(SAMPLES / name)
    read: RgbArray = pixels.astype(np.uint8)
    return read


def boxed(pixels: RgbArray, box: Box, colour: tuple[int, int, int] = FLAW) -> RgbArray:
    """Return the surroundings of a box with the box drawn on them."""
    height, width = pixels.shape[:2]
    drawn = pixels.copy()
    thick = max(2, round(min(height, width) / 150))
    corners = (box.x0, box.y0), (box.x1 - 1, box.y1 - 1)
    cv2.rectangle(drawn, *corners, (255, 255, 255), 3 * thick)
    cv2.rectangle(drawn, *corners, colour, thick)
    return drawn


def fitted(pixels: RgbArray) -> RgbArray:
    """Return the picture at the height that all have, and at most twice as wide."""
    height, width = pixels.shape[:2]
    scale = min(SIDE / height, 2 * SIDE / width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small: RgbArray = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return small


def swirled(pixels: RgbArray, box: Box, turns: float) -> RgbArray:
    """Return the picture with what is in the box twisted around its middle."""
    x, y = box.centre
    rows, columns = np.mgrid[0 : pixels.shape[0], 0 : pixels.shape[1]].astype(
        np.float32
    )
    right, down = columns - x, rows - y
    far = np.hypot(right, down) / (max(box.size) / 2)
    angle = 2 * np.pi * turns * np.clip(1 - far, 0, None) ** 1.5
    sine, cosine = np.sin(angle), np.cos(angle)
    across = (x + cosine * right - sine * down).astype(np.float32)
    along = (y + sine * right + cosine * down).astype(np.float32)
    twisted: RgbArray = cv2.remap(
        pixels, across, along, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    return twisted


def _hand(name: str, box: Box) -> Callable[[], RgbArray]:
    return lambda: boxed(sample(name), box)


def _malformed() -> RgbArray:
    box = Box(139, 107, 599, 525)
    return boxed(swirled(sample("clean-hand.png"), box, 0.22), box)


def _too_small_to_tell() -> RgbArray:
    scene = sample("clean-still.jpg")
    hand = cv2.resize(sample("clean-hand.png"), (40, 40), interpolation=cv2.INTER_AREA)
    hand = cv2.GaussianBlur(hand, (0, 0), 1.5)
    scene[60:100, 300:340] = hand
    cut = np.ascontiguousarray(scene[:256, 160:544])
    return boxed(cut, Box(134, 54, 186, 106), DOUBT)


def _face(turns: float, colour: tuple[int, int, int] = FLAW) -> RgbArray:
    cut = np.ascontiguousarray(sample("far-face.png")[160:310, 270:460])
    cut = cv2.resize(cut, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    box = Box(180, 96, 390, 345)
    return boxed(swirled(cut, box, turns), box, colour)


def _cut_face() -> RgbArray:
    cut = np.ascontiguousarray(sample("far-face.png")[160:310, 368:520])
    cut = cv2.resize(cut, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    return boxed(cut, Box(3, 96, 96, 345), DOUBT)


def _stray_part() -> RgbArray:
    scene, hand = sample("clean-still.jpg"), sample("clean-hand.png")
    part = cv2.resize(hand[100:530, 130:600], (141, 129), interpolation=cv2.INTER_AREA)
    cover = np.zeros((129, 141, 1), np.float32)
    cv2.ellipse(cover, (70, 64), (66, 60), 0, 0, 360, 1.0, -1)
    cover = cv2.GaussianBlur(cover, (0, 0), 4)[..., None]
    place = scene[40:169, 520:661]
    scene[40:169, 520:661] = (place + (part - place.astype(np.float32)) * cover).astype(
        np.uint8
    )
    return boxed(scene, Box(515, 35, 666, 174))


def _far_face() -> RgbArray:
    return boxed(sample("far-face.png"), Box(330, 192, 400, 275))


def scene() -> RgbArray:
    """Return a sound picture with something to see in it, 768 x 512."""
    cut = sample("far-face.png")[155:365, 185:500]
    large: RgbArray = cv2.resize(cut, (768, 512), interpolation=cv2.INTER_CUBIC)
    return large


def _own_class() -> RgbArray:
    marked = boxed(scene(), Box(560, 40, 740, 400))
    return sheets.labelled(marked, "segment/watermark")


def _own_kind(words: str) -> Callable[[], RgbArray]:
    return lambda: sheets.labelled(scene(), words)


def _shown(change: Callable[[RgbArray], RgbArray]) -> Callable[[], RgbArray]:
    return lambda: change(scene())


PICTURES: Mapping[str, Callable[[], RgbArray]] = {
    "NM101": _hand("six-fingers.png", Box(104, 77, 551, 620)),
    "NM102": _hand("four-fingers.jpg", Box(158, 108, 476, 533)),
    "NM103": _hand("fused-fingers.png", Box(93, 42, 517, 596)),
    "NM104": _malformed,
    "NM109": _too_small_to_tell,
    "NM111": lambda: _face(0.3),
    "NM112": _far_face,
    "NM119": _cut_face,
    "NM121": _stray_part,
    "NM190": _own_class,
    "NM199": _own_kind("hand/your-kind"),
    "NM201": _shown(sheets.black),
    "NM202": _shown(sheets.blank),
    "NM203": _shown(sheets.uniform),
    "NM204": _shown(sheets.blurred),
    "NM205": _shown(sheets.dark),
    "NM206": _shown(sheets.bright),
    "NM207": _shown(sheets.little),
    "NM208": _shown(sheets.grey),
    "NM211": _shown(sheets.odd_size),
    "NM212": _shown(sheets.strip),
    "NM213": _shown(sheets.outlier),
    "NM221": _shown(sheets.twice),
    "NM222": _shown(sheets.nearly_twice),
    "NM299": _own_kind("image/your-kind"),
    "NM301": _shown(files.unreadable),
    "NM302": _shown(files.truncated),
    "NM303": _shown(files.damaged),
    "NM304": _shown(files.wrong_suffix),
    "NM305": _shown(files.animated),
    "NM306": _shown(files.too_large),
    "NM307": _shown(files.changed),
    "NM308": _shown(files.same_stem),
    "NM309": _shown(files.twin_name),
    "NM310": _shown(files.link),
    "NM311": _shown(files.clash),
    "NM312": _shown(files.not_judged),
}


def drawn(code: str) -> bytes:
    """Return the picture of a rule as a JPEG file."""
    pixels = fitted(np.ascontiguousarray(PICTURES[code]()))
    fine, encoded = cv2.imencode(".jpg", pixels[..., ::-1], _JPEG)
    if not fine:
        raise ValueError(f"the picture of {code} could not be encoded")
    return encoded.tobytes()


def main() -> int:
    """Draw them all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for code in PICTURES:
        (FOLDER / f"{code}.jpg").write_bytes(drawn(code))
    return 0


if __name__ == "__main__":
    sys.exit(main())
