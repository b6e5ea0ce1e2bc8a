"""Contact sheets: many pictures on a few large ones, to print or to send."""

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from pipeline.album import thumb_of
from pipeline.errors import UsageError
from pipeline.files import write_whole
from pipeline.ledger import queries
from pipeline.names import shown
from pipeline.records import Outcome, RunSummary, Status
from pipeline.reports import thumbs
from pipeline.reports.lettering import fitting, font
from pipeline.reports.page_model import badness, flaws_of

COLUMNS, ROWS = 6, 8
CELL_W, PICTURE_H, TEXT_H, GAP, MARGIN = 320, 200, 42, 14, 28
"""Pixels; a sheet is about A4 at 250 dots an inch, so that its text can be printed."""

PAPER, CARD, INK, QUIET = "#f7f6f3", "#ffffff", "#1b1a18", "#5f5b54"
COLOURS = {
    Status.REPAIRED: "#176c3c",
    Status.CLEAN: "#2a568f",
    Status.KEPT: "#8a5000",
    Status.FLAWED: "#8a5000",
    Status.SKIPPED: "#8a5000",
}
TROUBLE = "#a81f18"


def write(summary: RunSummary, state: Path, file: Path) -> tuple[Path, ...]:
    """Write the run's pictures, the worst first, on as many sheets as they need.

    Args:
        summary: The run.
        state: Where its thumbnails are kept.
        file: A name that ends in .png; a second sheet is FILE-2.png, and so on.

    Returns:
        The sheets that were written.

    Raises:
        UsageError: the name is not that of a PNG, or the run has no pictures.
        OutputTrouble: a sheet cannot be written.
    """
    if file.suffix.lower() != ".png":
        raise UsageError(f"--sheet {shown(file)}: a contact sheet is a PNG; name it so")
    if not summary.outcomes:
        raise UsageError("there is no picture for a contact sheet in this run")
    thumbs.fill(summary.outcomes, state, queries.roots(state))
    ranked = sorted(summary.outcomes, key=badness)
    room = COLUMNS * ROWS
    pages = [ranked[at : at + room] for at in range(0, len(ranked), room)]
    written = []
    for number, page in enumerate(pages, start=1):
        place = file if number == 1 else file.with_stem(f"{file.stem}-{number}")
        heading = f"nightmend {summary.info.command}, {summary.info.run_id}"
        if len(pages) > 1:
            heading += f", sheet {number} of {len(pages)}"
        out = io.BytesIO()
        draw(page, state, heading).save(out, "PNG")
        write_whole(place.absolute(), out.getvalue())
        written.append(place)
    return tuple(written)


def draw(outcomes: Sequence[Outcome], state: Path, heading: str) -> Image.Image:
    """Return one sheet with up to `COLUMNS` x `ROWS` pictures."""
    columns = min(COLUMNS, len(outcomes))
    rows = -(-len(outcomes) // COLUMNS)
    width = 2 * MARGIN + columns * (CELL_W + GAP) - GAP
    height = 2 * MARGIN + 30 + rows * (PICTURE_H + TEXT_H + GAP)
    sheet = Image.new("RGB", (width, height), PAPER)
    pen, letters = ImageDraw.Draw(sheet), font(20)
    text = fitting(heading, letters, width - 2 * MARGIN)
    pen.text((MARGIN, MARGIN - 6), text, fill=INK, font=letters)
    for number, outcome in enumerate(outcomes):
        row, column = divmod(number, COLUMNS)
        x = MARGIN + column * (CELL_W + GAP)
        y = MARGIN + 30 + row * (PICTURE_H + TEXT_H + GAP)
        _draw_cell(sheet, (x, y), outcome, state)
    return sheet


def _draw_cell(
    sheet: Image.Image, at: tuple[int, int], outcome: Outcome, state: Path
) -> None:
    """Draw one picture, or two where it was repaired, with its name below."""
    x, y = at
    pen = ImageDraw.Draw(sheet)
    colour = COLOURS.get(outcome.status, TROUBLE)
    pen.rectangle((x, y, x + CELL_W - 1, y + PICTURE_H + TEXT_H - 1), fill=CARD)
    digests = [outcome.digest]
    if outcome.preview_after:
        digests.append(outcome.output_digest)
    share = CELL_W // len(digests)
    for number, digest in enumerate(digests):
        thumb = _thumb(state / thumb_of(outcome.key, digest), (share - 4, PICTURE_H))
        if thumb is not None:
            left = x + number * share + (share - thumb.width) // 2
            sheet.paste(thumb, (left, y + (PICTURE_H - thumb.height) // 2))
    below = y + PICTURE_H
    pen.rectangle((x, below, x + CELL_W - 1, below + 3), fill=colour)
    kinds = ", ".join(dict.fromkeys(row.kind for row in flaws_of(outcome)))
    words = ": ".join(part for part in (outcome.status.value, kinds) if part)
    lines = ((shown(outcome.key), INK, 15), (words, colour, 13))
    for number, (line, ink, size) in enumerate(lines):
        letters = font(size)
        text = fitting(line, letters, CELL_W - 12)
        pen.text((x + 6, below + 5 + 18 * number), text, fill=ink, font=letters)


def _thumb(path: Path, room: tuple[int, int]) -> Image.Image | None:
    """Open a thumbnail of our own, fitted into the room; None when there is none."""
    try:
        with Image.open(path, formats=("WEBP",)) as opened:
            small = opened.convert("RGB")
    except OSError:
        return None
    small.thumbnail(room, Image.Resampling.LANCZOS)
    return small
