"""The gravest picture decides the exit code."""

import pytest

from detectors.findings import Severity
from pipeline.errors import ExitCode
from pipeline.ledger.rows import Ending
from pipeline.records import Status
from pipeline.runner.verdict import verdict
from pipeline.settings import RunSettings, Settings


def known(status: Status, severity: Severity = Severity.FINE) -> Ending:
    return Ending("a.png", status.value, int(severity))


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (Status.CLEAN, ExitCode.OK),
        (Status.REPAIRED, ExitCode.OK),
        (Status.SKIPPED, ExitCode.OK),
        (Status.FLAWED, ExitCode.FLAWS),
        (Status.KEPT, ExitCode.FLAWS),
        (Status.UNREADABLE, ExitCode.SOME_FAILED),
        (Status.FAILED, ExitCode.SOME_FAILED),
        (Status.QUARANTINED, ExitCode.SOME_FAILED),
    ],
)
def test_every_ending_has_its_code(status: Status, code: ExitCode) -> None:
    assert verdict([known(Status.CLEAN), known(status)], Settings()) is code


def test_a_repaired_picture_with_flaws_left_is_still_flawed() -> None:
    strict = Settings(run=RunSettings(fail_on="note"))
    left = known(Status.REPAIRED, Severity.NOTE)

    assert verdict([left], Settings()) is ExitCode.OK
    assert verdict([left], strict) is ExitCode.FLAWS


def test_failures_weigh_more_than_flaws() -> None:
    pictures = [known(Status.KEPT), known(Status.FAILED), known(Status.CLEAN)]

    assert verdict(pictures, Settings()) is ExitCode.SOME_FAILED


def test_no_picture_is_no_trouble() -> None:
    assert verdict([], Settings()) is ExitCode.OK
