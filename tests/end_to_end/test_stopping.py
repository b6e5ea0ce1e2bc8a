"""What ends a run from outside leaves a folder from which it goes on."""

import errno
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from detectors.arrays import RgbArray
from detectors.errors import DeviceLost
from detectors.findings import Finding
from pipeline.errors import EnvironmentProblem, ExitCode, OutputTrouble
from pipeline.ledger import queries
from pipeline.ledger.store import FILE_NAME
from pipeline.records import Outcome, PaintRequest
from pipeline.settings import RunSettings, Settings
from pipeline.toolbox import Toolbox
from tests.support.fakes import GREEN, FakeDetector, FakeInpainter, Result
from tests.support.poison import workers
from tests.support.runs import (
    SETTINGS,
    FakeTools,
    Silent,
    fill,
    outcomes,
    picture,
    repaint,
    repair,
    tree,
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    names = ("a.png", "deep/b.png", "z.png")
    return fill(tmp_path / "in", {name: picture(n) for n, name in enumerate(names)})


def ended_by(output: Path) -> str:
    return queries.runs(output / ".nightmend")[-1].ended_by


def test_an_output_that_cannot_be_written_stops_the_run_and_it_goes_on_later(
    source: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    fill(output, {"deep": b"a file where a folder must be"})

    first = repair(source, output)
    (output / "deep").unlink()
    second = repair(source, output)
    repair(source, tmp_path / "whole")

    assert (first.code, first.worked) == (ExitCode.STOPPED, 1)
    assert "deep" in first.problem
    assert second.code is ExitCode.OK
    assert tree(output) == tree(tmp_path / "whole")


def test_the_reason_of_a_stop_is_in_the_ledger_and_the_picture_waits(
    source: Path, tmp_path: Path
) -> None:
    fill(tmp_path / "out", {"deep": b"in the way"})

    repair(source, tmp_path / "out")

    assert ended_by(tmp_path / "out").startswith("trouble: ")
    assert set(outcomes(tmp_path / "out")) == {"a.png"}
    state = tmp_path / "out" / ".nightmend"
    assert queries.states(state) == {"done": 1, "queued": 2}


def test_a_nearly_full_disk_stops_before_the_first_picture(
    source: Path, tmp_path: Path
) -> None:
    greedy = Settings(run=RunSettings(min_free_mib=10**9))
    tools = FakeTools()

    with pytest.raises(OutputTrouble, match="make room") as caught:
        repair(source, tmp_path / "out", tools, settings=greedy)

    assert caught.value.exit_code is ExitCode.STOPPED
    assert tools.built == 0


def test_a_disk_that_fills_up_during_the_night_stops_the_run_in_time(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = iter([9000, 9000, 900])
    disk = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(
        shutil, "disk_usage", lambda _: disk._replace(free=next(free) * 2**20)
    )
    settings = Settings(run=RunSettings(min_free_mib=1000))

    result = repair(source, tmp_path / "out", settings=settings)

    assert (result.code, result.worked) == (ExitCode.STOPPED, 1)
    assert "has 900 MiB left" in result.problem
    assert queries.states(tmp_path / "out/.nightmend") == {"done": 1, "queued": 2}


@pytest.mark.parametrize("moment", ["between two pictures", "while one is painted"])
@pytest.mark.parametrize("settings", [SETTINGS, workers(count=1)], ids=["", "worker"])
def test_an_output_that_vanishes_stops_the_run_and_it_goes_on_when_that_is_back(
    source: Path, tmp_path: Path, moment: str, settings: Settings
) -> None:
    output, away = tmp_path / "out", tmp_path / "away"

    class Unplugs(Silent):
        def finished(self, outcome: Outcome) -> None:
            super().finished(outcome)
            output.rename(away)

    painting = moment.startswith("while")
    tools = FakeTools(MovingAway(output, away) if painting else repaint)
    observer = Silent() if painting else Unplugs()
    first = repair(source, output, tools, observer=observer, settings=settings)
    stood = output.exists()
    away.rename(output)
    second = repair(source, output)
    repair(source, tmp_path / "whole")

    assert (first.code, first.worked) == (ExitCode.STOPPED, 0 if painting else 1)
    assert "bring it back" in first.problem
    assert not stood, "nothing is written where the folder was"
    assert (second.code, second.worked) == (ExitCode.OK, 3 if painting else 2)
    assert tree(output) == tree(tmp_path / "whole")
    assert queries.states(output / ".nightmend") == {"done": 3}


@dataclass(frozen=True)
class MovingAway:
    """Moves a folder away while it paints; may travel to a worker."""

    folder: Path
    to: Path

    def __call__(self, request: PaintRequest, number: int) -> Result:
        self.folder.rename(self.to)
        return repaint(request, number)


def test_a_lost_device_stops_the_run(source: Path, tmp_path: Path) -> None:
    def lose(request: object, number: int) -> tuple[int, int, int]:
        raise EnvironmentProblem("the device has fallen off the bus")

    tools = FakeTools(lose)
    result = repair(source, tmp_path / "out", tools)

    assert result.code is ExitCode.ENVIRONMENT
    assert "fallen off the bus" in result.problem
    assert tools.inpainters[0].closed == 1
    assert outcomes(tmp_path / "out") == {}


class LosesDevice(FakeDetector):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def inspect(self, pixels: RgbArray) -> list[Finding]:
        raise self._error


@pytest.mark.parametrize(
    "error",
    [DeviceLost("segments: CUDA error"), torch.AcceleratorError("CUDA error\nAdvice")],
    ids=["told by a detector", "from anywhere"],
)
def test_a_lost_device_is_no_fault_of_every_picture_that_comes_after(
    error: Exception, source: Path, tmp_path: Path
) -> None:
    def build(settings: Settings, *, with_inpainter: bool) -> Toolbox:
        painter = FakeInpainter() if with_inpainter else None
        return Toolbox((LosesDevice(error),), painter)

    result = repair(source, tmp_path / "out", build)

    assert result.code is ExitCode.ENVIRONMENT
    assert "CUDA error); the same command goes on" in result.problem
    assert outcomes(tmp_path / "out") == {}


def test_a_full_disk_below_the_work_stops_the_run_and_is_nobodys_fault(
    source: Path, tmp_path: Path
) -> None:
    def fill_up(request: object, number: int) -> tuple[int, int, int]:
        raise OSError(errno.ENOSPC, "No space left on device", "/scratch/x")

    result = repair(source, tmp_path / "out", FakeTools(fill_up))

    assert result.code is ExitCode.STOPPED
    assert "No space left" in result.problem
    assert outcomes(tmp_path / "out") == {}


def test_a_ledger_that_fails_stops_the_run_and_publishes_nothing_more(
    source: Path, tmp_path: Path
) -> None:
    ledger = tmp_path / "out" / ".nightmend" / FILE_NAME

    class Saboteur(Silent):
        def finished(self, outcome: Outcome) -> None:
            with sqlite3.connect(ledger) as other:
                other.execute(
                    "CREATE TRIGGER full BEFORE UPDATE ON pictures "
                    "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
                )

    first = repair(source, tmp_path / "out", observer=Saboteur())
    published = set(tree(tmp_path / "out"))
    with sqlite3.connect(ledger) as other:
        other.execute("DROP TRIGGER full")
    second = repair(source, tmp_path / "out")
    repair(source, tmp_path / "whole")

    assert (first.code, first.worked) == (ExitCode.STOPPED, 1)
    assert "database or disk is full" in first.problem
    assert published == {"a.png"}
    assert second.code is ExitCode.OK
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def test_a_picture_that_fails_leaves_no_temporary_file(
    source: Path, tmp_path: Path
) -> None:
    def vanish(request: object, number: int) -> tuple[int, int, int]:
        (source / "a.png").unlink(missing_ok=True)
        return GREEN

    result = repair(source, tmp_path / "out", FakeTools(vanish))

    assert not list((tmp_path / "out").rglob("*.part"))
    assert "a.png" not in tree(tmp_path / "out")
    assert result.code is ExitCode.SOME_FAILED
