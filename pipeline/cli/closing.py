"""The end of a run: what is printed, and which reports are written."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.cli import outputs
from pipeline.cli.outputs import Output
from pipeline.errors import ExitCode, OutputTrouble
from pipeline.ledger import queries
from pipeline.names import shown
from pipeline.records import RunSummary
from pipeline.reports import html, terminal
from pipeline.runner.contract import RunResult

_EARLY = (ExitCode.SIGINT, ExitCode.SIGTERM, ExitCode.LIMIT)


def close_repair(result: RunResult, state: Path, wanted: Sequence[Output]) -> ExitCode:
    """Write the reports of a repair and say where everything is; return its code."""
    if result.planned or result.worked:
        whole = queries.summary(state)
        mine = only(whole, result)
        page = state / "report.html"
        if result.worked or not page.exists():
            _or_tell(lambda: html.write(whole, state))
        _or_tell(lambda: outputs.write(wanted, mine))
        if not any(output.file is None for output in wanted):
            print(terminal.render(mine))
            print(f"pictures: {shown(whole.info.output)}")
            print(f"report:   {shown(page)}")
    _tell_early_end(result)
    return result.code


def close_check(result: RunResult, state: Path, wanted: Sequence[Output]) -> ExitCode:
    """Write what a check found; return its code."""
    if result.planned or result.worked:
        _or_tell(lambda: outputs.write(wanted, only(queries.summary(state), result)))
    _tell_early_end(result)
    return result.code


def only(summary: RunSummary, result: RunResult) -> RunSummary:
    """Return what concerns the sources of this run, whichever run worked on it."""
    mine = tuple(o for o in summary.outcomes if o.key in result.names)
    return replace(summary, outcomes=mine)


def _or_tell(write: Callable[[], object]) -> None:
    """Write a report; a disk that is full has ended the run, not its exit code."""
    try:
        write()
    except OutputTrouble as error:
        print(f"nightmend: no report: {shown(error)}", file=sys.stderr)


def _tell_early_end(result: RunResult) -> None:
    if result.problem:
        print(f"nightmend: {shown(result.problem)}", file=sys.stderr)
    elif result.code in _EARLY:
        print(
            "nightmend: ended early; the same command goes on where this run stopped",
            file=sys.stderr,
        )
