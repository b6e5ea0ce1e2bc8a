"""Give a staged picture its final name, and write down how it ended.

The order is what makes a crash harmless: the ledger says `staged` before the name is
given, and `done` after; see `pipeline.runner.resume.recover`.
"""

import contextlib
from dataclasses import replace
from pathlib import Path

from pipeline.errors import (
    LedgerTrouble,
    OutputTaken,
    PictureChanged,
    PictureProblem,
    UsageError,
)
from pipeline.files import digest_bytes, publish
from pipeline.ledger import queries
from pipeline.ledger.rows import NO_STAMP, Known, Stamp
from pipeline.ledger.store import FILE_NAME, Ledger
from pipeline.metadata import read_provenance
from pipeline.names import shown
from pipeline.records import ImageRef, Outcome, Status, Workplace
from pipeline.runner.contract import Job, Task
from pipeline.runner.resume import severity_left
from pipeline.stages.load import check_unchanged


def settle(
    ledger: Ledger, task: Task, job: Job, outcome: Outcome, before: Known | None
) -> Outcome:
    """Publish the output, if there is one, and record the outcome.

    Args:
        ledger: Where it is recorded.
        task: The run's task.
        job: The picture.
        outcome: What the worker says.
        before: What the ledger held about this picture when the run began.

    Returns:
        The outcome as recorded: failed where the output's place is taken.

    Raises:
        PictureChanged: the input is not what was worked on; nothing was published.
        OutputTrouble: the output cannot be written to.
        LedgerTrouble: the ledger cannot be written to.
    """
    run_id, written = task.workplace.run_id, NO_STAMP
    if outcome.staged:
        try:
            written = _publish(ledger, task, job, outcome, before)
        except PictureChanged:
            raise
        except PictureProblem as error:
            outcome = replace(
                outcome,
                status=Status.FAILED,
                output="",
                output_digest="",
                problem=str(error),
            )
        outcome = replace(outcome, staged="")
    severity = severity_left(outcome, task.settings.detect.min_confidence)
    ledger.done(run_id, outcome, severity=severity, written=written)
    return outcome


def _publish(
    ledger: Ledger, task: Task, job: Job, outcome: Outcome, before: Known | None
) -> Stamp:
    target = task.workplace.output / outcome.output
    temp = target.parent / outcome.staged
    try:
        ref = ImageRef(job.root, job.key, outcome.digest)
        check_unchanged(ref, task.settings.load)
        ours = _ours(ledger, job, outcome, before, target)
        if target.exists():
            ours |= _published_beside(task.workplace, job.key)
        ledger.staged(task.workplace.run_id, outcome)
        publish(temp, target, ours=ours, source=job.path)
        return Stamp.of(target.stat())
    finally:
        with contextlib.suppress(OSError):
            temp.unlink(missing_ok=True)


def _ours(
    ledger: Ledger, job: Job, outcome: Outcome, before: Known | None, target: Path
) -> frozenset[str]:
    """Return the digests of files that may be replaced at the target.

    Raises:
        OutputTaken: the result of another picture stands there.
    """
    ours = ledger.output_digests(job.key)
    if before is None or not before.output:
        return ours | _without_ledger(target, outcome)
    other = before.root != job.root and before.digest != outcome.digest
    if other and target.exists():
        raise OutputTaken(
            f"{shown(target)} holds the result of {shown(before.root / before.key)}; "
            "choose another --out for other sources"
        )
    return ours


def _published_beside(place: Workplace, key: str) -> frozenset[str]:
    """Return the digests of what other ledgers of this output folder made of a picture.

    Once shards were joined, a run over the whole folder and one of a shard may follow
    one another in any order; each replaces what the other made. Their locks see to it
    that never two of them work at once.
    """
    shards = place.state.glob(f"shard-*/{FILE_NAME}")
    files = [place.state.parent / FILE_NAME] if place.lane else [*shards]
    found: frozenset[str] = frozenset()
    for file in files:
        # What cannot be read vouches for nothing: the file then stays as it is.
        with contextlib.suppress(LedgerTrouble, UsageError):
            found |= queries.output_digests(file.parent, key)
    return found


def _without_ledger(target: Path, outcome: Outcome) -> frozenset[str]:
    """Tell by its content whether a file is ours that no ledger knows of (any more).

    A copy of the input is, and so is a picture that carries our own entry.
    """
    try:
        encoded = target.read_bytes()
    except OSError:
        return frozenset()
    digest = digest_bytes(encoded)
    if digest == outcome.digest or read_provenance(encoded) is not None:
        return frozenset({digest})
    return frozenset()
