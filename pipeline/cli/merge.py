"""nightmend merge: join the ledgers of shards into one."""

import contextlib
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.folders import STATE_NAME, shards_of
from pipeline.cli.repair import new_run_id
from pipeline.errors import ExitCode, UsageError
from pipeline.ledger import queries
from pipeline.ledger.merging import Merged, merge
from pipeline.ledger.store import FILE_NAME, Ledger
from pipeline.names import shown
from pipeline.records import RunInfo
from pipeline.reports import html, terminal
from pipeline.runner import lock
from pipeline.stages.choose_files import Shard


def command(
    folder: Annotated[
        Path,
        typer.Argument(help="The output folder that the shards share.", metavar="DST"),
    ],
) -> ExitCode:
    """Join the ledgers of shards into one, and draw its report.

    Once joined, the folder is like one that a single run made: verify, report and
    repair go on from there. Joining again adds only what is new. Exits 3 while a shard
    is missing or not finished.
    """
    state = folder / STATE_NAME
    found = shards_of(state)
    if not found:
        raise UsageError(
            f"{shown(folder)} holds no shards; make some with: nightmend repair SRC "
            f"--out {shown(folder)} --shard 1/2"
        )
    begun = datetime.now(UTC)
    now = begun.isoformat(timespec="seconds")
    with lock.hold(state, lock.this_process(begun)):
        merged = merge(state, tuple(found.values()))
        if merged.fresh:
            _record(state, tuple(found.values()), merged, now)
        summary = queries.summary(state)
        page = html.write(summary, state)
    print(terminal.render(summary))
    print(f"joined {len(found)} shards: {merged.fresh} results are new")
    print(f"report:   {shown(page)}")
    return _tell_missing(found, merged)


def _tell_missing(found: Iterable[Shard], merged: Merged) -> ExitCode:
    """Say what is still to come; a folder in parts is not a finished one."""
    wholes = {shard.of for shard in found}
    missing = [
        str(shard)
        for of in sorted(wholes)
        for shard in (Shard(number + 1, of) for number in range(of))
        if shard not in set(found)
    ]
    if missing:
        print(f"not here yet: shard {', '.join(missing)}")
    if merged.unfinished:
        print(f"{merged.unfinished} pictures are not finished; run their shards again")
    return ExitCode.SOME_FAILED if missing or merged.unfinished else ExitCode.OK


def _record(state: Path, shards: Sequence[Path], merged: Merged, now: str) -> None:
    """Write the merge down as a run of its own, which the report is headed by."""
    runs = [run for shard in shards for run in queries.runs(shard)]
    newest = max(runs, key=lambda run: run.started)
    info: RunInfo = replace(
        newest,
        run_id=new_run_id(),
        argv=tuple(sys.argv),
        sources=tuple(dict.fromkeys(name for run in runs for name in run.sources)),
        started=now,
        finished=now,
        ended_by="done" if not merged.unfinished else "limit: not all is there",
        engine=", ".join(dict.fromkeys(run.engine for run in runs)),
        planned=merged.pictures,
    )
    with contextlib.closing(Ledger(state / FILE_NAME)) as ledger:
        ledger.start_run(info)
