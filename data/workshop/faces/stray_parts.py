"""Measure how often stray hands and faces are found, and how often wrongly.

    python -m workshop.faces.stray_parts [--hands FOLDER] [--scenes N]

Scenes are composed here: the astronaut (NASA, public domain) before a texture, and a
face or a hand pasted elsewhere by a soft ellipse, or nothing. FOLDER holds pictures of
single hands; without it only faces are pasted.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from skimage import data

from detectors import catalogue
from detectors.arrays import RgbArray, size_of
from detectors.combine import STRAY_PART, combine
from detectors.contract import Detector
from detectors.geometry import Box
from pipeline.settings import Settings

WIDE, HIGH = 1024, 640
PERSON_RIGHT_PX = 440
"""The pasted astronaut ends here."""


class Scene(NamedTuple):
    """One composed picture and what is stray in it."""

    name: str
    pixels: RgbArray
    stray: Box | None


def main() -> None:
    """Compose, look, and print precision and recall."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hands", type=Path)
    parser.add_argument("--scenes", type=int, default=12)
    args = parser.parse_args()
    names = ("people", "faces") + (("hands",) if args.hands else ())
    settings = Settings().model_dump()
    detectors = [catalogue.build(name, settings[name]) for name in names]
    right = wrong = missed = 0
    for scene in scenes(args.scenes, args.hands):
        found = stray_parts(scene.pixels, detectors)
        hits = [box for box in found if scene.stray and _hit(box, scene.stray)]
        right += bool(hits)
        wrong += len(found) - len(hits)
        missed += scene.stray is not None and not hits
        print(f"{scene.name:28} found {found} true {scene.stray}", flush=True)
    print(f"found {right}, missed {missed}, wrong {wrong}")
    print(f"precision {right / max(right + wrong, 1):.2f}")
    print(f"recall {right / max(right + missed, 1):.2f}")


def stray_parts(pixels: RgbArray, detectors: list[Detector]) -> list[Box]:
    """Return the places that are reported as stray."""
    findings = [one for detector in detectors for one in detector.inspect(pixels)]
    joined = combine(findings, size_of(pixels), use_people=False, stray_parts=True)
    return [one.box for one in joined if one.kind == STRAY_PART]


def scenes(count: int, hands: Path | None) -> Iterator[Scene]:
    """Yield scenes with a stray face, a stray hand, and nothing stray, in turn."""
    rng = np.random.default_rng(11)
    pictures = sorted(hands.glob("*.jpg")) if hands else []
    for number in range(count):
        empty = _scene(number, flipped=number % 2 == 1)
        yield Scene(f"{number} nothing", empty, None)
        side = int(rng.integers(70, 150))
        x, y = _place(rng, side, flipped=number % 2 == 1)
        yield _with(f"{number} face", empty, _face(side), x, y)
        if pictures:
            hand = _hand(pictures[int(rng.integers(len(pictures)))], side)
            yield _with(f"{number} hand", empty, hand, x, y)
            body = (330, 420) if number % 2 == 0 else (WIDE - 330 - side, 420)
            on_body = _with(f"{number} hand on the body", empty, hand, *body)
            yield on_body._replace(stray=None)


def _scene(number: int, *, flipped: bool) -> RgbArray:
    textures = (data.gravel, data.grass, data.brick, data.coffee, data.rocket)
    ground = textures[number % len(textures)]()
    if ground.ndim == 2:
        ground = np.repeat(ground[..., None], 3, axis=2)
    scene = np.asarray(cv2.resize(ground, (WIDE, HIGH)), np.uint8)
    astronaut = np.ascontiguousarray(data.astronaut()[:, :400])
    cover = np.zeros(astronaut.shape[:2], np.float32)
    cv2.ellipse(cover, (205, 330), (185, 330), 0, 0, 360, 1.0, -1)
    cover = cv2.GaussianBlur(cover, (0, 0), 6)[..., None]
    place = scene[HIGH - 512 :, 20:420]
    place[:] = (place * (1 - cover) + astronaut * cover).astype(np.uint8)
    return np.ascontiguousarray(scene[:, ::-1]) if flipped else scene


def _place(rng: np.random.Generator, side: int, *, flipped: bool) -> tuple[int, int]:
    x = int(rng.integers(PERSON_RIGHT_PX + 90, WIDE - 2 * side))
    y = int(rng.integers(side, HIGH - 2 * side))
    return (WIDE - x - side if flipped else x), y


def _face(side: int) -> RgbArray:
    face = np.ascontiguousarray(data.astronaut()[40:196, 160:284])
    return np.asarray(cv2.resize(face, (side, round(side * 1.25))), np.uint8)


def _hand(path: Path, side: int) -> RgbArray:
    read = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    scale = side / max(np.asarray(read).shape)
    small = cv2.resize(
        np.asarray(read, np.uint8),
        None,
        fx=scale,
        fy=scale,
        interpolation=cv2.INTER_AREA,
    )
    return np.asarray(small, np.uint8)


def _with(name: str, scene: RgbArray, part: RgbArray, x: int, y: int) -> Scene:
    height, width = part.shape[:2]
    cover = np.zeros((height, width), np.float32)
    middle, radii = (width // 2, height // 2), (width // 2 - 2, height // 2 - 2)
    cv2.ellipse(cover, middle, radii, 0, 0, 360, 1.0, -1)
    soft: npt.NDArray[np.float32] = cv2.GaussianBlur(cover, (0, 0), 1.5)[..., None]
    pixels = scene.copy()
    place = pixels[y : y + height, x : x + width]
    place[:] = (place * (1 - soft) + part * soft).astype(np.uint8)
    return Scene(name, pixels, Box(x, y, x + width, y + height))


def _hit(box: Box, true: Box) -> bool:
    return box.intersection(true).area > 0.5 * min(box.area, true.area)


if __name__ == "__main__":
    main()
