"""What a run has to do: everything that was found, less what is done."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import NoPictures, PictureChanged, Unreadable
from pipeline.git_changes import changed_files
from pipeline.ledger.rows import NO_STAMP, Claim, Known
from pipeline.ledger.store import Ledger
from pipeline.names import shown
from pipeline.records import Odd, Outcome, Plan, Status
from pipeline.runner import resume, reviewed
from pipeline.runner.contract import Job, Order
from pipeline.stages.choose_files import choose_files
from pipeline.stages.discover import discover

_ODD = {
    Status.SKIPPED: "file/not-taken",
    Status.UNREADABLE: Unreadable.kind,
    Status.FAILED: "file/clash",
}
"""The rule of the gate for what is left alone, by its status."""


@dataclass(frozen=True, slots=True, eq=False)
class Agenda:
    """The work of one run, before it begins."""

    plan: Plan
    before: Mapping[str, Known]
    """What the ledger holds about every picture, by key."""

    bases: Mapping[str, str]
    """The digest of what a picture's result depends on besides it, by key."""

    todo: tuple[Job, ...]
    young: tuple[Job, ...]
    """Written so lately that they are left for the next run."""

    recalled: tuple[tuple[Job, Outcome], ...] = ()
    """Looked at before, in whatever folder; see `pipeline.gate.memory`."""

    @property
    def planned(self) -> int:
        """Pictures that the run answers for."""
        return len(self.plan.found) - len(self.young)

    @property
    def names(self) -> frozenset[str]:
        """The keys of everything that has an outcome in this run's sources."""
        found = {one.key for one in self.plan.found}
        return frozenset(found | {one.path for one in self.plan.odd})


def draw_up(order: Order, ledger: Ledger) -> Agenda:
    """Find the pictures, and tell which of them are left to do.

    Raises:
        NoPictures: there is none, and that is not allowed.
    """
    task, place = order.task, order.task.workplace
    plan = _chosen(order, (place.state, place.output))
    before = ledger.known()
    basis = resume.run_basis(task)
    bases = {o.key: resume.picture_basis(basis, task, o.key) for o in plan.found}
    wanted = reviewed.kept_bases(bases, before, task)
    left = [
        job
        for job in (Job(found.root, found.key) for found in plan.found)
        if _anew(before.get(job.key), order)
        or not resume.is_finished(
            before.get(job.key), job, wanted[job.key], ledger, place.output
        )
    ]
    known = order.memory.recall(left) if order.memory is not None else {}
    recalled = tuple((job, known[job.key]) for job in left if job.key in known)
    left = [job for job in left if job.key not in known]
    settle_s = task.settings.run.settle_s
    young = tuple(job for job in left if _age_s(job.path) < settle_s)
    names = {job.key for job in young}
    todo = [job for job in left if job.key not in names]
    todo.sort(key=lambda job: -order.ranks.get(job.key, 0.0))
    return Agenda(plan, before, bases, tuple(todo), young, recalled)


def write_down(agenda: Agenda, order: Order, ledger: Ledger) -> None:
    """Put the work into the ledger, and give what is left alone its outcome."""
    run_id = order.task.workplace.run_id
    with ledger.together():
        for one in agenda.plan.odd:
            known = agenda.before.get(one.path)
            if known is None or known.status != one.status:
                ledger.queue(run_id, [(Path(), one.path)])
                ledger.done(run_id, _left_alone(one))
    ledger.queue(run_id, ((job.root, job.key) for job in (*agenda.todo, *agenda.young)))
    _write_recalled(agenda, order, ledger)
    settle_s = order.task.settings.run.settle_s
    for job in agenda.young:
        problem = f"younger than {settle_s:g} s; left for the next run"
        outcome = Outcome(
            job.key, "", Status.SKIPPED, problem=problem, trouble=PictureChanged.kind
        )
        ledger.done(run_id, outcome)
        ledger.put_back(run_id, job.key)


def _left_alone(one: Odd) -> Outcome:
    problem = f"{shown(one.path)} {one.reason}"
    trouble = one.kind or _ODD[one.status]
    return Outcome(one.path, "", one.status, problem=problem, trouble=trouble)


def _write_recalled(agenda: Agenda, order: Order, ledger: Ledger) -> None:
    run_id = order.task.workplace.run_id
    min_confidence = order.task.settings.detect.min_confidence
    with ledger.together():
        ledger.queue(run_id, ((job.root, job.key) for job, _ in agenda.recalled))
        for job, outcome in agenda.recalled:
            basis = agenda.bases[job.key]
            stamp = resume.stamp_of(job.path) or NO_STAMP
            ledger.claim(run_id, Claim(job.key, job.root, stamp, basis, "recalled"))
            severity = resume.severity_left(outcome, min_confidence)
            ledger.done(run_id, outcome, severity=severity)


def _anew(known: Known | None, order: Order) -> bool:
    """Tell whether a picture was given up, and the user wants it tried again."""
    given_up = known is not None and known.status == Status.QUARANTINED
    return given_up and order.retry_quarantined


def _chosen(order: Order, own: tuple[Path, ...]) -> Plan:
    """Return what of the sources is wanted.

    Raises:
        NoPictures: that is nothing, and looks like a mistake.
    """
    wanted = order.selection
    plan = discover(order.sources, exclude=own, base=wanted.base, listed=wanted.listed)
    if not plan.found and not order.allow_empty:
        raise NoPictures(_nothing_found(order.sources, plan.odd))
    chosen = choose_files(plan, wanted, changed_files)
    if not chosen.found and not order.allow_empty and not wanted.may_be_empty:
        raise NoPictures(
            f"--include and --exclude leave none of the {len(plan.found)} pictures "
            "that were found; check the globs, or allow it with --allow-empty"
        )
    return chosen


def _nothing_found(sources: tuple[Path, ...], odd: tuple[Odd, ...]) -> str:
    places = ", ".join(shown(source) for source in sources)
    reasons = "".join(f"; {shown(one.path)} {one.reason}" for one in odd[:3])
    return (
        f"no PNG, JPEG or WebP picture was found in {places}{reasons}; check the "
        "folder, or allow it with --allow-empty"
    )


def _age_s(path: Path) -> float:
    """Return the seconds since the file was last written; none are below 0."""
    try:
        return max(0.0, time.time() - path.lstat().st_mtime)
    except OSError:
        return float("inf")
