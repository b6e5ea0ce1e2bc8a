"""Arguments that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Sources = Annotated[
    list[Path],
    typer.Argument(help="Folders (searched whole) or single pictures.", metavar="SRC"),
]
Folder = Annotated[
    Path,
    typer.Argument(
        help="The output folder of a repair, or the --state folder of a check.",
        metavar="DST",
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="Settings file; else the closest nightmend.toml or [tool.nightmend].",
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="A.B=C", help="Override one setting; may be repeated."
    ),
]
Detect = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="Detectors to use, joined by commas; see: nightmend detectors.",
    ),
]
Formats = Annotated[
    list[str] | None,
    typer.Option(
        "--output-format",
        metavar="FMT[=FILE]",
        help="text or jsonl, to standard output or to a file; may be repeated.",
    ),
]
AllowEmpty = Annotated[
    bool, typer.Option("--allow-empty", help="Finding no picture is not an error.")
]
Verbose = Annotated[
    int,
    typer.Option(
        "--verbose", "-v", count=True, help="A line a picture; twice shows everything."
    ),
]
LogFile = Annotated[
    Path | None,
    typer.Option("--log-file", help="Add everything to this file, as JSON lines."),
]


def names(text: str | None) -> tuple[str, ...] | None:
    """Split "hands,faces"; None stays None."""
    if text is None:
        return None
    return tuple(part.strip() for part in text.split(",") if part.strip())
