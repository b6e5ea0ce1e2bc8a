"""Several runs on one output folder: one works, the others say who holds it."""

import os
import subprocess
import sys
import time
from pathlib import Path

from pipeline.errors import ExitCode
from tests.support.runs import fill, outcomes, picture, repair, tree


def test_of_simultaneous_starts_exactly_one_runs(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", {f"{n}.png": picture(n) for n in range(3)})
    words = [sys.executable, "-m", "tests.support.runs", source, tmp_path / "out"]
    words += ["--slow", "0.5"]

    running = [
        subprocess.Popen([*map(str, words)], stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    told = {process.pid: process.communicate(timeout=120)[1] for process in running}

    codes = sorted(process.returncode for process in running)
    assert codes == [ExitCode.OK, *[ExitCode.LOCKED] * 2]
    winner = next(p.pid for p in running if p.returncode == ExitCode.OK)
    losers = [text for pid, text in told.items() if pid != winner]
    assert all(f"process {winner} on {os.uname().nodename}" in text for text in losers)
    repair(source, tmp_path / "whole")
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def test_the_lock_dies_with_its_process(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", {"a.png": picture(1)})
    marker = tmp_path / "started"
    words = [sys.executable, "-m", "tests.support.runs", source, tmp_path / "out"]
    process = subprocess.Popen(
        [*map(str, words), "--slow", "60", "--started", str(marker)]
    )
    while not marker.exists():
        time.sleep(0.01)
    process.kill()
    process.wait()

    result = repair(source, tmp_path / "out")

    assert result.code is ExitCode.OK
    assert len(outcomes(tmp_path / "out")) == 1
