"""What a run's pictures mean for its exit code."""

from collections.abc import Iterable

from detectors.findings import Severity
from pipeline.errors import ExitCode, worst
from pipeline.ledger.rows import Ending
from pipeline.records import Status
from pipeline.settings import Settings

_FAILED = frozenset({Status.UNREADABLE, Status.FAILED, Status.QUARANTINED})
_FLAWED = frozenset({Status.FLAWED, Status.KEPT})


def verdict(pictures: Iterable[Ending], settings: Settings) -> ExitCode:
    """Return the exit code that these pictures call for; the gravest of them wins."""
    least = Severity[settings.run.fail_on.upper()]
    codes = {_code(picture, least) for picture in pictures}
    return worst(list(codes))


def _code(picture: Ending, least: Severity) -> ExitCode:
    if picture.status in _FAILED:
        return ExitCode.SOME_FAILED
    if picture.status in _FLAWED:
        return ExitCode.FLAWS
    if picture.status == Status.REPAIRED and picture.severity >= least:
        return ExitCode.FLAWS
    return ExitCode.OK
