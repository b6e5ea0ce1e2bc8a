"""nightmend eval: measure the detectors on labelled pictures of your own."""

import csv
import importlib
import io
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer
from PIL import Image, ImageOps

from detectors.arrays import RgbArray
from detectors.errors import DetectorFailed
from detectors.hand_trials import HandLabel, Look, Trial, summarise, try_hand
from pipeline.codec import decode
from pipeline.errors import ExitCode, UsageError
from pipeline.files import write_whole
from pipeline.metadata.damaged import Damaged
from pipeline.metadata.facts import read_facts
from pipeline.names import shown
from pipeline.settings import HandsSettings

_LABELS = {"malformed": True, "bad": True, "wellformed": False, "ok": False}
_FULL_HAND = 5

Labels = Annotated[
    Path,
    typer.Option(
        "--labels",
        help="CSV with the columns file and label (malformed, wellformed, bad, ok) and "
        "perhaps fingers, group, style, set; files are relative to it.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--json", help="Write every figure and a row per file to OUT."),
]


def hands(labels: Labels, out: Out = None) -> ExitCode:
    """Measure the hands detector on labelled pictures of hands.

    A picture is judged by its main hand: the largest, but for one at its edge. One in
    which no hand is found scores 0.5 and counts as "cannot tell". `open_wrong_count`
    compares open hands whose `fingers` is known and not 5 with open well-formed hands.
    A file that cannot be read is named, and left out of every figure.
    """
    read = read_labels(labels)
    # Imported here, for they load the networks' runtimes; `--help` needs none of them.
    importlib.import_module("torch").set_num_threads(1)
    cv2.setNumThreads(1)
    detector = importlib.import_module("detectors.hands").build(
        **HandsSettings().model_dump()
    )
    try:
        trials, failed = _try_all(read, labels.parent, detector.look)
    finally:
        detector.close()
    if not trials:
        raise UsageError(f"none of the pictures of {labels} can be judged: {failed[0]}")
    summary = {**summarise(trials), "failed": failed}
    if out is not None:
        _write_json(out, summary)
    _show(summary, trials)
    return ExitCode.SOME_FAILED if failed else ExitCode.OK


SUBCOMMANDS = {"hands": hands}


def _try_all(
    read: Sequence[HandLabel], folder: Path, look: Look
) -> tuple[list[Trial], list[str]]:
    """Judge every picture; return the trials, and a sentence for each that failed."""
    trials: list[Trial] = []
    failed: list[str] = []
    for label in read:
        try:
            pixels = _read_picture(folder / label.file)
            if not trials:
                look(pixels)  # The first look pays for what is set up once.
            trials.append(try_hand(pixels, label, look))
        except (UsageError, DetectorFailed) as problem:
            failed.append(f"{shown(label.file)}: {problem}")
            print(failed[-1], file=sys.stderr)
    return trials, failed


def read_labels(path: Path) -> list[HandLabel]:
    """Return the rows of a file of labels.

    Raises:
        UsageError: the file is missing, empty, or has a row that cannot be used; the
            text names the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as problem:
        raise UsageError(
            f"cannot read the labels {path}: {problem.strerror}"
        ) from problem
    except UnicodeDecodeError as problem:
        raise UsageError(f"{path} is not UTF-8 text; save it as UTF-8") from problem
    reader = csv.reader(io.StringIO(text, newline=""))
    names = [name.strip().casefold() for name in next(reader, [])]
    rows = [
        (reader.line_num, dict(zip(names, cells, strict=False)))
        for cells in reader
        if any(cell.strip() for cell in cells)
    ]
    if not rows or not {"file", "label"} <= set(names):
        raise UsageError(
            f"{path} must be a CSV file with a row per picture, and have at least the "
            "columns file and label"
        )
    return [_label_of(row, f"{path}:{line}") for line, row in rows]


def _label_of(row: Mapping[str, str], place: str) -> HandLabel:
    def cell(column: str) -> str:
        return row.get(column, "").strip()

    label = cell("label").casefold()
    if label not in _LABELS:
        raise UsageError(
            f"{place}: the label {cell('label')!r} is not one of {', '.join(_LABELS)}"
        )
    if not cell("file"):
        raise UsageError(f"{place}: the file is missing")
    return HandLabel(
        file=cell("file"),
        flawed=_LABELS[label],
        fingers=fingers_of(cell("fingers")),
        group=cell("group") or cell("file"),
        style=cell("style"),
        set=cell("set"),
    )


def fingers_of(text: str) -> int | None:
    """Return a number of digits as people write it; None where nobody can say.

    "6.0" is how tables with empty cells are written. "6+" and "6-7" are no five,
    whatever they are; "5-6" and "?" may be.
    """
    found = re.fullmatch(r"([0-9]+)(?:\.0+)?(?:\+|\s*-\s*([0-9]+))?", text)
    if found is None:
        return None
    low = int(found[1])
    high = int(found[2]) if found[2] else low
    if text.endswith("+"):
        return low if low > _FULL_HAND else None
    return None if low < high and low <= _FULL_HAND <= high else low


def _read_picture(path: Path) -> RgbArray:
    """Return a picture upright as (H, W, 3) uint8 RGB.

    What the program repairs is read as it reads it; whatever else Pillow knows, with
    Pillow, for a set of labelled pictures is no place to be strict about formats.

    Raises:
        UsageError: it is missing or no picture.
    """
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise UsageError(f"cannot be read: {problem.strerror}") from problem
    try:
        return decode(read_facts(data)).pixels
    except Damaged as problem:
        try:
            with Image.open(io.BytesIO(data)) as opened:
                upright = ImageOps.exif_transpose(opened).convert("RGB")
                return np.array(upright, dtype=np.uint8)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            raise UsageError(f"is no picture that can be read: {problem}") from problem


def _write_json(out: Path, summary: Mapping[str, Any]) -> None:
    text = json.dumps(summary, indent=2, allow_nan=False) + "\n"
    write_whole(out, text.encode("utf-8"))


def _show(summary: Mapping[str, Any], trials: Sequence[Trial]) -> None:
    print(f"{len(trials)} pictures")
    _show_part("all hands", summary["all"])
    _show_part("wrong counts, open hands", summary["open_wrong_count"])
    for column in ("by_style", "by_set"):
        for value, part in summary.get(column, {}).items():
            _show_part(f"{column.removeprefix('by_')} {value}", part["all"])


def _show_part(title: str, part: Mapping[str, Any]) -> None:
    print(f"{title}: {part['n_bad']} malformed, {part['n_ok']} well-formed")
    if part["auc"] is not None:
        low, high = part["auc_ci"] or (float("nan"), float("nan"))
        print(
            f"  AUC {part['auc']:.3f} ({low:.2f}-{high:.2f}), recall "
            f"{part['recall_at_5fpr']:.2f} at 5 % and "
            f"{part['recall_at_10fpr']:.2f} at 10 % false alarms"
        )
    if part["ece"] is not None:
        print(
            f"  cannot tell {part['cannot_tell_share']:.1%}, calibration error "
            f"{part['ece']:.3f}, {part['seconds_per_hand']:.2f} s of one core per hand"
        )
