"""Draw the thumbnails that a report needs and a run has not kept."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from detectors.arrays import RgbArray
from pipeline.album import thumb_of, write_thumb
from pipeline.errors import OutputTrouble, PictureProblem
from pipeline.records import Found, Outcome
from pipeline.settings import LoadSettings
from pipeline.stages.load import identify, load

log = logging.getLogger(__name__)

LIMITS = LoadSettings()
"""A picture beyond the default limits gets no thumbnail."""


def fill(outcomes: Sequence[Outcome], state: Path, roots: dict[str, Path]) -> None:
    """Draw what is missing: from kept previews, or from the original files.

    A repair keeps a thumbnail of every picture that it looks at; one of an older
    version did not, and a check does not, as it may leave nothing behind.

    Args:
        outcomes: The pictures.
        state: Where thumbnails are kept.
        roots: The source folder of each picture, by key; others are left out.
    """
    for outcome in outcomes:
        try:
            _fill_one(outcome, state, roots.get(outcome.key))
        except PictureProblem as error:
            log.debug("no thumbnail of %s: %s", outcome.key, error)
        except OutputTrouble as error:
            log.warning("no more thumbnails: %s", error)
            return


def _fill_one(outcome: Outcome, state: Path, root: Path | None) -> None:
    after = state / thumb_of(outcome.key, outcome.output_digest)
    if outcome.preview_after and not after.exists():
        write_thumb(after, _preview(state / outcome.preview_after))
    before = state / thumb_of(outcome.key, outcome.digest)
    if not outcome.digest or before.exists():
        return
    if outcome.preview_before:
        write_thumb(before, _preview(state / outcome.preview_before))
    elif root is not None:
        write_thumb(before, _pixels(outcome, root))


def _preview(path: Path) -> RgbArray:
    """Return a preview of our own, (H, W, 3) uint8 RGB.

    Raises:
        PictureProblem: it is gone or damaged.
    """
    try:
        with Image.open(path, formats=("WEBP", "PNG")) as opened:
            pixels: RgbArray = np.asarray(opened.convert("RGB"))
    except OSError as error:
        raise PictureProblem(f"{path} cannot be opened: {error}") from error
    return pixels


def _pixels(outcome: Outcome, root: Path) -> RgbArray:
    """Return (H, W, 3) uint8 RGB.

    Raises:
        PictureProblem: the file is gone, is another by now, or cannot be opened.
    """
    ref, encoded = identify(Found(root, outcome.key), LIMITS)
    if ref.digest != outcome.digest:
        raise PictureProblem("it is another picture by now")
    return load(ref, encoded, LIMITS, for_repair=False).pixels
