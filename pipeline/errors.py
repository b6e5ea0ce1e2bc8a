"""Every expected failure, and the exit code it leads to."""

from enum import IntEnum

from detectors.errors import (
    DetectorError,
    DetectorMisconfigured,
    DeviceLost,
    UnknownDetector,
    WeightsMissing,
    WeightsWrong,
)


class ExitCode(IntEnum):
    """What the command answers to the shell; an unknown code counts as a failure."""

    OK = 0
    FLAWS = 1
    USAGE = 2
    SOME_FAILED = 3
    ENVIRONMENT = 5
    STOPPED = 6
    LIMIT = 10
    LOCKED = 11
    BUG = 70
    SIGINT = 130
    SIGTERM = 143


PRECEDENCE = (
    ExitCode.BUG,
    ExitCode.USAGE,
    ExitCode.STOPPED,
    ExitCode.ENVIRONMENT,
    ExitCode.LOCKED,
    ExitCode.SIGINT,
    ExitCode.SIGTERM,
    ExitCode.LIMIT,
    ExitCode.SOME_FAILED,
    ExitCode.FLAWS,
    ExitCode.OK,
)
"""Which code wins when several hold, first to last."""


class NightmendError(Exception):
    """An expected failure; its text says what, where, and what to do next."""

    exit_code = ExitCode.SOME_FAILED


class UsageError(NightmendError):
    """The arguments or the settings cannot be followed."""

    exit_code = ExitCode.USAGE


class NoPictures(UsageError):
    """No picture was found where the user pointed."""


class SettingsError(UsageError):
    """A settings file or an override is wrong."""


class EnvironmentProblem(NightmendError):
    """Weights, a device or an optional package is missing or wrong."""

    exit_code = ExitCode.ENVIRONMENT


class ModelMissing(EnvironmentProblem):
    """The inpainting model is not on this machine."""


class Stopped(NightmendError):
    """The surroundings ended the run; the same command resumes it."""

    exit_code = ExitCode.STOPPED


class OutputTrouble(Stopped):
    """The output folder cannot be written to, or has no room left."""


class LedgerTrouble(Stopped):
    """The ledger is damaged, or made by a newer version."""


class LimitReached(NightmendError):
    """A limit that the user set ended the run; the same command resumes it."""

    exit_code = ExitCode.LIMIT


class Locked(NightmendError):
    """Another run holds this output folder."""

    exit_code = ExitCode.LOCKED


class PictureProblem(NightmendError):
    """Trouble with one picture; the run goes on."""

    kind = "file/not-judged"
    """The rule of the gate that names such trouble."""


class Unreadable(PictureProblem):
    """The file is not the picture it claims to be, or it is damaged."""

    kind = "file/unreadable"


class CutShort(Unreadable):
    """The file ends before the picture does."""

    kind = "file/truncated"


class Broken(Unreadable):
    """The file is no sound picture, whatever else it is."""

    kind = "file/damaged"


class WrongSuffix(Unreadable):
    """The file holds another format than its name says."""

    kind = "file/wrong-suffix"


class NotSupported(PictureProblem):
    """The picture is fine, but repairing it would lose something; it is skipped."""

    kind = "file/not-supported"


class TooLarge(NotSupported):
    """The picture or its file is over a limit; it is not decoded."""

    kind = "file/too-large"


class PictureChanged(PictureProblem):
    """The input file changed while it was being worked on."""

    kind = "file/changed"


class OutputTaken(PictureProblem):
    """A file that this tool did not write stands where the result belongs."""


class PaintFailed(PictureProblem):
    """The engine could not paint this region."""


_CODES: tuple[tuple[type[BaseException], ExitCode], ...] = (
    (UnknownDetector, ExitCode.USAGE),
    (DetectorMisconfigured, ExitCode.USAGE),
    (DeviceLost, ExitCode.ENVIRONMENT),
    (WeightsMissing, ExitCode.ENVIRONMENT),
    (WeightsWrong, ExitCode.ENVIRONMENT),
    (DetectorError, ExitCode.SOME_FAILED),
    (KeyboardInterrupt, ExitCode.SIGINT),
)


def exit_code_for(error: BaseException) -> ExitCode:
    """Turn an exception into an exit code; nothing else in the project does."""
    if isinstance(error, NightmendError):
        return error.exit_code
    matches = (code for kind, code in _CODES if isinstance(error, kind))
    return next(matches, ExitCode.BUG)


def worst(codes: list[ExitCode]) -> ExitCode:
    """Return the code that wins when several hold; OK when there is none."""
    return min(codes, key=PRECEDENCE.index, default=ExitCode.OK)
