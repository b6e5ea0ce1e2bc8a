"""Delete the temporary files that were left where nobody works any more."""

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from pipeline.album import folder_of
from pipeline.errors import LedgerTrouble, OutputTrouble
from pipeline.files import PART_PREFIX, PART_SUFFIX, part_name, short_id_of
from pipeline.ledger.store import Ledger
from pipeline.names import shown
from pipeline.records import Workplace
from pipeline.runner.contract import Task

log = logging.getLogger(__name__)


def sweep(folder: Path, *, whole: bool = False, lane: str = "") -> None:
    """Delete the temporary files in a folder, or in the whole tree below it.

    Args:
        folder: Where to look.
        whole: Also below it.
        lane: Only the files of this lane; "" takes all.

    Raises:
        OutputTrouble: one is not let go of, or the folder cannot be looked through.
    """
    try:
        for path in _parts(folder, whole, PART_PREFIX + lane):
            log.info("deleting %s, left by a run that ended early", shown(path))
            Path(path).unlink(missing_ok=True)
    except OSError as error:
        raise OutputTrouble(
            f"{shown(folder)} keeps its temporary files ({error.strerror}); make it "
            "writable, then run the same command again to go on"
        ) from error


def let_go(ledger: Ledger, task: Task, key: str) -> None:
    """Put back a picture that was claimed and not finished, and sweep up after it.

    What cannot be swept now stays claimed, so that the next run sweeps it.
    """
    place = task.workplace
    with contextlib.suppress(OutputTrouble, LedgerTrouble):
        if task.command == "repair":
            sweep((place.output / key).parent, lane=place.lane)
        ledger.put_back(place.run_id, key)


def sweep_after(key: str, workplace: Workplace) -> None:
    """Delete the temporary files of one picture whose worker is dead; others may work.

    What the disk does not let go of now is swept by the next run.
    """
    name = part_name(short_id_of(key, workplace.run_id, workplace.lane))
    with contextlib.suppress(OSError):
        (workplace.output / key).with_name(name).unlink(missing_ok=True)
    with contextlib.suppress(OutputTrouble):
        sweep(workplace.state / folder_of(key))


def _unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error


def _parts(folder: Path, whole: bool, prefix: str) -> Iterator[str]:
    for place, folders, names in os.walk(
        folder, onerror=None if whole else _unless_gone
    ):
        if not whole:
            folders.clear()
        for name in names:
            if name.startswith(prefix) and name.endswith(PART_SUFFIX):
                yield os.path.join(place, name)  # noqa: PTH118  200,000 of them
