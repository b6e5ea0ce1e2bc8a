"""Tell what is done already, and clear up what a dead run left behind."""

import hashlib
import json
import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from detectors import catalogue, weights
from detectors.findings import Severity
from pipeline.errors import PictureProblem, UsageError
from pipeline.files import (
    digest_bytes,
    digest_file,
)
from pipeline.ledger.rows import Known, Stamp
from pipeline.ledger.store import Ledger
from pipeline.model_lock import user_lock
from pipeline.model_presets import preset_for
from pipeline.model_shipped import digest_of_others, shipped_digest
from pipeline.reading import read_regular
from pipeline.records import Outcome, Status, Workplace
from pipeline.runner.contract import Job, Task
from pipeline.runner.sweeping import sweep
from pipeline.settings import Settings
from pipeline.stages.user_masks import find_mask

log = logging.getLogger(__name__)

REDONE = frozenset({Status.FAILED.value})
"""What is tried again by the next run; anything else stays until something changes."""

WITHOUT_EFFECT = {
    "run": ("min_free_mib", "settle_s"),
    "inpaint": ("device", "batch", "compile", "pictures"),
    "save": ("keep_variations", "keep_checkpoints"),
}
"""Settings that do not change what comes of a picture."""

WITHOUT_EFFECT_AT_ALL = ("gate", "workers", "night")
"""Whole sections of that sort. What a time budget cut short stays as it is, too: else
a longer one would make a finished folder unfinished."""

ONLY_REPAIR = (
    "mask",
    "plan",
    "prompt",
    "inpaint",
    "score",
    "choose",
    "passes",
    "save",
)
"""Sections that `check` does not use."""


