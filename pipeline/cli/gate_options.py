"""Arguments of the commands that run the gate."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from pipeline.gate.baseline_file import DEFAULT_NAME

FailOn = Annotated[
    Literal["note", "warning", "error"] | None,
    typer.Option(help="The least severity that fails the check."),
]
Select = Annotated[
    str | None,
    typer.Option(
        metavar="RULES",
        help="Rules that count, joined by commas: codes, their first letters such as "
        "NM1, or kinds; see: nightmend rule.",
    ),
]
Ignore = Annotated[
    str | None,
    typer.Option(metavar="RULES", help="Rules that do not count; in the same words."),
]
BaselineFile = Annotated[
    Path | None,
    typer.Option(
        "--baseline",
        metavar="FILE",
        help="Excuse the problems in this file; see: nightmend baseline.",
    ),
]
BaselinePlace = Annotated[
    Path,
    typer.Option("--baseline", metavar="FILE", help="The baseline file."),
]
BASELINE_PLACE = Path(DEFAULT_NAME)
Decisions = Annotated[
    Path | None,
    typer.Option(
        "--decisions",
        metavar="DST",
        help="Excuse what a review of this output folder called no flaw.",
    ),
]
CacheFolder = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        metavar="DIR",
        help="Remember here what was seen in pictures, so that unchanged ones are not "
        "looked at again; else in the user's cache folder.",
    ),
]
NoCache = Annotated[
    bool, typer.Option("--no-cache", help="Look at every picture; remember nothing.")
]
