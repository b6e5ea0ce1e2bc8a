"""Draws small pictures for tests, and wraps them in files of every kind."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from detectors.arrays import RgbArray
from detectors.geometry import Box

PARAMETERS = (
    "portrait of a woman waving, (detailed:1.2)\nsoft light\n"
    "Negative prompt: blurry, extra fingers\n"
    "Steps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 1234, "
    "Size: 512x512, Model hash: 6ce0161689, Model: v1-5, Version: 1.10.1"
)
"""Generation parameters as AUTOMATIC1111 writes them."""


def draw_scene(width: int = 96, height: int = 64, seed: int = 7) -> RgbArray:
    """Draw a smooth backdrop with a few coloured discs and a little grain.

    Returns:
        (height, width, 3) uint8 RGB; the same for the same arguments.
    """
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float64)
    scene = np.stack(
        [
            60 + 120 * columns / max(width, 1),
            90 + 80 * rows / max(height, 1),
            140 + 40 * np.sin(columns / 9.0 + rows / 13.0),
        ],
        axis=-1,
    )
    for _ in range(4):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        radius = rng.uniform(0.08, 0.25) * min(width, height)
        inside = (columns - x) ** 2 + (rows - y) ** 2 < radius**2
        scene[inside] = rng.uniform(20, 235, 3)
    scene += rng.normal(0.0, 2.0, scene.shape)
    drawn: RgbArray = scene.clip(0, 255).astype(np.uint8)
    return drawn


def draw_alpha(width: int = 96, height: int = 64) -> npt.NDArray[np.uint8]:
    """Draw a ramp, (height, width) uint8 0..255; its left edge is see-through."""
    ramp = np.linspace(0, 255, width).astype(np.uint8)
    ramp[: max(1, width // 8)] = 0
    return np.repeat(ramp[None, :], height, axis=0)


def with_blot(
    pixels: RgbArray, box: Box, colour: tuple[int, int, int] = (255, 0, 255)
) -> RgbArray:
    """Return a copy with one filled rectangle: a flaw in a known place."""
    marked = pixels.copy()
    marked[box.rows, box.columns] = colour
    return marked


def encoded(array: npt.NDArray[Any], format_name: str, **options: Any) -> bytes:
    """Return the file that Pillow writes for an L, LA, RGB or RGBA array."""
    buffer = io.BytesIO()
    channels = 1 if array.ndim == 2 else array.shape[2]
    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[channels]
    Image.fromarray(array).convert(mode).save(buffer, format_name, **options)
    return buffer.getvalue()


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """Return one PNG chunk with its length and checksum."""
    checksum = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def with_png_chunks(png: bytes, before: bytes = b"", after: bytes = b"") -> bytes:
    """Return the PNG with more chunks right after IHDR, and right before IEND."""
    head, tail = 8 + 25, len(png) - 12
    return png[:head] + before + png[head:tail] + after + png[tail:]


def text_chunk(keyword: str, text: str) -> bytes:
    """Return an uncompressed iTXt chunk."""
    return png_chunk(b"iTXt", keyword.encode("latin-1") + b"\0\0\0\0\0" + text.encode())


def jpeg_segment(marker: int, body: bytes) -> bytes:
    """Return one JPEG segment, such as marker 0xE1 for APP1."""
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def with_jpeg_segments(jpeg: bytes, *segments: bytes) -> bytes:
    """Return the JPEG with more segments right after its start."""
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def webp_chunk(kind: bytes, body: bytes) -> bytes:
    """Return one RIFF chunk, padded to an even length."""
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) & 1)


def exif_block(
    orientation: int | None = None, user_comment: bytes | None = None
) -> bytes:
    """Return a big-endian TIFF block as EXIF carries it, without "Exif\\0\\0"."""
    entries: list[bytes] = []
    if orientation is not None:
        entries.append(struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0))
    count = len(entries) + (user_comment is not None)
    pointer = 8 + 2 + 12 * count + 4
    if user_comment is not None:
        entries.append(struct.pack(">HHII", 0x8769, 4, 1, pointer))
    block = b"MM\0*" + struct.pack(">IH", 8, count) + b"".join(entries)
    block += struct.pack(">I", 0)
    if user_comment is not None:
        value = pointer + 2 + 12 + 4
        block += struct.pack(">HHHII", 1, 0x9286, 7, len(user_comment), value)
        block += struct.pack(">I", 0) + user_comment
    return block
