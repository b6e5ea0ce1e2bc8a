"""nightmend repair: the whole flow, over whole folders."""

import contextlib
import secrets
import sys
from dataclasses import replace
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
from pipeline.runner.contract import Observer, Order, RunResult, Task
from pipeline.runner.kept_tools import KeptTools
from pipeline.runner.worst_first import look_first
from pipeline.settings_file import load_settings
from pipeline.toolbox import build_toolbox


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
    strength: options.Strength = None,
    steps: options.Steps = None,
    guidance_scale: options.GuidanceScale = None,
    scheduler: options.Scheduler = None,
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
    order_of_work: options.OrderOfWork = "folder",
    retry_quarantined: options.RetryQuarantined = False,
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
            **options.painting(strength, steps, guidance_scale, scheduler),
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
        argv=picking.command_line(sys.argv),
        allow_empty=allow_empty,
        selection=selection,
        limits=picking.limits(budget, stop_at, max_pictures),
        grace_s=grace,
        retry_quarantined=retry_quarantined,
    )
    result = _run(order, worst_first=order_of_work == "worst-first")
    return closing.close_repair(result, place.state, wanted)


def _run(order: Order, *, worst_first: bool) -> RunResult:
    """Run the order, and have it told how it ended where that is wanted."""
    task = order.task
    progress = Progress("repair", worst_first=worst_first)
    with telling(progress, task.settings.night, "repair", task.workplace.run_id) as (
        observer,
        conclude,
    ):
        work = _worst_first if worst_first else batch.run
        try:
            result = work(order, observer)
        except Exception:
            closing.close_broken(task.workplace)
            raise
        conclude(result)
    return result


def _worst_first(order: Order, observer: Observer) -> RunResult:
    """Look at everything, then repair what is worst first; with the same tools."""
    order = replace(order, limits=order.limits.from_now(datetime.now(UTC)))
    with contextlib.closing(KeptTools()) as kept:
        here = order.task.settings.workers.executor == "serial"
        tools = kept if here else build_toolbox
        look, ranks = look_first(order, Progress("look"), tools)
        if look.ended not in {ExitCode.OK, ExitCode.LIMIT}:
            return replace(look, code=look.ended, planned=0, worked=0)
        return batch.run(replace(order, ranks=ranks), observer, build_tools=tools)


def new_run_id() -> str:
    """Return an id that sorts by time and that no other run has."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
