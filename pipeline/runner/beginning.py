"""Everything that has to stand before the first picture of a run is opened."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime

from pipeline import __version__
from pipeline.ledger.store import Ledger
from pipeline.records import RunInfo, Status
from pipeline.runner import agenda, executors, resume, reviewed
from pipeline.runner.agenda import Agenda
from pipeline.runner.contract import Breakable, BuildTools, Executor, Order

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Beginning:
    """A run that is ready to begin."""

    work: Agenda
    executor: Executor | None
    """Opened; None when nothing is left to do."""

    engine: str
    """What repairs; "" where nothing is repaired."""

    def close(self) -> None:
        """Free the tools; calling it twice does no harm."""
        if self.executor is not None:
            self.executor.close()


def prepare(
    order: Order, ledger: Ledger, build_tools: BuildTools, breakable: Breakable
) -> Beginning:
    """Find the work, and have the tools for it built; none when nothing is left to do.

    Raises:
        NoPictures: there is none, and that is not allowed.
        NightmendError, DetectorError: a tool cannot be built.
    """
    task = order.task
    resume.recover(ledger, task.workplace, task.settings.detect.min_confidence)
    if task.command == "repair":
        task = replace(task, reviewed=reviewed.gather(ledger, task))
        order = replace(order, task=task)
    work = agenda.draw_up(order, ledger)
    for twins in work.plan.twins:
        log.warning("some file systems take these for one: %s", ", ".join(twins))
    engine = task.settings.inpaint.engine if task.command == "repair" else ""
    if not work.todo:
        return Beginning(work, None, engine)
    name = _executor_name(order, work)
    executor = executors.build(name, task, build_tools, breakable)
    try:
        return Beginning(work, executor, executor.open() or engine)
    except BaseException:
        executor.close()
        raise


def _executor_name(order: Order, work: Agenda) -> str:
    """Return who works; never this process on what may have cost others their life.

    A picture that was being worked on each time a run died may have had nothing to do
    with that. In a worker process of its own it can show.
    """
    workers = order.task.settings.workers
    known = (work.before.get(job.key) for job in work.todo)
    suspects = sum(
        1
        for k in known
        if k is not None
        and (k.orphaned >= workers.attempts or k.status == Status.QUARANTINED)
    )
    if workers.executor == "serial" and suspects:
        log.warning(
            "%d runs or workers ended abruptly over %d of these pictures; this run "
            "works in a process of its own",
            workers.attempts,
            suspects,
        )
        return "processes"
    return workers.executor


def info(order: Order, beginning: Beginning, now: datetime) -> RunInfo:
    """Return what the ledger says about a run that begins."""
    task = order.task
    return RunInfo(
        run_id=task.workplace.run_id,
        command=task.command,
        argv=order.argv,
        sources=tuple(str(source) for source in order.sources),
        output=str(task.workplace.output),
        started=now.isoformat(timespec="seconds"),
        finished="",
        ended_by="",
        engine=beginning.engine,
        settings_json=task.settings.model_dump_json(),
        version=__version__,
        planned=beginning.work.planned,
    )
