"""A run that was stopped and started again ends like one that was not."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import ExitCode
from pipeline.ledger.store import FILE_NAME, Ledger
from pipeline.records import Status
from pipeline.settings import MaskSettings, Settings
from tests.support.fakes import GREEN, ORANGE, RED
from tests.support.runs import (
    SETTINGS,
    FakeTools,
    Silent,
    fill,
    mixed,
    outcomes,
    picture,
    repair,
    tree,
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return mixed(tmp_path / "in")


@pytest.fixture
def output(source: Path, tmp_path: Path) -> Path:
    """The output of one finished run."""
    repair(source, tmp_path / "out")
    return tmp_path / "out"


def again(source: Path, output: Path, settings: Settings = SETTINGS) -> list[str]:
    """Run once more; return what was worked on."""
    observer = Silent()
    repair(source, output, observer=observer, settings=settings)
    return [outcome.key for outcome in observer.outcomes]


def test_a_finished_folder_builds_no_model_and_keeps_its_verdict(
    source: Path, output: Path
) -> None:
    before, tools, observer = tree(output), FakeTools(), Silent()

    result = repair(source, output, tools, observer=observer)

    assert tools.built == 0
    assert (observer.planned, observer.finished_before) == (4, 4)
    assert observer.outcomes == []
    assert tree(output) == before
    assert result.code is ExitCode.SOME_FAILED


def test_only_what_is_missing_is_done(source: Path, output: Path) -> None:
    before = tree(output)
    (output / "deep/er/repaired.png").unlink()
    fill(source, {"new.png": picture(9)})

    worked = again(source, output)

    assert sorted(worked) == ["deep/er/repaired.png", "new.png"]
    assert {k: v for k, v in tree(output).items() if k != "new.png"} == before


def test_an_output_that_was_altered_is_not_taken_for_ours(
    source: Path, output: Path
) -> None:
    (output / "clean.png").write_bytes(b"somebody's own work")

    worked = again(source, output)

    assert worked == ["clean.png"]
    assert (output / "clean.png").read_bytes() == b"somebody's own work"
    assert outcomes(output)["clean.png"].status is Status.FAILED


def test_a_touched_or_moved_input_is_not_done_again(
    source: Path, output: Path, tmp_path: Path
) -> None:
    os.utime(source / "kept.png", (5, 5))
    assert again(source, output) == []

    moved = source.rename(tmp_path / "elsewhere")
    shutil.copy(moved / "clean.png", moved / "clean.png.tmp")
    (moved / "clean.png.tmp").rename(moved / "clean.png")

    assert again(moved, output) == []


def test_a_touched_output_is_still_ours(source: Path, output: Path) -> None:
    os.utime(output / "clean.png", (5, 5))

    assert again(source, output) == []


def test_a_changed_input_is_done_again_and_its_old_output_replaced(
    source: Path, output: Path
) -> None:
    before = tree(output)
    fill(source, {"deep/er/repaired.png": picture(77)})

    worked = again(source, output)

    assert worked == ["deep/er/repaired.png"]
    assert outcomes(output)["deep/er/repaired.png"].status is Status.REPAIRED
    assert tree(output) != before


def test_settings_that_change_the_result_do_everything_again(
    source: Path, output: Path
) -> None:
    grown = SETTINGS.model_copy(update={"mask": MaskSettings(grow_px=20)})
    other_device = SETTINGS.inpaint.model_copy(update={"device": "cpu", "batch": 1})
    elsewhere = SETTINGS.model_copy(update={"inpaint": other_device})

    assert again(source, output, elsewhere) == []
    assert len(again(source, output, grown)) == 4
    assert again(source, output, grown) == []


def test_failed_pictures_are_tried_again_by_the_next_run(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", {"a.png": picture(1)})

    def explode(request: object, number: int) -> tuple[int, int, int]:
        raise RuntimeError("out of luck")

    first = repair(source, tmp_path / "out", FakeTools(explode))
    second = repair(source, tmp_path / "out")

    assert first.code is ExitCode.SOME_FAILED
    assert second.code is ExitCode.OK
    assert outcomes(tmp_path / "out")["a.png"].status is Status.REPAIRED


def test_a_limit_ends_the_run_and_the_next_one_goes_on(
    source: Path, tmp_path: Path
) -> None:
    first = repair(source, tmp_path / "out", max_pictures=1)
    second = repair(source, tmp_path / "out", max_pictures=1)
    third = repair(source, tmp_path / "out")
    repair(source, tmp_path / "whole")

    assert (first.code, first.worked) == (ExitCode.LIMIT, 1)
    assert (second.code, second.worked) == (ExitCode.LIMIT, 1)
    assert (third.code, third.worked) == (ExitCode.SOME_FAILED, 2)
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def test_what_a_killed_run_published_is_recorded_and_its_parts_are_deleted(
    source: Path, output: Path
) -> None:
    """The process died between giving the name and writing `done`."""
    expected, known = outcomes(output), "deep/er/repaired.png"
    ledger = Ledger(output / ".nightmend" / FILE_NAME)
    run_id = ledger.known()[known].run_id
    ledger.staged(run_id, replace(expected[known], staged=".nm-x.part"))
    ledger.close()
    stray = output / "deep/er/.nm-x.part"
    stray.write_bytes(b"half")

    worked = again(source, output)

    assert worked == []
    assert not stray.exists()


def test_what_a_killed_run_had_staged_only_is_done_again(
    source: Path, output: Path
) -> None:
    known, before = "deep/er/repaired.png", tree(output)
    outcome = outcomes(output)[known]
    ledger = Ledger(output / ".nightmend" / FILE_NAME)
    ledger.staged(ledger.known()[known].run_id, outcome)
    ledger.close()
    (output / known).unlink()
    fill(output, {"deep/er/.nm-x.part": b"half"})

    worked = again(source, output)

    assert worked == [known]
    assert tree(output) == before


def test_a_damaged_ledger_costs_work_and_no_picture(source: Path, output: Path) -> None:
    before = tree(output)
    (output / ".nightmend" / FILE_NAME).write_bytes(b"rubbish" * 999)
    fill(output, {".nm-y.part": b"half"})

    worked = again(source, output)

    assert len(worked) == 4
    assert tree(output) == before
    assert (output / ".nightmend" / "ledger.damaged-1").exists()
    assert {key: o.status for key, o in outcomes(output).items()} == {
        "clean.png": Status.CLEAN,
        "deep/er/repaired.png": Status.REPAIRED,
        "kept.png": Status.KEPT,
        "torn.png": Status.UNREADABLE,
    }


def test_a_run_killed_at_any_time_ends_like_one_that_was_not(tmp_path: Path) -> None:
    colours = (RED, GREEN, ORANGE)
    files = {f"{n}/{n}.png": picture(n, colours[n % 3]) for n in range(6)}
    source = fill(tmp_path / "in", files)
    repair(source, tmp_path / "undisturbed")
    command = [sys.executable, "-m", "tests.support.runs", source, tmp_path / "out"]
    rng, kills = random.Random(5), 0

    for _ in range(3):
        marker = tmp_path / "started"
        marker.unlink(missing_ok=True)
        options = ["--slow", "0.03", "--started", marker]
        process = subprocess.Popen([*map(str, (*command, *options))])
        while process.poll() is None and not marker.exists():
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.2))
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
    last = subprocess.run([*map(str, command)], check=False)

    assert kills >= 2
    assert last.returncode == ExitCode.FLAWS
    assert tree(tmp_path / "out") == tree(tmp_path / "undisturbed")
    assert not list((tmp_path / "out").rglob("*.part"))
    assert {key: (source / key).read_bytes() for key in files} == files
