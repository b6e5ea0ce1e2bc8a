"""What runs beside one picture: open it, send it through the flow, catch its trouble.

It works the same in this process, in another, or on another machine: a job goes in, a
small result comes out, and only a temporary file beside the picture's final place is
written.
"""

import errno
import logging
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from detectors.arrays import MaskArray
from detectors.errors import DetectorError, DetectorFailed, DeviceLost
from pipeline import flow
from pipeline.album import Album
from pipeline.devices import is_lost
from pipeline.errors import (
    EnvironmentProblem,
    NotSupported,
    OutputTrouble,
    PictureChanged,
    PictureProblem,
    Stopped,
    Unreadable,
)
from pipeline.inpainters.contract import PaintsTogether
from pipeline.names import shown
from pipeline.records import (
    Candidate,
    Flow,
    FlowStep,
    Found,
    ImageRef,
    Outcome,
    Picture,
    Status,
)
from pipeline.runner import reviewed
from pipeline.runner.contract import (
    Breakable,
    BuildTools,
    Job,
    Result,
    Take,
    Task,
)
from pipeline.runner.drive import drive, open_batch
from pipeline.runner.early_gate import EarlyGate
from pipeline.runner.several import Several
from pipeline.settings import InpaintSettings
from pipeline.stages.load import identify, load
from pipeline.stages.user_masks import load_mask
from pipeline.stopwatch import OnStage, nobody
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


def build_worker(
    task: Task, build_tools: BuildTools, on_stage: OnStage = nobody
) -> "Worker":
    """Build the tools that a task needs, and a worker that has them.

    Raises:
        NightmendError, DetectorError: a tool cannot be built.
    """
    repair = task.command == "repair"
    toolbox = build_tools(task.settings, with_inpainter=repair)
    return Worker(task, replace(toolbox, on_stage=on_stage))


class Worker:
    """Works on pictures with tools that are built once."""

    def __init__(self, task: Task, toolbox: Toolbox) -> None:
        self._task = task
        self._toolbox = toolbox
        self._album = Album(task.workplace.state)
        self._told: set[str] = set()
        self._gate = _gate_for(task.settings.inpaint)

    @property
    def engine(self) -> str:
        """The engine's name; "" where nothing is repaired."""
        inpainter = self._toolbox.inpainter
        return inpainter.name if inpainter is not None else ""

    def close(self) -> None:
        """Free the tools; calling it twice does no harm."""
        self._toolbox.close()

    def work(self, job: Job) -> Result:
        """Return what came of a picture.

        Raises:
            Stopped: the output cannot be written to, or the like; the run cannot go on.
            EnvironmentProblem: the engine or the device is lost; the run cannot go on.
        """
        engine = self._toolbox.inpainter
        return drive(self._steps(job), engine, self._gate, sparing=self._sparing)

    def work_many(self, take: Take, breakable: Breakable) -> Iterator[Result]:
        """Work on several pictures at a time, as far as that keeps the engine busy.

        Args:
            take: Hands out the next job; asked until it gives None with nothing left
                under way.
            breakable: Marks the work that may be broken off.

        Raises:
            Stopped, EnvironmentProblem: see `work`.
        """
        engine, most = self._toolbox.inpainter, 1
        if isinstance(engine, PaintsTogether):
            most = self._task.settings.inpaint.pictures
        batch = open_batch(engine, sparing=self._sparing)
        with closing(Several[Result](batch, self._gate)) as several:
            while True:
                while several.room and several.under_way < most:
                    if (job := take()) is None:
                        break
                    with breakable():
                        ended = several.begin(self._steps(job))
                    yield from ended
                if not several.under_way:
                    return
                with breakable():
                    ended = several.turn()
                yield from ended

    @property
    def _sparing(self) -> bool:
        """A region may have enough before all of its variations are painted."""
        return self._task.settings.choose.stop != "never"

    def _steps(self, job: Job) -> Generator[FlowStep, Candidate | None, Result]:
        """Work on a picture step by step; whatever happens to it is in the result.

        Raises:
            Stopped, EnvironmentProblem: see `work`.
        """
        started = time.monotonic()
        ref = ImageRef(job.root, job.key, "")
        self._toolbox.on_stage("load")
        try:
            ref, encoded = identify(Found(job.root, job.key), self._task.settings.load)
            for_repair = self._task.command == "repair"
            limits = self._task.settings.load
            picture = load(ref, encoded, limits, for_repair=for_repair)
            del encoded
            return Result(job, (yield from self._mend_or_check(picture)))
        except _ENDS_THE_RUN:
            raise
        except PictureChanged as error:
            return Result(job, _outcome(ref, error, started), changed=True)
        except Exception as error:
            # One bad picture never ends a run; whatever it is gets its traceback. But a
            # full disk or a lost device is not its fault, and the next would fare no
            # better.
            if isinstance(error, OSError) and error.errno in _DISK_TROUBLE:
                raise OutputTrouble(_no_room(error)) from error
            if isinstance(error, DeviceLost) or is_lost(error):
                raise EnvironmentProblem(_no_device(error)) from error
            if not isinstance(error, PictureProblem | DetectorError):
                self._tell(job, error)
            return Result(job, _outcome(ref, error, started))

    def _tell(self, job: Job, error: Exception) -> None:
        """Log what nobody expected; its traceback once, not for every picture."""
        sentence = f"{type(error).__name__}: {error}"
        first = sentence not in self._told
        self._told.add(sentence)
        log.error("%s: %s", job.key, sentence, exc_info=error if first else None)

    def _mend_or_check(self, picture: Picture) -> Flow:
        task, toolbox = self._task, self._toolbox
        if task.command == "check":
            return flow.check(picture, toolbox, task.settings)
        if toolbox.inpainter is None:
            raise ValueError("a repair needs a toolbox with an inpainter")
        said = task.reviewed.get(picture.ref.digest)
        kept = reviewed.kept(picture, said, task, toolbox, self._album)
        if kept is not None:
            return kept
        outcome = yield from flow.mend(
            picture,
            reviewed.sparing(toolbox, said),
            task.workplace,
            self._album,
            task.settings,
            user_mask=_mask_for(picture, task.masks),
        )
        return reviewed.remarked(outcome, said)


def _gate_for(settings: InpaintSettings) -> EarlyGate | None:
    if not settings.preview_at:
        return None
    return EarlyGate(settings.preview_at, settings.preview_keep, settings.preview_learn)


def _no_room(error: OSError) -> str:
    place = f" ({shown(error.filename)})" if error.filename else ""
    return (
        f"the disk takes no more{place}: {error.strerror}; make room, then run the "
        "same command again to go on"
    )


def _no_device(error: Exception) -> str:
    reason = str(error).strip().partition("\n")[0]
    return (
        f"a device answers no more ({reason}); the same command goes on where the run "
        "stopped"
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
