"""Whoever works on the pictures, the same comes of them, and nothing is lost."""

import dataclasses
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import ExitCode
from pipeline.files import digest_file
from pipeline.ledger import queries
from pipeline.ledger.store import FILE_NAME, Ledger
from pipeline.records import Outcome, Status
from pipeline.runner.contract import RunResult
from pipeline.settings import Settings
from pipeline.wire import to_plain
from tests.support.poison import PoisonTools, alive, poisoned, workers
from tests.support.runs import (
    SETTINGS,
    FakeTools,
    fill,
    mixed,
    outcomes,
    picture,
    repair,
    tree,
)
from tests.torture.poisoned import poison

PICTURES = 100
"""How many pictures the poison is spread over; `make torture` takes a thousand."""

TIMES = ("took_s", "stage_seconds")


def run(source: Path, output: Path, settings: Settings, **tools: object) -> RunResult:
    """Run one repair with tools that may travel."""
    made = PoisonTools(**tools)  # type: ignore[arg-type]
    return repair(source, output, made, settings=settings)


def without_times(plain: object) -> object:
    """Return plain values less what no two runs share."""
    if isinstance(plain, dict):
        kept = {name: value for name, value in plain.items() if name not in TIMES}
        return {name: without_times(value) for name, value in kept.items()}
    if isinstance(plain, list):
        return [without_times(value) for value in plain]
    return plain


def told(output: Path) -> str:
    """Return all outcomes as text, byte for byte but for the times."""
    plain = {key: without_times(to_plain(o)) for key, o in outcomes(output).items()}
    for entry in plain.values():
        assert isinstance(entry, dict)
        entry["staged"] = ""
    return json.dumps(plain, sort_keys=True)


