"""nightmend report: draw reports of a past run."""

from typing import Annotated

import typer

from pipeline.cli import options, outputs
from pipeline.cli.closing import weighed
from pipeline.cli.folders import state_of
from pipeline.cli.options import Folder
from pipeline.errors import ExitCode
from pipeline.ledger import queries
from pipeline.names import shown
from pipeline.reports import html, terminal


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
) -> ExitCode:
    """Draw the reports again from the ledger; nothing is looked at or changed."""
    wanted = outputs.parse(output_format or ())
    state = state_of(folder)
    summary = queries.summary(state, run_id)
    if wanted:
        outputs.write(wanted, weighed(summary), state)
        return ExitCode.OK
    page = html.write(summary, state)
    print(terminal.render(summary))
    print(f"report: {shown(page)}")
    return ExitCode.OK
