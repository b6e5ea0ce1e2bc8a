"""Make the sample pictures and the table of what is on them.

Run: python -m workshop.samples.make data/samples
The same pictures come out every time; needs nothing but the installed packages.
"""

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import skimage.data
from PIL import Image, PngImagePlugin

from workshop.hands import render_hand
from workshop.hands.backgrounds import make_background
from workshop.samples.scenes import SCENES, HandPlace, SampleScene

RgbArray = npt.NDArray[np.uint8]

COLUMNS = ("file", "what", "kind", "digits", "x0", "y0", "x1", "y1", "style", "flaws")
FACE_IN_PHOTOGRAPH = (0.33, 0.1, 0.55, 0.36)
"""x0, y0, x1, y1 of the astronaut's face, in shares of the photograph's side."""

BORDER_PX = 24
MASK_GROW_PX = 12
JPEG_QUALITY = 92
WEBP_QUALITY = 90
USER_COMMENT = 0x9286
EXIF_POINTER = 0x8769


@dataclass(frozen=True, slots=True)
class TruthRow:
    """One line of the table of ground truth."""

    file: str
    what: str
    """"hand", "face", or "nothing" for a picture without a flaw and without people."""

    kind: str
    digits: str
    box: tuple[int, int, int, int]
    style: str
    flaws: str
    """What a perfect detector reports on the whole picture, joined by spaces."""

    def cells(self) -> tuple[str | int, ...]:
        return (
            self.file,
            self.what,
            self.kind,
            self.digits,
            *self.box,
            self.style,
            self.flaws,
        )


def draw_scene(scene: SampleScene) -> tuple[RgbArray, list[TruthRow]]:
    """Return the picture, (H, W, 3) uint8 RGB, and its rows of the table."""
    flaws = " ".join(scene.flaws)
    if _fills_the_scene(scene):
        return _portrait(scene, flaws)
    canvas = _backdrop(scene)
    rows = []
    if scene.photograph:
        canvas, box = _with_photograph(canvas, scene)
        rows.append(TruthRow(scene.name, "face", "", "", box, "photo", flaws))
    for place in scene.hands:
        canvas, row = _with_hand(canvas, place, scene.name, flaws)
        rows.append(row)
    if not rows:
        nothing = (0, 0, scene.width, scene.height)
        rows.append(TruthRow(scene.name, "nothing", "", "", nothing, "", flaws))
    return canvas, rows


def _fills_the_scene(scene: SampleScene) -> bool:
    sides = {scene.width, scene.height}
    return len(scene.hands) == 1 and sides == {scene.hands[0].side}


def _portrait(scene: SampleScene, flaws: str) -> tuple[RgbArray, list[TruthRow]]:
    """Draw one hand with its own backdrop, shadow and camera."""
    place = scene.hands[0]
    hand = render_hand(
        place.seed,
        kind=place.kind,
        pose=place.pose,
        style=place.style,
        size=place.side,
    )
    box = _box_of(hand.hand)
    row = TruthRow(
        scene.name, "hand", place.kind, str(hand.digits), box, place.style, flaws
    )
    return hand.pixels, [row]


def _box_of(mask: npt.NDArray[np.bool_]) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(mask)
    return (
        int(columns.min()),
        int(rows.min()),
        int(columns.max()) + 1,
        int(rows.max()) + 1,
    )


def _backdrop(scene: SampleScene) -> RgbArray:
    side = max(scene.width, scene.height)
    plane = make_background(np.random.default_rng(scene.backdrop_seed), side)
    top, left = (side - scene.height) // 2, (side - scene.width) // 2
    cut = plane[top : top + scene.height, left : left + scene.width]
    return np.rint(np.clip(cut, 0, 1) * 255).astype(np.uint8)


def _with_photograph(
    canvas: RgbArray, scene: SampleScene
) -> tuple[RgbArray, tuple[int, int, int, int]]:
    """Lay the photograph on the backdrop as a print with a white border."""
    photo: RgbArray = getattr(skimage.data, scene.photograph)()
    side = scene.photograph_px
    small = cv2.resize(photo, (side, side), interpolation=cv2.INTER_AREA)
    x0, y0, x1, y1 = (round(side * edge) for edge in FACE_IN_PHOTOGRAPH)
    small[y0:y1, x0:x1] = _melted(small[y0:y1, x0:x1])
    print_px = side + 2 * BORDER_PX
    left, top = (scene.width - print_px) // 2, (scene.height - print_px) // 2
    shadow = np.zeros(canvas.shape[:2], np.float32)
    shadow[top + 10 : top + print_px + 10, left + 8 : left + print_px + 8] = 0.6
    shadow = cv2.GaussianBlur(shadow, (0, 0), 9)[..., None]
    result: RgbArray = np.rint(canvas * (1 - shadow)).astype(np.uint8)
    result[top : top + print_px, left : left + print_px] = 244
    left, top = left + BORDER_PX, top + BORDER_PX
    result[top : top + side, left : left + side] = small
    return result, (left + x0, top + y0, left + x1, top + y1)


