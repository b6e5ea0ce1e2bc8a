"""nightmend eval: measure the detectors on labelled pictures of your own."""

import csv
import importlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from PIL import Image, ImageOps, UnidentifiedImageError

from detectors.arrays import RgbArray
from detectors.hand_trials import HandLabel, Trial, summarise, try_hand
from pipeline.errors import ExitCode, UsageError
from pipeline.files import write_whole
from pipeline.settings import HandsSettings

_LABELS = {"malformed": True, "bad": True, "wellformed": False, "ok": False}

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

    A picture is judged by its largest hand. One in which no hand is found scores 0.5
    and counts as "cannot tell". `open_wrong_count` compares open hands whose `fingers`
    is known and not 5 with open well-formed hands.
    """
    read = read_labels(labels)
    settings = HandsSettings()
    # Imported here, for it loads the networks' runtimes; `--help` needs none of them.
    module = importlib.import_module("detectors.hands")
    detector = module.build(**settings.model_dump())
    try:
        trials = [
            try_hand(_read_picture(labels.parent / label.file), label, detector.look)
            for label in read
        ]
    finally:
        detector.close()
    summary = summarise(trials)
    if out is not None:
        _write_json(out, summary)
    _show(summary, trials)
    return ExitCode.OK


SUBCOMMANDS = {"hands": hands}


def read_labels(path: Path) -> list[HandLabel]:
    """Return the rows of a file of labels.

    Raises:
        UsageError: the file is missing, empty, or has a row that cannot be used; the
            text names the line.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except OSError as problem:
        raise UsageError(
            f"cannot read the labels {path}: {problem.strerror}"
        ) from problem
    if not rows or not {"file", "label"} <= set(rows[0]):
        raise UsageError(
            f"{path} must be a CSV file with a row per picture, and have at least the "
            "columns file and label"
        )
    return [_label_of(row, f"{path}:{n}") for n, row in enumerate(rows, start=2)]


def _label_of(row: Mapping[str, str | None], place: str) -> HandLabel:
    def cell(column: str) -> str:
        return (row.get(column) or "").strip()

    if cell("label") not in _LABELS:
        raise UsageError(
            f"{place}: the label {cell('label')!r} is not one of {', '.join(_LABELS)}"
        )
    if not cell("file"):
        raise UsageError(f"{place}: the file is missing")
    fingers = cell("fingers")
    return HandLabel(
        file=cell("file"),
        flawed=_LABELS[cell("label")],
        # "?" and "5-6" mean that nobody can say; they are no wrong count.
        fingers=int(fingers) if fingers.isdigit() else None,
        group=cell("group") or cell("file"),
        style=cell("style"),
        set=cell("set"),
    )


def _read_picture(path: Path) -> RgbArray:
    """Return a picture upright as (H, W, 3) uint8 RGB.

    Raises:
        UsageError: it is missing or no picture.
    """
    try:
        with Image.open(path) as opened:
            upright = ImageOps.exif_transpose(opened).convert("RGB")
            return np.array(upright, dtype=np.uint8)
    except (OSError, UnidentifiedImageError, ValueError) as problem:
        raise UsageError(f"cannot read the picture {path}: {problem}") from problem


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
