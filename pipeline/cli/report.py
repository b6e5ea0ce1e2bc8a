"""nightmend report: draw reports of a past run."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import options, outputs
from pipeline.cli.closing import weighed
from pipeline.cli.folders import state_of
from pipeline.cli.options import Folder
from pipeline.errors import ExitCode
from pipeline.ledger import queries
from pipeline.names import shown
from pipeline.reports import animate, html, sheet, terminal


def command(
    folder: Folder,
    run_id: Annotated[
        str | None,
        typer.Argument(
            help="One run; without it, the newest outcome of every picture.",
            metavar="RUN",
        ),
    ] = None,
    output_format: options.Formats = None,
    sheet_file: Annotated[
        Path | None,
        typer.Option(
            "--sheet",
            metavar="FILE",
            help="Write contact sheets instead: FILE.png, FILE-2.png and so on.",
        ),
    ] = None,
    animate_folder: Annotated[
        Path | None,
        typer.Option(
            "--animate",
            metavar="DIR",
            help="Write an animated before and after of each repaired picture.",
        ),
    ] = None,
) -> ExitCode:
    """Draw the reports again from the ledger; nothing is looked at or changed."""
    wanted = outputs.parse(output_format or ())
    state = state_of(folder)
    summary = queries.summary(state, run_id)
    if wanted:
        outputs.write(wanted, weighed(summary), state)
    if sheet_file is not None:
        for place in sheet.write(summary, state, sheet_file):
            print(f"sheet: {shown(place)}", file=sys.stderr if wanted else sys.stdout)
    if animate_folder is not None:
        written = animate.write(summary, state, animate_folder)
        told = f"{len(written)} animations in {shown(animate_folder)}"
        print(told, file=sys.stderr if wanted else sys.stdout)
    if wanted or sheet_file is not None or animate_folder is not None:
        return ExitCode.OK
    page = html.write(summary, state)
    print(terminal.render(summary))
    print(f"report: {shown(page)}")
    return ExitCode.OK
