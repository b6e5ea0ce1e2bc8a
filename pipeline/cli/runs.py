"""nightmend runs: list past runs, or show one."""

from typing import Annotated

import typer

from pipeline.cli.folders import state_of
from pipeline.cli.options import Folder
from pipeline.errors import ExitCode
from pipeline.ledger import queries
from pipeline.names import shown
from pipeline.records import RunInfo
from pipeline.reports import terminal


def command(
    folder: Folder,
    run_id: Annotated[
        str | None, typer.Argument(help="The run to show.", metavar="RUN")
    ] = None,
) -> ExitCode:
    """List the runs of an output folder, or show what one of them did."""
    state = state_of(folder)
    if run_id is None:
        for info in queries.runs(state):
            print(_line(info))
        _print_waiting(queries.states(state))
        return ExitCode.OK
    summary = queries.summary(state, run_id)
    print(_line(summary.info))
    print(f"  command: {' '.join(shown(word) for word in summary.info.argv)}")
    print(terminal.render_lines(summary), end="")
    print(terminal.render(summary), end="")
    return ExitCode.OK


def _line(info: RunInfo) -> str:
    ended = info.ended_by or "still running, or killed"
    return (
        f"{info.run_id}  {info.command}  {info.started}  "
        f"{info.planned} pictures  {shown(info.engine)}  {shown(ended)}"
    )


def _print_waiting(states: dict[str, int]) -> None:
    waiting = sum(count for state, count in states.items() if state != "done")
    if waiting:
        print(
            f"{waiting} pictures are not finished; the same command goes on with them"
        )
