"""nightmend check: find and report, change nothing; the CI gate."""

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Literal

import typer

from pipeline import logs
from pipeline.cli import closing, options, outputs, picking
from pipeline.cli.progress import Progress
from pipeline.cli.repair import new_run_id
from pipeline.errors import ExitCode
from pipeline.records import Workplace
from pipeline.runner import batch
from pipeline.runner.contract import Order, Task
from pipeline.settings_file import load_settings


def command(  # noqa: PLR0913  one argument per option
    sources: options.Sources = None,
    *,
    fail_on: Annotated[
        Literal["note", "warning", "error"] | None,
        typer.Option(help="The least severity that fails the check."),
    ] = None,
    detect: options.Detect = None,
    state: Annotated[
        Path | None,
        typer.Option(
            help="Keep the ledger here, so that unchanged pictures are not looked at "
            "again; else nothing is kept."
        ),
    ] = None,
    exit_zero: Annotated[
        bool, typer.Option("--exit-zero", help="Flaws found are exit code 0, not 1.")
    ] = False,
    files_from: options.FilesFrom = None,
    changed_since: options.ChangedSince = None,
    include: options.Include = None,
    exclude: options.Exclude = None,
    config: options.ConfigFile = None,
    overrides: options.Overrides = None,
    output_format: options.Formats = None,
    allow_empty: options.AllowEmpty = False,
    verbose: options.Verbose = 0,
    log_file: options.LogFile = None,
) -> ExitCode:
    """Find and report flaws, and change nothing.

    Exits 1 when something at least as severe as --fail-on was found.
    """
    logs.set_up(verbose, log_file)
    wanted = outputs.parse(output_format or ("text",))
    selection = picking.selection(include, exclude, changed_since, files_from)
    loaded = load_settings(
        config,
        overrides=overrides or (),
        options={
            "detect.detectors": options.names(detect),
            "run.fail_on": fail_on,
        },
        start=Path.cwd(),
    )
    with ExitStack() as stack:
        if state is None:
            folder = tempfile.TemporaryDirectory(prefix="nightmend-")
            state = Path(stack.enter_context(folder))
        place = Workplace(state, state, new_run_id())
        order = Order(
            Task("check", loaded.settings, place),
            picking.sources(sources, selection),
            argv=tuple(sys.argv),
            allow_empty=allow_empty,
            selection=selection,
        )
        result = batch.run(order, Progress("check"))
        code = closing.close_check(result, state, wanted)
    return ExitCode.OK if exit_zero and code is ExitCode.FLAWS else code
