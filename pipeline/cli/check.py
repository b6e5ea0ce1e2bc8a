"""nightmend check: find and report, change nothing; the CI gate."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline import logs
from pipeline.cli import closing, gate_options, gating, options, outputs, picking
from pipeline.errors import ExitCode
from pipeline.settings_file import load_settings


def command(  # noqa: PLR0913  one argument per option
    sources: options.Sources = None,
    *,
    fail_on: gate_options.FailOn = None,
    select: gate_options.Select = None,
    ignore: gate_options.Ignore = None,
    baseline: gate_options.BaselineFile = None,
    decisions: gate_options.Decisions = None,
    detect: options.Detect = None,
    state: Annotated[
        Path | None,
        typer.Option(
            help="Keep the ledger here, so that a check that was ended early goes on, "
            "and reports can be drawn again; else no ledger is kept."
        ),
    ] = None,
    exit_zero: Annotated[
        bool, typer.Option("--exit-zero", help="Flaws found are exit code 0, not 1.")
    ] = False,
    executor: options.ExecutorName = None,
    workers: options.Workers = None,
    cache: gate_options.CacheFolder = None,
    no_cache: gate_options.NoCache = False,
    files_from: options.FilesFrom = None,
    changed_since: options.ChangedSince = None,
    include: options.Include = None,
    exclude: options.Exclude = None,
    retry_quarantined: options.RetryQuarantined = False,
    config: options.ConfigFile = None,
    overrides: options.Overrides = None,
    output_format: options.Formats = None,
    allow_empty: options.AllowEmpty = False,
    verbose: options.Verbose = 0,
    log_file: options.LogFile = None,
) -> ExitCode:
    """Find and report flaws, and change nothing.

    Exits 1 when a rule that counts was broken by something at least as severe as
    --fail-on, and nothing excuses it; 3 when a picture could not be judged; 2 when
    nothing was looked at.
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
            "gate.select": options.names(select),
            "gate.ignore": options.names(ignore),
            **options.working(executor, workers),
        },
        start=Path.cwd(),
    )
    request = gating.Request(
        loaded.settings,
        picking.sources(sources, selection),
        selection,
        state=state,
        cache=gating.cache_folder(cache, no_cache),
        baseline=baseline,
        decisions=decisions,
        allow_empty=allow_empty,
        retry_quarantined=retry_quarantined,
    )
    with gating.held(request) as answer:
        code = closing.close_check(answer.result, answer.state, wanted, answer.weigh)
    return ExitCode.OK if exit_zero and code is ExitCode.FLAWS else code
