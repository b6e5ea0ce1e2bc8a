"""nightmend watch: repair pictures as a generator writes them."""

import contextlib
import signal
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from pipeline import logs
from pipeline.cli import options, picking
from pipeline.cli.folders import STATE_NAME
from pipeline.cli.quantities import duration_s
from pipeline.cli.repair import new_run_id
from pipeline.cli.telling import telling
from pipeline.errors import ExitCode, NightmendError, worst
from pipeline.files import make_folder
from pipeline.ledger import queries
from pipeline.ledger.filesystem import journal_mode_for
from pipeline.ledger.rows import Ending
from pipeline.ledger.store import FILE_NAME
from pipeline.names import shown
from pipeline.records import Outcome, Workplace
from pipeline.reports import html
from pipeline.runner import preflight
from pipeline.runner.contract import Order, RunResult, Task
from pipeline.runner.interrupts import CODES
from pipeline.runner.kept_tools import KeptTools
from pipeline.runner.resume import severity_left
from pipeline.runner.verdict import verdict
from pipeline.runner.watching import Stopper, Watcher, Watching
from pipeline.settings import Settings
from pipeline.settings_file import load_settings
from pipeline.toolbox import build_toolbox

SETTLE_S = 3.0
"""When neither the option nor the settings say how long a file must stay the same."""


def command(  # noqa: PLR0913  one argument per option
    sources: Annotated[
        list[Path],
        typer.Argument(help="Folders to watch, with all below them.", metavar="SRC"),
    ],
    *,
    out: Annotated[Path, typer.Option("--out", help="Where the repaired pictures go.")],
    engine: options.Engine = None,
    model: options.Model = None,
    strength: options.Strength = None,
    steps: options.Steps = None,
    guidance_scale: options.GuidanceScale = None,
    scheduler: options.Scheduler = None,
    device: options.Device = None,
    detect: options.Detect = None,
    settle: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="How long a file must not have changed; else run.settle_s, or 3s.",
        ),
    ] = None,
    until_idle: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="End when nothing has come for this long."),
    ] = None,
    poll: Annotated[
        bool,
        typer.Option(
            "--poll",
            help="Look again and again, for shares that tell of no changes; by itself "
            "on network file systems.",
        ),
    ] = False,
    budget: options.Budget = None,
    stop_at: options.StopAt = None,
    min_free: options.MinFree = None,
    grace: options.Grace = 30.0,
    include: options.Include = None,
    exclude: options.Exclude = None,
    config: options.ConfigFile = None,
    overrides: options.Overrides = None,
    verbose: options.Verbose = 0,
    log_file: options.LogFile = None,
) -> ExitCode:
    """Repair pictures as a generator writes them, once they have stopped changing.

    Models stay loaded, and the report is kept up to date. Ends by a signal, a limit, or
    when nothing has come for the time of --until-idle; what is missing is repaired when
    it is started again.
    """
    logs.set_up(verbose, log_file)
    selection = picking.selection(include, exclude, None, None)
    settings = load_settings(
        config,
        overrides=overrides or (),
        options={
            "inpaint.engine": engine,
            "inpaint.model": model,
            "inpaint.device": device,
            "detect.detectors": options.names(detect),
            **options.painting(strength, steps, guidance_scale, scheduler),
            "run.min_free_mib": picking.min_free_mib(min_free),
        },
        start=Path.cwd(),
    ).settings
    order = Order(
        Task("repair", settings, Workplace(out, out / STATE_NAME, new_run_id())),
        tuple(sources),
        argv=picking.command_line(sys.argv),
        grace_s=grace,
        selection=selection,
        limits=picking.limits(budget, stop_at, None).from_now(datetime.now(UTC)),
    )
    preflight.check_places(order)
    settle_s = settings.run.settle_s or SETTLE_S
    watching = Watching(
        order,
        duration_s(settle, "--settle") if settle else settle_s,
        duration_s(until_idle, "--until-idle") if until_idle else None,
        poll or any(journal_mode_for(source) != "WAL" for source in sources),
    )
    return _watch(watching)


def _watch(watching: Watching) -> ExitCode:
    """Build the tools, and watch with them until something ends it."""
    task = watching.order.task
    place, stopper = task.workplace, Stopper()
    make_folder(place.state)
    with (
        contextlib.closing(KeptTools()) as tools,
        telling(_Lines(), task.settings.night, "watch", place.run_id) as (
            observer,
            conclude,
        ),
        _stopping(stopper),
    ):
        here = task.settings.workers.executor == "serial"
        if here:
            tools(task.settings, with_inpainter=True)
        names = ", ".join(shown(source) for source in watching.order.sources)
        print(f"watching {names}; Ctrl+C ends it", flush=True)
        watcher = Watcher(
            watching,
            observer,
            tools if here else build_toolbox,
            lambda: _draw_report(place.state),
            stopper,
        )
        ended = watcher.watch()
        code = worst([ended, _verdict(place.state, task.settings)])
        conclude(RunResult(place.run_id, code, 0, 0, ended=ended))
        return code


class _Lines:
    """An observer that prints a line a picture."""

    def started(self, planned: int, finished_before: int) -> None:
        pass

    def finished(self, outcome: Outcome) -> None:
        with contextlib.suppress(OSError):
            took = f"{outcome.took_s:.1f} s"
            print(f"{shown(outcome.key)}: {outcome.status} in {took}", flush=True)

    def ended(self) -> None:
        pass


@contextlib.contextmanager
def _stopping(stopper: Stopper) -> Iterator[None]:
    """Have the first signal stop the watching; the second ends the program at once.

    While pictures are worked on the run listens for itself.
    """

    def on_signal(number: int, _: FrameType | None) -> None:
        for each in CODES:
            signal.signal(each, signal.SIG_DFL)
        stopper.stop(CODES[signal.Signals(number)])

    before = {number: signal.signal(number, on_signal) for number in CODES}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _draw_report(state: Path) -> None:
    try:
        html.write(queries.summary(state), state)
    except (NightmendError, OSError) as error:
        with contextlib.suppress(OSError):
            print(f"nightmend: no report: {shown(error)}", file=sys.stderr)


def _verdict(state: Path, settings: Settings) -> ExitCode:
    """Return what the pictures that were watched call for."""
    if not (state / FILE_NAME).is_file():
        return ExitCode.OK
    least = settings.detect.min_confidence
    return verdict(
        (
            Ending(outcome.key, outcome.status.value, severity_left(outcome, least))
            for outcome in queries.summary(state).outcomes
        ),
        settings,
    )