def album(output: Path) -> dict[str, str]:
    """Return the digest of every picture that the report shows."""
    folder = output / ".nightmend" / "pictures"
    kept = {
        str(path.relative_to(folder)): digest_file(path)
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert kept
    return kept


@pytest.mark.parametrize(
    "executor", ["processes", pytest.param("ray", marks=pytest.mark.ray)]
)
def test_the_same_comes_of_every_picture_to_the_byte_though_a_worker_is_killed(
    tmp_path: Path, executor: str
) -> None:
    source = mixed(tmp_path / "in")
    fill(source, {f"more/{n}.png": picture(n) for n in range(5, 8)})
    fill(source, {"deadly once.png": poisoned(9, "memory")})
    (tmp_path / "once").mkdir()
    (tmp_path / "marks").mkdir()
    tools = {"once": tmp_path / "once", "started": tmp_path / "marks" / "by"}

    other = run(source, tmp_path / "other", workers(executor=executor), **tools)
    looked = len(seen(tmp_path))
    serial = run(source, tmp_path / "serial", SETTINGS, once=tmp_path / "once")

    assert looked in (2, 3), "one worker died, and one or two lived"
    assert other.code is serial.code
    assert tree(tmp_path / "other") == tree(tmp_path / "serial")
    assert told(tmp_path / "other") == told(tmp_path / "serial")
    assert album(tmp_path / "other") == album(tmp_path / "serial")


def test_a_folder_begun_by_one_executor_is_finished_for_another(tmp_path: Path) -> None:
    source = mixed(tmp_path / "in")
    repair(source, tmp_path / "out", FakeTools())
    tools = FakeTools()

    result = repair(source, tmp_path / "out", tools, settings=workers())

    assert (result.worked, tools.built) == (0, 0)


def test_poisoned_pictures_are_quarantined_and_all_others_done(tmp_path: Path) -> None:
    row = poison(PICTURES, tmp_path)

    assert row.tried == PICTURES
    assert row.kept, row.broken


def test_what_was_quarantined_is_left_alone_until_it_changes(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", {"a.png": poisoned(1, "leave")})
    run(source, tmp_path / "out", workers(count=1, attempts=1))

    again = run(source, tmp_path / "out", workers(count=1, attempts=1))
    fill(source, {"a.png": picture(1)})
    changed = run(source, tmp_path / "out", workers(count=1, attempts=1))

    assert (again.worked, again.code) == (0, ExitCode.SOME_FAILED)
    assert (changed.worked, changed.code) == (1, ExitCode.OK)


def test_a_picture_that_only_once_cost_a_worker_its_life_is_repaired(
    tmp_path: Path,
) -> None:
    source = fill(tmp_path / "in", {"a.png": poisoned(1, "segfault")})
    once = tmp_path / "once"
    once.mkdir()

    result = run(source, tmp_path / "out", workers(count=1), once=once)

    assert result.code is ExitCode.OK
    assert outcomes(tmp_path / "out")["a.png"].status is Status.REPAIRED
    assert known(tmp_path / "out")["a.png"] == (0, 0)


def known(output: Path) -> dict[str, tuple[int, int]]:
    """Return (losses, orphaned) of every picture."""
    ledger = Ledger(output / ".nightmend" / FILE_NAME)
    try:
        rows = ledger.known().items()
        return {key: (row.losses, row.orphaned) for key, row in rows}
    finally:
        ledger.close()


Start = Callable[..., "subprocess.Popen[bytes]"]

PROGRAM = """
import sys
from pathlib import Path
from tests.end_to_end.test_executors import run
from tests.support.poison import workers
source, output, mark, slow, executor = sys.argv[1:]
settings = workers(executor=executor)
tools = {"slow_s": float(slow), "started": Path(mark)}
sys.exit(int(run(Path(source), Path(output), settings, **tools).code))
"""


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Start a run as a process, and wait until somebody looks at a picture."""

    def begin(
        source: Path, slow_s: float, executor: str = "processes"
    ) -> "subprocess.Popen[bytes]":
        mark = tmp_path / "marks" / "by"
        mark.parent.mkdir(exist_ok=True)
        words = [source, tmp_path / "out", mark, slow_s, executor]
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *map(str, words)],
            cwd=Path(__file__).parents[2],
        )
        until = time.monotonic() + 60
        while process.poll() is None and len(seen(tmp_path)) < 1:
            assert time.monotonic() < until
            time.sleep(0.01)
        return process

    return begin


def seen(folder: Path) -> list[int]:
    """Return the ids of all processes that looked at a picture."""
    return [int(path.suffix[1:]) for path in (folder / "marks").glob("by.*")]


def assert_all_gone(folder: Path) -> None:
    """Nobody who looked at a picture lives on; they get a moment to go."""
    until = time.monotonic() + 10
    while any(alive(pid) for pid in seen(folder)):
        assert time.monotonic() < until, "a worker outlived its supervisor"
        time.sleep(0.05)
    assert seen(folder)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return fill(tmp_path / "in", {f"{n}.png": picture(n) for n in range(6)})


def test_the_first_signal_lets_every_worker_finish_its_picture(
    start: Start, source: Path, tmp_path: Path
) -> None:
    process = start(source, 0.1)
    process.send_signal(signal.SIGTERM)

    assert process.wait(60) == 143

    finished = len(outcomes(tmp_path / "out"))
    assert 1 <= finished < 6
    assert queries.states(tmp_path / "out" / ".nightmend")["queued"] == 6 - finished
    assert_all_gone(tmp_path)
    repair(source, tmp_path / "out")
    repair(source, tmp_path / "whole")
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_worker_outlives_a_run_that_is_ended_at_once(
    start: Start, source: Path, tmp_path: Path, number: signal.Signals
) -> None:
    process = start(source, 60.0)
    process.send_signal(number)
    if number is not signal.SIGKILL:
        time.sleep(0.3)
        process.send_signal(number)

    assert process.wait(30) == -number

    assert_all_gone(tmp_path)
    repair(source, tmp_path / "out")
    assert len(outcomes(tmp_path / "out")) == 6


def test_a_run_that_died_twice_over_a_picture_takes_it_to_a_process_of_its_own(
    tmp_path: Path,
) -> None:
    source = fill(
        tmp_path / "in", {"a.png": poisoned(1, "segfault"), "b.png": picture(2)}
    )
    words = [sys.executable, "-c", PROGRAM, str(source), str(tmp_path / "out")]
    words += [str(tmp_path / "by"), "0", "serial"]

    codes = [
        subprocess.run(words, check=False, capture_output=True).returncode
        for _ in range(3)
    ]

    assert codes == [-signal.SIGSEGV, -signal.SIGSEGV, ExitCode.SOME_FAILED]
    ended = outcomes(tmp_path / "out")
    assert ended["a.png"].status is Status.QUARANTINED
    assert ended["b.png"].status is Status.REPAIRED


def test_runs_that_were_only_killed_quarantine_nothing(
    start: Start, source: Path, tmp_path: Path
) -> None:
    for _ in range(3):
        process = start(source, 60.0, "serial")
        process.kill()
        process.wait()
        for mark in (tmp_path / "marks").iterdir():
            mark.unlink()
    before = known_orphans(tmp_path / "out")

    result = run(source, tmp_path / "out", SETTINGS)

    assert before["0.png"] >= 2
    assert result.code is ExitCode.OK
    assert {o.status for o in outcomes(tmp_path / "out").values()} == {Status.REPAIRED}
    repair(source, tmp_path / "whole")
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def known_orphans(output: Path) -> dict[str, int]:
    return {key: orphaned for key, (_, orphaned) in known(output).items()}


def test_outcomes_hold_no_field_that_only_one_executor_fills() -> None:
    """What travels is the whole record; a new field cannot be forgotten."""
    names = {field.name for field in dataclasses.fields(Outcome)}

    assert set(to_plain(Outcome("a", "", Status.CLEAN))) == names
