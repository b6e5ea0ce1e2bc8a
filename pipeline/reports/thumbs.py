"""Draw the thumbnails that a report needs and a run has not kept."""

import logging
from collections.abc import Sequence
from pathlib import Path

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
    """Draw what is missing from the original files, where these are still the same.

    A repair keeps a thumbnail of every picture that it looks at; a check does not, as
    it may leave nothing behind.

    Args:
        outcomes: The pictures.
        state: Where thumbnails are kept.
        roots: The source folder of each picture, by key; others are left out.
    """
    for outcome in outcomes:
        path = state / thumb_of(outcome.key, outcome.digest)
        root = roots.get(outcome.key)
        if not outcome.digest or root is None or path.exists():
            continue
        try:
            write_thumb(path, _pixels(outcome, root))
        except PictureProblem as error:
            log.debug("no thumbnail of %s: %s", outcome.key, error)
        except OutputTrouble as error:
            log.warning("no more thumbnails: %s", error)
            return


def _pixels(outcome: Outcome, root: Path) -> RgbArray:
    """Return (H, W, 3) uint8 RGB.

    Raises:
        PictureProblem: the file is gone, is another by now, or cannot be opened.
    """
    ref, encoded = identify(Found(root, outcome.key), LIMITS)
    if ref.digest != outcome.digest:
        raise PictureProblem("it is another picture by now")
    return load(ref, encoded, LIMITS, for_repair=False).pixels
