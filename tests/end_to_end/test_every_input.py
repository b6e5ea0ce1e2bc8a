"""All that a night may meet: each ends in one named way, and the rest is done."""

import io
import os
import random
import socket
import stat
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import ExitCode
from pipeline.ledger import queries
from pipeline.metadata import png, webp
from pipeline.records import Outcome, Status
from pipeline.settings import Settings
from tests.support import pictures
from tests.support.fakes import RED, draw
from tests.support.poison import workers
from tests.support.runs import (
    HAND,
    SETTINGS,
    SIZE,
    FakeTools,
    fill,
    outcomes,
    picture,
    repair,
    tree,
)

FLAWED = draw(SIZE, {HAND: RED})
IMAGE = Image.fromarray(FLAWED)
GREY = FLAWED[:, :, 1]
ALPHA = pictures.draw_alpha(*SIZE)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def claiming(width: int, height: int) -> bytes:
    """Return a PNG of a few bytes that says how large it is."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = pictures.png_chunk(b"IDAT", zlib.compress(b"\0"))
    return (
        png.SIGNATURE
        + pictures.png_chunk(b"IHDR", header)
        + rows
        + pictures.png_chunk(b"IEND", b"")
    )


PNG = pictures.encoded(FLAWED, "PNG")
JPEG = pictures.encoded(FLAWED, "JPEG", quality=95)
WEBP = pictures.encoded(FLAWED, "WEBP", lossless=True)
TURNED = b"Exif\0\0" + pictures.exif_block(6)
NOISE = random.Random(3).randbytes(500)
FLOAT = saved(Image.fromarray(GREY.astype(np.float32)), "TIFF")
SECOND = {"save_all": True, "append_images": [Image.fromarray(255 - FLAWED)]}
C2PA_JPEG = pictures.jpeg_segment(
    0xEB, b"JP\0\1\0\0\0\1" + struct.pack(">I", 40) + b"jumb" + b"\0" * 8 + b"c2pa"
)
C2PA_WEBP = (*webp.split(WEBP).chunks, webp.make_chunk(b"C2PA", b"jumb"))
SWOLLEN = pictures.png_chunk(
    b"zTXt", b"a\0\0" + zlib.compress(bytes(50_000_000), 9)
) + pictures.png_chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(50_000_000), 9))

Ending = tuple[Status, str]
UNSOUND = (Status.UNREADABLE, "is not a sound picture")
EMPTY = (Status.UNREADABLE, "is empty")
MENDED = (Status.REPAIRED, "")


def left(reason: str) -> Ending:
    return Status.SKIPPED, reason


CUT = {
    f"cut/{n}-{name}": (data[: len(data) * n // 8], UNSOUND)
    for name, data in (("a.png", PNG), ("a.jpg", JPEG), ("a.webp", WEBP))
    for n in range(1, 8)
}
"""Every single byte has its turn in tests/pipeline/stages/test_load.py."""

FLIPPED = {
    f"flipped/{place}.png": (
        PNG[:place] + bytes([PNG[place] ^ 16]) + PNG[place + 1 :],
        UNSOUND,
    )
    for place in range(8, len(PNG), len(PNG) // 9)
}
"""What a JPEG or a WebP with such a bit is, nobody can tell; those have their turn in
tests/torture/damaged.py."""

FILES: Mapping[str, tuple[bytes, Ending]] = {
    **CUT,
    **FLIPPED,
    "zero.png": (b"", EMPTY),
    "zero.jpg": (b"", EMPTY),
    "noise.webp": (NOISE, UNSOUND),
    "lies.png": (JPEG, (Status.UNREADABLE, "its name says PNG, but it holds a JPEG")),
    "bomb/claims.png": (claiming(30_000, 30_000), left("900 megapixels")),
    "bomb/packed.png": (pictures.with_png_chunks(PNG, SWOLLEN), MENDED),
    "animated/a.png": (saved(IMAGE, "PNG", **SECOND), left("it is animated")),
    "animated/a.webp": (saved(IMAGE, "WEBP", **SECOND), left("it is animated")),
    "mode/16.png": (
        saved(Image.fromarray(GREY.astype(np.uint16) * 257), "PNG"),
        left("16 bits per channel"),
    ),
    "mode/float.png": (FLOAT, (Status.UNREADABLE, "no PNG, JPEG or WebP")),
    "mode/palette.png": (saved(IMAGE.quantize(8), "PNG"), left("a palette")),
    "mode/1.png": (saved(IMAGE.convert("1"), "PNG"), left("1 bit per pixel")),
    "mode/key.png": (saved(IMAGE, "PNG", transparency=(1, 2, 3)), left("see-through")),
    "mode/cmyk.jpg": (saved(IMAGE.convert("CMYK"), "JPEG"), left("CMYK")),
    "mode/l.png": (pictures.encoded(GREY, "PNG"), (Status.CLEAN, "")),
    "mode/la.png": (
        pictures.encoded(np.dstack([GREY, ALPHA]), "PNG"),
        (Status.CLEAN, ""),
    ),
    "mode/rgba.png": (pictures.encoded(np.dstack([FLAWED, ALPHA]), "PNG"), MENDED),
    "carries/icc.png": (pictures.encoded(FLAWED, "PNG", icc_profile=b"odd"), MENDED),
    "carries/turned.png": (pictures.encoded(FLAWED, "PNG", exif=TURNED), MENDED),
    "signed/c2pa.png": (
        pictures.with_png_chunks(PNG, pictures.png_chunk(b"caBX", b"jumb")),
        left("content credentials"),
    ),
    "signed/c2pa.jpg": (
        pictures.with_jpeg_segments(JPEG, C2PA_JPEG),
        left("content credentials"),
    ),
    "signed/c2pa.webp": (webp.wrap(C2PA_WEBP), left("content credentials")),
    "name/h\u00e4nde \u624b \U0001f590.png": (PNG, MENDED),
    os.fsdecode(b"name/caf\xe9 \xff.png"): (PNG, MENDED),
    "name/two\nlines.png": (PNG, MENDED),
    "name/" + "n" * 251 + ".png": (PNG, MENDED),
    "twin/same.png": (PNG, MENDED),
    "twin/same.jpg": (JPEG, MENDED),
    "twin/same.webp": (WEBP, MENDED),
    "twin/SAME.png": (picture(2), MENDED),
    "sound/first.png": (picture(1), MENDED),
    "zzz.png": (picture(3), MENDED),
}
ODD: Mapping[str, str] = {
    "odd/loop.gif": "only PNG, JPEG and WebP are opened",
    "odd/float.tif": "only PNG, JPEG and WebP are opened",
    "odd/pipe.png": "is no regular file",
    "odd/socket.png": "is no regular file",
    "odd/link.png": "links are not followed",
    "odd/way": "links are not followed",
}


def make_odd(source: Path, secret: Path) -> dict[str, str]:
    """Put what is no ordinary picture into the folder; return why each is left."""
    fill(source, {"odd/float.tif": FLOAT, "odd/loop.gif": saved(IMAGE, "GIF")})
    fill(source, {"odd/folder.png/notes.txt": b"a folder, though it is called so"})
    fill(secret, {"s.png": picture(4)})
    os.mkfifo(source / "odd/pipe.png")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(source / "odd/socket.png"))  # a short name is asked
    (source / "odd/link.png").symlink_to(secret / "s.png")
    (source / "odd/way").symlink_to(secret)
    if os.geteuid() != 0:
        return dict(ODD)
    os.mknod(source / "odd/zero.png", 0o600 | stat.S_IFCHR, os.makedev(1, 5))
    return {**ODD, "odd/zero.png": "is no regular file"}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("settings", [SETTINGS, workers()], ids=["serial", "processes"])
def test_each_has_the_ending_it_should_have_and_no_other(
    tmp_path: Path, settings: Settings
) -> None:
    source = fill(tmp_path / "in", {name: data for name, (data, _) in FILES.items()})
    odd = make_odd(source, tmp_path / "secret")
    before = tree(source)

    result = repair(source, tmp_path / "out", FakeTools(), settings=settings)

    ended = outcomes(tmp_path / "out")
    assert {
        name: said
        for name, (_, (status, words)) in FILES.items()
        if (said := wrong(ended.get(name), status, words))
    } == {}
    assert {
        name: said
        for name, words in odd.items()
        if (said := wrong(ended.get(str(source / name)), Status.SKIPPED, words))
    } == {}
    assert len(ended) == len(FILES) + len(odd)
    assert (result.code, result.worked) == (ExitCode.SOME_FAILED, len(FILES))
    assert queries.states(tmp_path / "out/.nightmend") == {"done": len(ended)}
    assert set(tree(tmp_path / "out")) == {
        name
        for name, (_, (status, _)) in FILES.items()
        if status in {Status.REPAIRED, Status.CLEAN}
    }
    assert tree(source) == before


def wrong(outcome: Outcome | None, status: Status, words: str) -> str:
    """Say in what way an outcome is another; "" when it is not."""
    if outcome is None:
        return "it has no ending"
    if outcome.status is not status:
        return f"{outcome.status.value}: {outcome.problem}"
    if words not in outcome.problem or "\n" in outcome.problem:
        return outcome.problem
    return ""