def _melted(face: RgbArray) -> RgbArray:
    """Return a face with its features run together; its edges stay in place."""
    height, width = face.shape[:2]
    rng = np.random.default_rng(5)
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    window = np.outer(np.hanning(height), np.hanning(width)).astype(np.float32)
    shifts = [
        cv2.GaussianBlur(rng.normal(0, 1, face.shape[:2]), (0, 0), width / 14)
        for _ in range(2)
    ]
    dx, dy = (shift / shift.std() * width * 0.12 * window for shift in shifts)
    warped = cv2.remap(
        cv2.GaussianBlur(face, (0, 0), 0.8),
        xs + dx.astype(np.float32),
        ys + dy.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
    melted: RgbArray = np.rint(
        warped * window[..., None] + face * (1 - window[..., None])
    ).astype(np.uint8)
    return melted


def _with_hand(
    canvas: RgbArray, place: HandPlace, name: str, flaws: str
) -> tuple[RgbArray, TruthRow]:
    hand = render_hand(
        place.seed,
        kind=place.kind,
        pose=place.pose,
        style=place.style,
        size=place.side,
        transparent=True,
    )
    if hand.alpha is None:
        raise ValueError(f"{name}: the renderer gave no alpha")
    pixels = np.rot90(hand.pixels, place.quarter_turns)
    alpha = np.rot90(hand.alpha, place.quarter_turns)[..., None]
    mask = np.rot90(hand.hand, place.quarter_turns)
    height, width = canvas.shape[:2]
    y0, x0 = max(place.top, 0), max(place.left, 0)
    y1, x1 = min(place.top + place.side, height), min(place.left + place.side, width)
    inner = (
        slice(y0 - place.top, y1 - place.top),
        slice(x0 - place.left, x1 - place.left),
    )
    result = canvas.copy()
    under = result[y0:y1, x0:x1]
    result[y0:y1, x0:x1] = np.rint(
        pixels[inner] * alpha[inner] + under * (1 - alpha[inner])
    ).astype(np.uint8)
    rows, columns = np.nonzero(mask[inner])
    box = (
        x0 + int(columns.min()),
        y0 + int(rows.min()),
        x0 + int(columns.max()) + 1,
        y0 + int(rows.max()) + 1,
    )
    row = TruthRow(name, "hand", place.kind, str(hand.digits), box, place.style, flaws)
    return result, row


def parameters(scene: SampleScene, seed: int) -> str:
    """Return generation parameters as AUTOMATIC1111 writes them."""
    return (
        f"{scene.prompt}\n"
        "Negative prompt: lowres, watermark\n"
        f"Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, "
        f"Seed: {seed}, Size: {scene.width}x{scene.height}, Model: sample"
    )


def draw_mask(scene: SampleScene) -> RgbArray:
    """Return the mask of a scene's surplus digit, (H, W) uint8, 255 = repaint."""
    place = scene.hands[0]
    hand = render_hand(
        place.seed,
        kind=place.kind,
        pose=place.pose,
        style=place.style,
        size=place.side,
    )
    disc = cv2.getStructuringElement(
        cv2.MORPH_ELLIPSE, (2 * MASK_GROW_PX + 1, 2 * MASK_GROW_PX + 1)
    )
    grown: RgbArray = cv2.dilate(hand.flaw.astype(np.uint8) * np.uint8(255), disc)
    return grown


def save(pixels: RgbArray, text: str, path: Path) -> None:
    """Write one picture with its parameters, in the format of its suffix."""
    image = Image.fromarray(pixels)
    if path.suffix == ".png":
        info = PngImagePlugin.PngInfo()
        info.add_text("parameters", text)
        image.save(path, pnginfo=info)
        return
    exif = Image.Exif()
    comment = b"UNICODE\0" + text.encode("utf-16-be")
    exif.get_ifd(EXIF_POINTER)[USER_COMMENT] = comment
    quality = JPEG_QUALITY if path.suffix == ".jpg" else WEBP_QUALITY
    image.save(path, quality=quality, exif=exif)


def make(folder: Path) -> None:
    """Write all sample pictures and `truth.csv`."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[TruthRow] = []
    for number, scene in enumerate(SCENES):
        pixels, found = draw_scene(scene)
        save(pixels, parameters(scene, 1000 + number), folder / scene.name)
        rows += found
        if scene.masked:
            masks = folder.with_name(f"{folder.name}_masks")
            masks.mkdir(exist_ok=True)
            path = masks / Path(scene.name).with_suffix(".png").name
            Image.fromarray(draw_mask(scene)).convert("1").save(path)
    with (folder / "truth.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(row.cells() for row in rows)


def main() -> None:
    """Read the command line and make the samples."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    make(parser.parse_args().folder)


if __name__ == "__main__":
    main()
