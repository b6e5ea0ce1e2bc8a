"""The end of a run: what is printed, and which reports are written."""

import contextlib
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
            with contextlib.suppress(OSError):
                print(terminal.render(mine))
                print(f"pictures: {shown(whole.info.output)}")
                print(f"report:   {shown(page)}")
    _tell_early_end(result)
    return result.code


def close_check(result: RunResult, state: Path, wanted: Sequence[Output]) -> ExitCode:
    """Write what a check found; return its code."""
    if result.planned or result.worked:
        mine = only(queries.summary(state), result)
        if not _or_tell(lambda: outputs.write(wanted, mine)):
            _tell_early_end(result)
            # A check whose results reached nobody must not pass.
            return result.code or ExitCode.STOPPED
    _tell_early_end(result)
    return result.code


def only(summary: RunSummary, result: RunResult) -> RunSummary:
    """Return what concerns the sources of this run, whichever run worked on it."""
    mine = tuple(o for o in summary.outcomes if o.key in result.names)
    return replace(summary, outcomes=mine)


def _or_tell(write: Callable[[], object]) -> bool:
    """Write a report, or say why not; the run's own exit code stays what it is."""
    try:
        write()
    except (OutputTrouble, OSError) as error:
        with contextlib.suppress(OSError):
            print(f"nightmend: no report: {shown(error)}", file=sys.stderr)
        return False
    return True


def _tell_early_end(result: RunResult) -> None:
    sentence = shown(result.problem)
    if not sentence and result.code in _EARLY:
        sentence = "ended early; the same command goes on where this run stopped"
    if sentence:
        with contextlib.suppress(OSError):
            print(f"nightmend: {sentence}", file=sys.stderr)
