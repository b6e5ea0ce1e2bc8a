"""Respect what people decided about pictures: by content, whatever a file is called."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from detectors.findings import Finding
from pipeline import flow
from pipeline.album import Keeps, preview
from pipeline.files import check_there, digest_bytes, short_id_of, stage_file
from pipeline.ledger import queries
from pipeline.ledger.rows import Known
from pipeline.ledger.store import Ledger
from pipeline.records import Outcome, Picture, Reviewed, Status
from pipeline.review import remembered
from pipeline.review.apply import Reviewer
from pipeline.review.publish import Place
from pipeline.runner.contract import Task
from pipeline.toolbox import Toolbox

log = logging.getLogger(__name__)


def gather(ledger: Ledger, task: Task) -> dict[str, Reviewed]:
    """Return what holds, by digest; what is decided and gone is published again.

    Only the holder of the folder's lock may call this.

    Raises:
        OutputTrouble, LedgerTrouble: nothing can be written.
    """
    place = task.workplace
    decided = remembered.decisions(place.state)
    if not decided:
        return {}
    Reviewer(ledger, Place(place.output, place.state, task.settings)).catch_up()
    standing = {
        outcome.digest: outcome
        for outcome in queries.summary(place.state).outcomes
        if outcome.digest in decided and outcome.output
    }
    return {
        digest: Reviewed(one, standing.get(digest) if one.settled else None)
        for digest, one in decided.items()
    }


def kept_bases(
    bases: Mapping[str, str], before: Mapping[str, Known], task: Task
) -> dict[str, str]:
    """Return the bases to compare with: other settings do not undo a decision.

    Args:
        bases: What each picture's result would depend on now, by key.
        before: What the ledger holds, by key.
        task: What was decided.
    """
    settled = {
        key
        for key, known in before.items()
        if (said := task.reviewed.get(known.digest)) and said.decision.settled
    }
    return {
        key: before[key].basis if key in settled else basis
        for key, basis in bases.items()
    }


def kept(
    picture: Picture,
    said: Reviewed | None,
    task: Task,
    toolbox: Toolbox,
    album: Keeps,
) -> Outcome | None:
    """Return the outcome of a picture that is to stay as a person left it.

    It is asked for where the picture has another name than when it was decided about,
    or its file was lost.

    Returns:
        None when there is no such decision, or nothing left of what was decided on.
    """
    if said is None or not said.decision.settled:
        return None
    if said.decision.verdict == "reject":
        return _original(picture, task, toolbox, album)
    if said.outcome is None:
        return None
    path = task.workplace.output / said.outcome.output
    try:
        encoded = path.read_bytes()
    except OSError:
        return None
    if digest_bytes(encoded) != said.outcome.output_digest:
        return None
    log.info("%s: as decided in review", picture.ref.key)
    return replace(
        said.outcome,
        key=picture.ref.key,
        output=picture.ref.key,
        staged=_stage(picture, encoded, task),
    )


def sparing(toolbox: Toolbox, said: Reviewed | None) -> Toolbox:
    """Return tools that pass over what a person called no flaw of this picture."""
    if said is None or not said.decision.not_flaws:
        return toolbox
    decision = replace(said.decision, verdict="")

    def passes_over(finding: Finding) -> bool:
        return decision.excuses(finding.kind, finding.box)

    return replace(toolbox, passes_over=passes_over)


def remarked(outcome: Outcome, said: Reviewed | None) -> Outcome:
    """Return the outcome with a word about what was passed over."""
    if said is None or not said.decision.not_flaws:
        return outcome
    told = f"{len(said.decision.not_flaws)} called no flaw in review"
    problem = "; ".join(filter(None, (outcome.problem, told)))
    return replace(outcome, problem=problem)


def _original(picture: Picture, task: Task, toolbox: Toolbox, album: Keeps) -> Outcome:
    """Look at the picture for the record, and hand it on as it is."""
    seen = flow.check(picture, toolbox, task.settings)
    key, digest = picture.ref.key, picture.ref.digest
    album.keep_thumb(key, digest, picture.pixels)
    return replace(
        seen,
        status=Status.KEPT if seen.status is Status.FLAWED else seen.status,
        output=key,
        output_digest=digest,
        staged=_stage(picture, picture.encoded, task),
        preview_before=album.keep(key, "preview-before", preview(picture.pixels)),
        problem="rejected in review: the original is kept",
    )


def _stage(picture: Picture, encoded: bytes, task: Task) -> str:
    place = task.workplace
    check_there(place.output)
    folder: Path = (place.output / picture.ref.key).parent
    short_id = short_id_of(picture.ref.key, place.run_id, place.lane)
    return stage_file(folder, short_id, encoded).name
