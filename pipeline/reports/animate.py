"""Animated before and after, to be shared: one WebP a repaired picture."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from PIL import Image, ImageDraw

from pipeline.errors import UsageError
from pipeline.files import write_whole
from pipeline.names import shown
from pipeline.records import Outcome, RunSummary
from pipeline.reports.lettering import font

LONGEST_PX = 720
"""Of the longer side: what messengers show without asking."""

HOLD_MS, STEP_MS, STEPS = 1100, 60, 6
"""How long each end stands, and how the one turns into the other."""

QUALITY = 80


def write(summary: RunSummary, state: Path, folder: Path) -> tuple[Path, ...]:
    """Write an animation of every repaired picture, in a tree like the sources'.

    Args:
        summary: The run.
        state: Where its previews are kept.
        folder: Where the animations go.

    Returns:
        The files that were written.

    Raises:
        UsageError: nothing was repaired, or the folder is a file.
        OutputTrouble: a file cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--animate {shown(folder)}: name a folder; this is a file")
    written = []
    for outcome in summary.outcomes:
        pair = _pair(outcome, state)
        # The whole name stays, so that a.png and a.jpg do not share a file.
        path = PurePosixPath(f"{outcome.key}.webp")
        if pair is None or path.is_absolute() or ".." in path.parts:
            continue
        place = folder.joinpath(*path.parts)
        write_whole(place.absolute(), encoded(*pair))
        written.append(place)
    if not written:
        raise UsageError("no picture was repaired in this run, so nothing can move")
    return tuple(written)


def encoded(before: Image.Image, after: Image.Image) -> bytes:
    """Return the animation, which goes on for ever.

    Args:
        before: RGB.
        after: RGB of the same size.
    """
    frames, times = zip(*_frames(before, after), strict=True)
    out = io.BytesIO()
    frames[0].save(
        out,
        "WEBP",
        save_all=True,
        append_images=frames[1:],
        duration=list(times),
        loop=0,
        quality=QUALITY,
        method=4,
    )
    return out.getvalue()


def _frames(
    before: Image.Image, after: Image.Image
) -> Iterator[tuple[Image.Image, int]]:
    """Yield each frame with how long it stands, in milliseconds."""
    steps = [step / (STEPS + 1) for step in range(1, STEPS + 1)]
    yield _labelled(before, "before"), HOLD_MS
    for share in steps:
        yield Image.blend(before, after, share), STEP_MS
    yield _labelled(after, "after"), HOLD_MS
    for share in reversed(steps):
        yield Image.blend(before, after, share), STEP_MS


def _labelled(picture: Image.Image, word: str) -> Image.Image:
    shown_one = picture.copy()
    letters = font(max(12, min(picture.size) // 24))
    pen = ImageDraw.Draw(shown_one)
    edge = max(4, min(picture.size) // 60)
    box: Sequence[float] = pen.textbbox((2 * edge, 2 * edge), word, font=letters)
    around = (box[0] - edge, box[1] - edge, box[2] + edge, box[3] + edge)
    pen.rectangle(around, fill="#111111")
    pen.text((2 * edge, 2 * edge), word, fill="#ffffff", font=letters)
    return shown_one


def _pair(outcome: Outcome, state: Path) -> tuple[Image.Image, Image.Image] | None:
    """Return both previews at the size of the animation; None when one is missing."""
    if not outcome.preview_before or not outcome.preview_after:
        return None
    try:
        before, after = (
            _opened(state / name)
            for name in (outcome.preview_before, outcome.preview_after)
        )
    except OSError:
        return None
    return before, after.resize(before.size) if after.size != before.size else after


def _opened(path: Path) -> Image.Image:
    with Image.open(path, formats=("WEBP", "PNG")) as kept:
        picture = kept.convert("RGB")
    picture.thumbnail((LONGEST_PX, LONGEST_PX), Image.Resampling.LANCZOS)
    return picture
