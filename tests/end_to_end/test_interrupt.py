"""Signals end a run gracefully, and it goes on from there."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.ledger import queries
from tests.support.runs import fill, outcomes, picture, repair, tree

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return fill(tmp_path / "in", {f"{n}.png": picture(n) for n in range(4)})


@pytest.fixture
def start(source: Path, tmp_path: Path) -> Start:
    """Start a run, and wait until it paints."""

    def begin(*options: str) -> "subprocess.Popen[bytes]":
        marker = tmp_path / "started"
        marker.unlink(missing_ok=True)
        words = ["-m", "tests.support.runs", source, tmp_path / "out"]
        words += ["--started", marker, *options]
        process = subprocess.Popen([sys.executable, *map(str, words)])
        while process.poll() is None and not marker.exists():
            time.sleep(0.005)
        return process

    return begin


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)],
)
def test_the_first_signal_lets_the_running_picture_finish(
    start: Start, source: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    process = start("--slow", "0.1")
    process.send_signal(number)

    assert process.wait(20) == code

    state = tmp_path / "out" / ".nightmend"
    assert len(outcomes(tmp_path / "out")) == 1
    assert queries.runs(state)[-1].ended_by == "signal"
    repair(source, tmp_path / "out")
    repair(source, tmp_path / "whole")
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def test_when_the_grace_is_over_the_running_picture_is_left_for_later(
    start: Start, tmp_path: Path
) -> None:
    process = start("--slow", "30", "--grace", "0.2")
    process.send_signal(signal.SIGINT)

    assert process.wait(20) == 130

    state = tmp_path / "out" / ".nightmend"
    assert outcomes(tmp_path / "out") == {}
    assert queries.runs(state)[-1].ended_by == "signal"
    assert queries.states(state) == {"queued": 4}
    assert not list((tmp_path / "out").rglob("*.part"))


def test_the_second_signal_ends_at_once(
    start: Start, source: Path, tmp_path: Path
) -> None:
    process = start("--slow", "30")
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)

    assert process.wait(5) == -signal.SIGINT  # a shell says 130

    repair(source, tmp_path / "out")
    assert len(tree(tmp_path / "out")) == 4


def test_a_closed_terminal_ends_a_run_like_a_signal_and_it_goes_on(
    tmp_path: Path,
) -> None:
    """Once the terminal is gone every write to it fails, and nobody reads the end."""
    count = 40
    source = fill(tmp_path / "in", {f"{n}.png": picture(n) for n in range(count)})
    words = [sys.executable, "-m", "pipeline", "check", str(source), "-v"]
    words += ["--state", str(tmp_path / "state"), "--detect", "quality"]
    master, slave = pty.openpty()
    process = subprocess.Popen(
        words, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    seen = b""
    while b"0.png" not in seen:
        seen += os.read(master, 1000)
    os.close(master)
    process.send_signal(signal.SIGHUP)

    assert process.wait(60) == 143

    ledger = tmp_path / "state"
    assert queries.runs(ledger)[-1].ended_by == "signal"
    again = subprocess.run(words, check=False, capture_output=True)
    assert again.returncode == 0
    assert queries.states(ledger) == {"done": count}
