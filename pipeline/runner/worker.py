"""What runs beside one picture: open it, send it through the flow, catch its trouble.

It works the same in this process, in another, or on another machine: a job goes in, a
small result comes out, and only a temporary file beside the picture's final place is
written.
"""

import errno
import logging
import time
from pathlib import Path

from detectors.arrays import MaskArray
from detectors.errors import DetectorError, DetectorFailed
from pipeline import flow
from pipeline.album import Album
from pipeline.errors import (
    EnvironmentProblem,
    NotSupported,
    OutputTrouble,
    PictureChanged,
    PictureProblem,
    Stopped,
    Unreadable,
)
from pipeline.names import shown
from pipeline.records import Found, ImageRef, Outcome, Picture, Status
from pipeline.runner.contract import Job, Result, Task
from pipeline.runner.drive import drive
from pipeline.stages.load import identify, load
from pipeline.stages.user_masks import load_mask
from pipeline.toolbox import Toolbox

log = logging.getLogger(__name__)

_STATUSES: tuple[tuple[type[Exception], Status], ...] = (
    (Unreadable, Status.UNREADABLE),
    (NotSupported, Status.SKIPPED),
    (PictureProblem, Status.FAILED),
    (DetectorFailed, Status.FAILED),
)
"""What an expected trouble with one picture means for it; the first that fits."""

_NOT_JUDGED = PictureProblem.kind
_DISK_TROUBLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
_ENDS_THE_RUN = (Stopped, EnvironmentProblem)


class Worker:
    """Works on one picture at a time with tools that are built once."""

    def __init__(self, task: Task, toolbox: Toolbox) -> None:
        self._task = task
        self._toolbox = toolbox
        self._album = Album(task.workplace.state)
        self._told: set[str] = set()

    def close(self) -> None:
        """Free the tools; calling it twice does no harm."""
        self._toolbox.close()

    def work(self, job: Job) -> Result:
        """Return what came of a picture.

        Raises:
            Stopped: the output cannot be written to, or the like; the run cannot go on.
            EnvironmentProblem: the engine or the device is lost; the run cannot go on.
        """
        started = time.monotonic()
        ref = ImageRef(job.root, job.key, "")
        try:
            ref, encoded = identify(Found(job.root, job.key), self._task.settings.load)
            for_repair = self._task.command == "repair"
            limits = self._task.settings.load
            picture = load(ref, encoded, limits, for_repair=for_repair)
            del encoded
            return Result(job, self._mend_or_check(picture))
        except _ENDS_THE_RUN:
            raise
        except PictureChanged as error:
            return Result(job, _outcome(ref, error, started), changed=True)
        except Exception as error:
            # One bad picture never ends a run; whatever it is gets its traceback. But a
            # full disk is not the picture's fault, and the next would fare no better.
            if isinstance(error, OSError) and error.errno in _DISK_TROUBLE:
                raise OutputTrouble(_no_room(error)) from error
            if not isinstance(error, PictureProblem | DetectorError):
                self._tell(job, error)
            return Result(job, _outcome(ref, error, started))

    def _tell(self, job: Job, error: Exception) -> None:
        """Log what nobody expected; its traceback once, not for every picture."""
        sentence = f"{type(error).__name__}: {error}"
        first = sentence not in self._told
        self._told.add(sentence)
        log.error("%s: %s", job.key, sentence, exc_info=error if first else None)

    def _mend_or_check(self, picture: Picture) -> Outcome:
        task, toolbox = self._task, self._toolbox
        if task.command == "check":
            return flow.check(picture, toolbox, task.settings)
        if toolbox.inpainter is None:
            raise ValueError("a repair needs a toolbox with an inpainter")
        steps = flow.mend(
            picture,
            toolbox,
            task.workplace,
            self._album,
            task.settings,
            user_mask=_mask_for(picture, task.masks),
        )
        return drive(steps, toolbox.inpainter)


def _no_room(error: OSError) -> str:
    place = f" ({shown(error.filename)})" if error.filename else ""
    return (
        f"the disk takes no more{place}: {error.strerror}; make room, then run the "
        "same command again to go on"
    )


def _mask_for(picture: Picture, masks: Path | None) -> MaskArray | None:
    return load_mask(masks, picture.ref.key, picture.size)


def _outcome(ref: ImageRef, error: Exception, started: float) -> Outcome:
    """Put an exception into the outcome of the picture that it happened to."""
    statuses = (status for kind, status in _STATUSES if isinstance(error, kind))
    expected = isinstance(error, PictureProblem | DetectorError)
    return Outcome(
        ref.key,
        ref.digest,
        next(statuses, Status.FAILED),
        problem=str(error) if expected else f"{type(error).__name__}: {error}",
        trouble=error.kind if isinstance(error, PictureProblem) else _NOT_JUDGED,
        took_s=time.monotonic() - started,
    )
