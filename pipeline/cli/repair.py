"""nightmend repair: the whole flow, over whole folders."""

import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline import logs
from pipeline.cli import closing, options, outputs, picking
from pipeline.cli.folders import workplace
from pipeline.cli.progress import Progress
from pipeline.cli.telling import telling
from pipeline.errors import ExitCode
from pipeline.runner import batch
from pipeline.runner.contract import Order, Task
from pipeline.settings_file import load_settings


def command(  # noqa: PLR0913  one argument per option
    sources: options.Sources = None,
    *,
    out: Annotated[Path, typer.Option("--out", help="Where the repaired pictures go.")],
    engine: options.Engine = None,
    model: options.Model = None,
    variations: Annotated[
        int | None, typer.Option(help="Candidates per region and attempt.")
    ] = None,
    passes: Annotated[int | None, typer.Option(help="Passes over a picture.")] = None,
    prompt: Annotated[
        str | None, typer.Option(help="Replaces the pictures' own prompts.")
    ] = None,
    negative_prompt: Annotated[
        str | None, typer.Option(help="Replaces their negative prompts.")
    ] = None,
    device: options.Device = None,
    detect: options.Detect = None,
    masks: Annotated[
        Path | None,
        typer.Option(help="Masks of your own: a folder of the same tree, or one file."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The run's seed.")] = None,
    executor: options.ExecutorName = None,
    workers: options.Workers = None,
    max_pictures: Annotated[
        int | None, typer.Option(min=0, help="End after this many pictures.")
    ] = None,
    budget: options.Budget = None,
    stop_at: options.StopAt = None,
    min_free: options.MinFree = None,
    grace: options.Grace = 30.0,
    files_from: options.FilesFrom = None,
    changed_since: options.ChangedSince = None,
    include: options.Include = None,
    exclude: options.Exclude = None,
    shard: options.Shard = None,
    config: options.ConfigFile = None,
    overrides: options.Overrides = None,
    output_format: options.Formats = None,
    allow_empty: options.AllowEmpty = False,
    verbose: options.Verbose = 0,
    log_file: options.LogFile = None,
) -> ExitCode:
    """Repair the flawed pictures of a folder into another folder.

    Inputs are never written to. Running the same command again goes on where the last
    run stopped, and does only what is missing.
    """
    logs.set_up(verbose, log_file)
    wanted = outputs.parse(output_format or ())
    selection = picking.selection(include, exclude, changed_since, files_from, shard)
    loaded = load_settings(
        config,
        overrides=overrides or (),
        options={
            "inpaint.engine": engine,
            "inpaint.model": model,
            "inpaint.device": device,
            "plan.variations": variations,
            "passes.limit": passes,
            "prompt.prompt": prompt,
            "prompt.negative_prompt": negative_prompt,
            "detect.detectors": options.names(detect),
            "run.seed": seed,
            "run.min_free_mib": picking.min_free_mib(min_free),
            **options.working(executor, workers),
        },
        start=Path.cwd(),
    )
    place = workplace(out, new_run_id(), selection.shard)
    order = Order(
        Task("repair", loaded.settings, place, masks),
        picking.sources(sources, selection),
        argv=tuple(sys.argv),
        allow_empty=allow_empty,
        selection=selection,
        limits=picking.limits(budget, stop_at, max_pictures),
        grace_s=grace,
    )
    with telling(Progress("repair"), loaded.settings.night, "repair", place.run_id) as (
        observer,
        conclude,
    ):
        result = batch.run(order, observer)
        conclude(result)
    return closing.close_repair(result, place.state, wanted)


def new_run_id() -> str:
    """Return an id that sorts by time and that no other run has."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
