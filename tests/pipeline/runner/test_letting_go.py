"""What a run lets go of leaves nothing behind, now or after the next run."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import OutputTrouble
from pipeline.ledger.rows import Claim, Stamp
from pipeline.ledger.store import FILE_NAME, Ledger
from pipeline.records import RunInfo, Workplace
from pipeline.runner.contract import Task
from pipeline.runner.resume import recover
from pipeline.runner.sweeping import let_go, sweep
from tests.support.rights import reachable_folder, without_rights
from tests.support.runs import SETTINGS

INFO = RunInfo("r1", "repair", (), (), "", "2026", "", "", "", "{}", "1", 1)


@pytest.fixture
def output() -> Iterator[Path]:
    """An output folder in which a picture's temporary file lies."""
    with reachable_folder() as place:
        (place / "out" / "deep").mkdir(parents=True)
        (place / "out" / "deep" / ".nm-1.part").write_bytes(b"half")
        yield place / "out"


@pytest.fixture
def task(output: Path) -> Task:
    return Task("repair", SETTINGS, Workplace(output, output.parent / "state", "r1"))


@pytest.fixture
def ledger(task: Task) -> Iterator[Ledger]:
    """A ledger in which a picture is claimed."""
    with contextlib.closing(Ledger(task.workplace.state / FILE_NAME)) as opened:
        opened.start_run(INFO)
        opened.queue("r1", [(Path("/in"), "deep/a.png")])
        claim = Claim("deep/a.png", Path("/in"), Stamp(1, 1), "", "serial")
        opened.claim("r1", claim)
        yield opened


def test_a_picture_is_put_back_and_swept_up_after(
    ledger: Ledger, task: Task, output: Path
) -> None:
    let_go(ledger, task, "deep/a.png")

    assert ledger.unfinished() == []
    assert not list(output.rglob("*.part"))


def test_a_check_sweeps_nothing(ledger: Ledger, task: Task, output: Path) -> None:
    let_go(ledger, replace(task, command="check"), "deep/a.png")

    assert ledger.unfinished() == []
    assert list(output.rglob("*.part"))


@pytest.mark.parametrize("mode", [0o555, 0o000], ids=["read-only", "closed"])
def test_what_cannot_be_swept_is_swept_by_the_next_run(
    ledger: Ledger, task: Task, output: Path, mode: int
) -> None:
    (output / "deep").chmod(mode)
    with without_rights():
        let_go(ledger, task, "deep/a.png")
    (output / "deep").chmod(0o755)
    left = ledger.unfinished()

    recover(ledger, task.workplace, 0.5)

    assert left == ["deep/a.png"]
    assert not list(output.rglob("*.part"))
    assert ledger.unfinished() == []


def test_that_a_folder_keeps_its_temporary_files_is_one_sentence(output: Path) -> None:
    (output / "deep").chmod(0o555)

    with (
        without_rights(),
        pytest.raises(OutputTrouble, match="keeps its temporary files"),
    ):
        sweep(output / "deep")

    (output / "deep").chmod(0o755)


def test_a_folder_that_is_not_there_has_nothing_to_sweep(output: Path) -> None:
    sweep(output / "nowhere")
    sweep(output / "deep" / ".nm-1.part" / "below")

    assert (output / "deep" / ".nm-1.part").exists()
