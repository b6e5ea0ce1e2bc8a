"""The end of a run: what is printed, and which reports are written."""

import contextlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.cli import outputs
from pipeline.cli.outputs import Output
from pipeline.errors import ExitCode, NightmendError, worst
from pipeline.gate.problems import Checked, checked
from pipeline.ledger import queries
from pipeline.names import shown
from pipeline.records import RunSummary, Workplace
from pipeline.reports import html, terminal
from pipeline.runner.contract import RunResult
from pipeline.settings import Settings

_EARLY = (ExitCode.SIGINT, ExitCode.SIGTERM, ExitCode.LIMIT)


def close_repair(result: RunResult, state: Path, wanted: Sequence[Output]) -> ExitCode:
    """Write the reports of a repair and say where everything is; return its code."""
    if result.planned or result.worked:
        whole = _told_by(state)
        if whole is None:
            _tell_early_end(result)
            return worst([result.code, ExitCode.STOPPED])
        mine = only(whole, result)
        page = state / "report.html"
        if result.worked or not page.exists():
            _or_tell(lambda: html.write(whole, state))
        _or_tell(lambda: outputs.write(wanted, weighed(mine), state))
        if not any(output.file is None for output in wanted):
            with contextlib.suppress(OSError):
                print(terminal.render(mine))
                print(f"pictures: {shown(whole.info.output)}")
                print(f"report:   {shown(page)}")
    _tell_early_end(result)
    return result.code


def close_broken(place: Workplace) -> None:
    """Draw the page of a run that an error nobody expected has ended.

    What had been finished by then is in the ledger. A run that did not begin leaves
    what is there as it is.
    """
    with contextlib.suppress(NightmendError):
        if place.run_id not in {run.run_id for run in queries.runs(place.state)}:
            return
        whole, page = queries.summary(place.state), place.state / "report.html"
        if _or_tell(lambda: html.write(whole, place.state)):
            _tell(f"the report of what was finished: {shown(page)}")


Weigh = Callable[[RunSummary], Checked]


def close_check(
    result: RunResult, state: Path, wanted: Sequence[Output], weigh: Weigh
) -> ExitCode:
    """Write what a check found; return its code."""
    codes = [result.ended]
    if result.planned or result.worked or result.ended is ExitCode.OK:
        whole = _told_by(state)
        if whole is None:
            _tell_early_end(result)
            return worst([*codes, ExitCode.STOPPED])
        found = weigh(only(whole, result))
        codes.append(found.code)
        if not _or_tell(lambda: outputs.write(wanted, found, state)):
            # A check whose results reached nobody must not pass.
            codes.append(ExitCode.STOPPED if worst(codes) is ExitCode.OK else codes[0])
        if found.reason:
            _tell(found.reason)
    _tell_early_end(result)
    return worst(codes)


def weighed(summary: RunSummary) -> Checked:
    """Return what the gate makes of a run, by the run's own settings."""
    return checked(summary, Settings.model_validate_json(summary.info.settings_json))


def only(summary: RunSummary, result: RunResult) -> RunSummary:
    """Return what concerns the sources of this run, whichever run worked on it."""
    mine = tuple(o for o in summary.outcomes if o.key in result.names)
    return replace(summary, outcomes=mine)


def _told_by(state: Path) -> RunSummary | None:
    """Return what the ledger tells; None, and a word about it, when it is gone."""
    summaries: list[RunSummary] = []
    _or_tell(lambda: summaries.append(queries.summary(state)))
    return summaries[0] if summaries else None


def _or_tell(write: Callable[[], object]) -> bool:
    """Write a report, or say why not; the run's own exit code stays what it is."""
    try:
        write()
    except (NightmendError, OSError) as error:
        with contextlib.suppress(OSError):
            print(f"nightmend: no report: {shown(error)}", file=sys.stderr)
        return False
    return True


def _tell_early_end(result: RunResult) -> None:
    sentence = shown(result.problem)
    if not sentence and result.code in _EARLY:
        sentence = "ended early; the same command goes on where this run stopped"
    if sentence:
        _tell(sentence)


def _tell(sentence: str) -> None:
    with contextlib.suppress(OSError):
        print(f"nightmend: {sentence}", file=sys.stderr)
