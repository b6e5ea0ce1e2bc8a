"""Runs that were never made, for reports to be drawn of."""

from pathlib import Path

import cv2
import numpy as np

from detectors.findings import Mark, Severity
from detectors.geometry import Box, Size
from pipeline.album import thumb_of, write_thumb
from pipeline.records import (
    Attempt,
    Choice,
    Cost,
    FindingRow,
    Outcome,
    Recipe,
    RunInfo,
    RunSummary,
    Status,
)

SIZE = Size(60, 40)
BOX = Box(10, 10, 30, 30)


def info(**changes: object) -> RunInfo:
    """Return a run that ended well."""
    fields: dict[str, object] = {
        "run_id": "20260101-000000-abc",
        "command": "repair",
        "argv": ("repair", "in"),
        "sources": ("in",),
        "output": "out",
        "started": "2026-01-01T00:00:00+00:00",
        "finished": "2026-01-01T00:01:00+00:00",
        "ended_by": "done",
        "engine": "classical",
        "settings_json": "{}",
        "version": "0",
        "planned": 1,
    }
    return RunInfo(**{**fields, **changes})  # type: ignore[arg-type]


def summary(*outcomes: Outcome, **changes: object) -> RunSummary:
    """Return a run with these pictures."""
    return RunSummary(info(**{"planned": len(outcomes), **changes}), outcomes)


def kept(state: Path, name: str, shade: int = 128) -> str:
    """Write a small picture below the state folder, and return its name."""
    path = state / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((40, 60, 3), shade, np.uint8)
    pixels[10:30, 10:30] = 255 - shade
    cv2.imwrite(str(path), pixels)
    return name


def finding(text: str = "6 digits seen") -> FindingRow:
    """Return a hand with a digit too many."""
    marks = (Mark("1", 12, 12), Mark("wrist", 20, 28))
    return FindingRow(
        "hands", "hand/extra-digit", BOX, 0.93, text, marks, "redraw", Severity.ERROR
    )


def fine() -> FindingRow:
    """Return a hand in order."""
    return FindingRow(
        "hands", "hand/ok", Box(40, 5, 50, 15), 0.1, severity=Severity.FINE
    )


def repaired(
    state: Path, *, text: str = "6 digits seen", key: str = "a.png", digest: str = ""
) -> Outcome:
    """Return a picture with one region, two variations and all that a run keeps."""
    digest = digest or "0" * 64
    attempts = (
        Attempt(1, 0, 0, 77, 0.75, _after(), 1.0, picture=kept(state, "v/0.webp", 60)),
        Attempt(1, 0, 1, 78, 0.75, None, 1.0, problem=text),
        Attempt(1, 0, 2, 79, 0.85, Cost(0.2, 0.1, 0.1, 0.225), 1.0, notes=(text,),
                picture=kept(state, "v/2.webp", 200)),
    )  # fmt: skip
    _thumbs(state, key, digest, "f" * 64)
    return Outcome(
        key,
        digest,
        Status.REPAIRED,
        SIZE,
        (finding(text), fine()),
        (fine(),),
        attempts,
        (_choice(state, text),),
        checkpoints=(kept(state, "v/c1.webp", 90), kept(state, "v/c2.webp", 60)),
        passes=2,
        output=key,
        output_digest="f" * 64,
        preview_before=kept(state, "v/pb.webp", 128),
        preview_after=kept(state, "v/pa.webp", 60),
        recipe=Recipe(text, text, "AUTOMATIC1111"),
        stage_seconds=(("detect", 1.0), ("paint", 1.5), ("score", 0.5)),
        took_s=3.0,
    )


def _after() -> Cost:
    return Cost(0.1, 0.1, 0.1, 0.125)


def _choice(state: Path, text: str) -> Choice:
    return Choice(
        1,
        0,
        0,
        Cost(0.9, 0.0, 0.0, 0.9),
        _after(),
        f"cost fell from 0.900 to 0.125 {text}",
        BOX,
        Box(0, 0, 40, 40),
        Size(512, 512),
        "only-masked",
        "the region is 1.2 %",
        0.75,
        "original",
        text,
        text,
        "redraw",
        ("hand/extra-digit",),
        before=kept(state, "v/before.webp", 128),
        mask=kept(state, "v/mask.png", 0),
    )


def clean(state: Path, key: str, digest: str) -> Outcome:
    """Return a picture in which nothing was found."""
    _thumbs(state, key, digest)
    return Outcome(key, digest, Status.CLEAN, SIZE, (fine(),), (fine(),), output=key)


def _thumbs(state: Path, key: str, *digests: str) -> None:
    for shade, digest in enumerate(digests):
        pixels = np.full((40, 60, 3), 100 + 60 * shade, np.uint8)
        write_thumb(state / thumb_of(key, digest), pixels)