def run_basis(task: Task) -> str:
    """Return a digest of all that a result depends on besides the picture.

    These are the command, the settings that have an effect, the weights of the chosen
    detectors, and a model file on this machine by its size and date. The version is
    not among them: an update does not redo a finished folder.
    """
    plain = {
        "command": task.command,
        "settings": _relevant(task.settings, task.command),
        "weights": _weights(task.settings),
        "masks": str(task.masks) if task.masks else "",
    }
    text = json.dumps(plain, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def picture_basis(basis: str, task: Task, key: str) -> str:
    """Return the basis of one picture: the run's, and the mask given for it, if any."""
    mask = find_mask(task.masks, key)
    stamp = stamp_of(mask) if mask else None
    if stamp is None:
        return basis
    text = f"{basis}:{stamp.size}:{stamp.mtime_ns}"
    return hashlib.sha256(text.encode()).hexdigest()


def is_finished(
    known: Known | None, job: Job, basis: str, ledger: Ledger, output: Path
) -> bool:
    """Tell whether nothing is left to do for a picture.

    The input is compared by size and date, and only where those differ by its digest,
    so that a finished folder costs two `stat` calls a picture. The output is compared
    in the same way with what was published; `nightmend verify` reads it all.
    """
    if known is None or known.state != "done" or known.basis != basis:
        return False
    if known.status in REDONE or not _output_stands(known, output):
        return False
    stamp = _stamp_below(job.root, job.key)
    if stamp == known.stamp and job.root == known.root:
        return True
    if stamp is None or not known.digest or _digest(job.path) != known.digest:
        return False
    ledger.restamp(job.key, job.root, stamp)
    return True


def recover(ledger: Ledger, workplace: Workplace, min_confidence: float) -> None:
    """Finish what a dead run had published, and delete its temporary files.

    Only the holder of the folder's lock may call this: every temporary file there is
    then of a run that is dead.

    Raises:
        OutputTrouble: they cannot be deleted.
    """
    unfinished = ledger.unfinished()
    for run_id, outcome in ledger.staged_outcomes():
        target = workplace.output / outcome.output
        stamp = stamp_of(target)
        if stamp is not None and _digest(target) == outcome.output_digest:
            severity = severity_left(outcome, min_confidence)
            ledger.done(run_id, outcome, severity=severity, written=stamp)
            log.info("%s had been published; recorded", outcome.key)
    if ledger.moved_aside is not None:
        sweep(workplace.output, whole=True, lane=workplace.lane)
    elif unfinished:
        sweep(workplace.state, whole=True)
        for folder in {(workplace.output / key).parent for key in unfinished}:
            sweep(folder, lane=workplace.lane)
    ledger.orphan()


def severity_left(outcome: Outcome, min_confidence: float) -> int:
    """Return the severity of the worst finding that is still there."""
    return max(
        (
            int(row.severity)
            for row in outcome.remaining
            if row.confidence >= min_confidence
        ),
        default=int(Severity.FINE),
    )


def _relevant(settings: Settings, command: str) -> dict[str, Any]:
    plain = settings.model_dump(mode="json")
    for section, names in WITHOUT_EFFECT.items():
        for name in names:
            del plain[section][name]
    # The gate weighs what was found, and finds nothing itself.
    unused = {*WITHOUT_EFFECT_AT_ALL, *catalogue.by_name()}
    unused -= set(settings.detect.detectors)
    if command == "check":
        unused |= set(ONLY_REPAIR)
    return {name: value for name, value in plain.items() if name not in unused}


def detector_weights(settings: Settings) -> dict[str, str]:
    """Name what the detectors were loaded from."""
    held: dict[str, str] = {}
    for name in settings.detect.detectors:
        for need in catalogue.look_up(name).needs:
            held[need] = weights.PACKAGED[need].sha256
    held["own"] = digest_of_others()
    return held | _stamps([settings.segments.weights])


def _weights(settings: Settings) -> dict[str, str]:
    """Name what the detectors and the engine were loaded from."""
    held = detector_weights(settings)
    inpaint = settings.inpaint
    if inpaint.engine != "classical":
        held["model"] = _pinned_commit(inpaint.model)
    if inpaint.control_model:
        held["control"] = _pinned_commit(inpaint.control_model)
    loras = [Path(lora.rpartition(":")[0] or lora) for lora in inpaint.loras]
    if inpaint.vae:
        held["vae"] = _pinned_commit(inpaint.vae)
    named = [Path(inpaint.model), Path(inpaint.control_model), Path(inpaint.vae)]
    return held | _stamps([*named, *loras, *inpaint.embeddings])


def _stamps(paths: Iterable[Path | None]) -> dict[str, str]:
    """Name files on this machine by size and date; what is no file is left out."""
    held = {}
    for path in paths:
        stamp = stamp_of(path) if path is not None and path.is_file() else None
        if stamp is not None:
            held[str(path)] = f"{stamp.size}:{stamp.mtime_ns}"
    return held


def _pinned_commit(model: str) -> str:
    """Return the commit of a fetched model, a shipped one's digest, "" for a local."""
    try:
        preset = preset_for(model)
    except UsageError:
        return ""
    if preset.shipped:
        return shipped_digest(preset)
    pin = user_lock().read().get(preset.hub_id)
    return pin.commit if pin is not None else ""


def _output_stands(known: Known, output: Path) -> bool:
    if not known.output:
        return True
    stamp = _stamp_below(output, known.output)
    if stamp is None:
        return False
    if stamp == known.output_stamp:
        return True
    return _digest(output / known.output) == known.output_digest


def content_digest(job: Job, settings: Settings) -> str:
    """Return the digest of a picture that no worker lived to read; "" if none can."""
    try:
        most = settings.load.max_file_mib * 2**20
        return digest_bytes(read_regular(job.root, job.key, most))
    except PictureProblem:
        return ""


def stamp_of(path: Path) -> Stamp | None:
    """Return the stamp of a file; None when there is none to be seen."""
    try:
        return Stamp.of(path.lstat())
    except OSError:
        return None


def _stamp_below(folder: Path, name: str) -> Stamp | None:
    """Return what `stamp_of` does; to join paths as objects costs more than to look."""
    try:
        return Stamp.of(os.lstat(os.path.join(folder, name)))  # noqa: PTH118
    except OSError:
        return None


def _digest(path: Path) -> str:
    try:
        return digest_file(path)
    except OSError:
        return ""
