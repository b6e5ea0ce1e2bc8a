"""Makes damaged picture files of every kind, the same for the same seed."""

import random
from collections.abc import Iterator

import numpy as np

from tests.support import pictures


def sound_files() -> list[tuple[str, bytes]]:
    """Return (suffix, file) of every kind of picture that can be repaired."""
    scene, alpha = pictures.draw_scene(40, 30), pictures.draw_alpha(40, 30)
    grey = scene[:, :, 0]
    comment = b"UNICODE\0" + pictures.PARAMETERS.encode("utf-16-be")
    exif = b"Exif\0\0" + pictures.exif_block(6, comment)
    files = [
        (".png", pictures.encoded(array, "PNG", exif=exif))
        for array in (grey, np.dstack([grey, alpha]), scene, np.dstack([scene, alpha]))
    ]
    for options in (
        {"quality": 80},
        {"progressive": True},
        {"optimize": True},
        {"restart_marker_blocks": 2},
        {"keep_rgb": True},
    ):
        data = pictures.encoded(scene, "JPEG", exif=exif, icc_profile=b"p", **options)
        files.append((".jpg", data))
    files.append((".jpg", pictures.encoded(grey, "JPEG")))
    for lossless in (False, True):
        for array in (scene, np.dstack([scene, alpha])):
            data = pictures.encoded(array, "WEBP", lossless=lossless, exif=exif)
            files.append((".webp", data))
    return files


def damaged_files(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield (suffix, file) with bits flipped, bytes left out, put in, or cut off."""
    rng = random.Random(seed)
    files = sound_files()
    for _ in range(count):
        suffix, data = rng.choice(files)
        for _ in range(rng.choice([1, 1, 2, 5])):
            data = _damaged(data, rng)
        yield suffix, data


def _damaged(data: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(data) + 1)
    kind = rng.random()
    if kind < 0.7 and place < len(data):
        bits = 1 << rng.randrange(8) if kind < 0.5 else rng.randrange(256)
        return data[:place] + bytes([data[place] ^ bits]) + data[place + 1 :]
    if kind < 0.8:
        return data[:place] + data[place + rng.randrange(1, 20) :]
    if kind < 0.9:
        return data[:place] + rng.randbytes(rng.randrange(1, 20)) + data[place:]
    return data[:place]
