"""Time reading and writing of pictures against the bare encoders.

Run with: python -m tests.bench.files [side in pixels]
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2

from detectors.geometry import Box
from pipeline.files import digest_bytes
from pipeline.metadata import Provenance
from pipeline.records import ImageRef, Picture
from pipeline.settings import LoadSettings
from pipeline.stages.load import load
from pipeline.stages.save import encode
from tests.support import pictures

ROUNDS = 5
KINDS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("PNG", ".png", {}),
    ("JPEG", ".jpg", {"quality": 92}),
    ("JPEG", ".jpg", {"quality": 92, "progressive": True}),
    ("WEBP", ".webp", {"quality": 90}),
    ("WEBP", ".webp", {"lossless": True}),
)


def cpu_ms(work: Callable[[], object]) -> float:
    """Return the least CPU time of several runs, in milliseconds."""
    least = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        least = min(least, time.process_time() - began)
    return 1000.0 * least


def opened(data: bytes, suffix: str) -> Picture:
    """Load a picture from memory."""
    ref = ImageRef(Path("/bench"), f"a{suffix}", digest_bytes(data))
    return load(ref, data, LoadSettings())


def main(side: int) -> None:
    """Print one line per kind of file, and how PNG compares with OpenCV alone."""
    scene = pictures.draw_scene(side, side)
    entry = Provenance(version="0", passes=1)
    third = Box(side // 3, side // 3, side // 2, side // 2)
    print(f"CPU ms for {side}x{side} pixels")
    print(f"{'':24}{'load':>8}{'save':>8}{'kB':>8}")
    saved: dict[str, float] = {}
    for kind, suffix, options in KINDS:
        data = pictures.encoded(scene, kind, **options)
        picture = opened(data, suffix)
        mended = pictures.with_blot(picture.pixels, third, (120, 110, 100))
        load_ms = cpu_ms(partial(opened, data, suffix))
        save_ms = cpu_ms(partial(encode, picture, mended, entry))
        name = " ".join([kind, *(f"{k}={v}" for k, v in options.items())])
        print(f"{name:24}{load_ms:8.1f}{save_ms:8.1f}{len(data) / 1000:8.0f}")
        saved.setdefault(kind, save_ms)
    turned = cv2.cvtColor(scene, cv2.COLOR_RGB2BGR)
    bare_ms = cpu_ms(partial(cv2.imencode, ".png", turned))
    pillow_ms = cpu_ms(partial(pictures.encoded, scene, "PNG"))
    print(f"PNG by OpenCV alone {bare_ms:.1f}, by Pillow's default {pillow_ms:.1f}")
    print(
        f"saving a PNG, with metadata and checked by decoding it, takes "
        f"{saved['PNG'] / bare_ms:.2f} of OpenCV alone, "
        f"{saved['PNG'] / pillow_ms:.2f} of Pillow's default"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1024)
