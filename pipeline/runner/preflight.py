"""Check everything that can be checked before the first picture is opened."""

import contextlib
import shutil
from pathlib import Path

from detectors import catalogue
from pipeline.errors import OutputTrouble, UsageError
from pipeline.files import make_folder, stage_file
from pipeline.names import shown
from pipeline.runner.contract import Order

PROBE_ID = "probe"


def check_places(order: Order) -> None:
    """Check the names and folders of an order, and make the folders.

    Raises:
        UsageError: a folder is missing, or output and input are in each other's way.
        UnknownDetector: there is no such detector.
        OutputTrouble: a folder cannot be made.
    """
    task = order.task
    for name in task.settings.detect.detectors:
        catalogue.look_up(name)
    if task.masks is not None and not task.masks.exists():
        raise UsageError(
            f"there is no mask file or folder {shown(task.masks)}; check --masks"
        )
    for source in order.sources:
        if not source.exists():
            raise UsageError(f"there is no file or folder {shown(source)}; check it")
    make_folder(task.workplace.state)
    if task.command == "repair":
        for source in order.sources:
            _check_apart(source, task.workplace.output)


def check_output(order: Order) -> None:
    """Check that pictures can be written; only for who holds the output's lock.

    Another run would take the file that is written on trial for one of a dead run, and
    sweep it away.

    Raises:
        OutputTrouble: the output cannot be written to, or has no room.
    """
    task = order.task
    if task.command == "repair":
        _probe(task.workplace.output, task.workplace.lane)
        check_room(task.workplace.output, task.settings.run.min_free_mib)


def check_room(folder: Path, min_free_mib: int) -> None:
    """Refuse to go on when the disk is nearly full.

    Raises:
        OutputTrouble: there is less room than `min_free_mib`, or the folder is gone.
    """
    try:
        free_mib = shutil.disk_usage(folder).free / 2**20
    except OSError as error:
        raise OutputTrouble(
            f"{shown(folder)} cannot be reached ({error.strerror}); bring it back and "
            "run the same command again to go on"
        ) from error
    if free_mib < min_free_mib:
        raise OutputTrouble(
            f"the disk of {shown(folder)} has {free_mib:.0f} MiB left, and "
            f"run.min_free_mib asks for {min_free_mib}; make room, then run the same "
            "command again to go on"
        )


def _check_apart(source: Path, output: Path) -> None:
    """Refuse an output in which a source lies; the other way round is fine."""
    real_source, real_output = source.resolve(), output.resolve()
    if real_source == real_output:
        raise UsageError(
            f"{shown(source)} is source and output at once; inputs are never written "
            "to, so choose another --out"
        )
    if real_source.is_relative_to(real_output):
        raise UsageError(
            f"the source {shown(source)} lies in the output folder {shown(output)}, "
            "where it could be overwritten; choose another --out"
        )


def _probe(folder: Path, lane: str) -> None:
    """Write and remove a file.

    Raises:
        OutputTrouble: that did not work.
    """
    probe = stage_file(folder, lane + PROBE_ID, b"")
    with contextlib.suppress(FileNotFoundError):
        probe.unlink()
