"""A folder is watched while pictures arrive, until somebody ends it."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.cli.main import main
from pipeline.errors import ExitCode
from pipeline.ledger import queries
from pipeline.records import Status
from pipeline.runner.kept_tools import KeptTools
from pipeline.runner.watching import Stopper, Watcher, Watching
from tests.support.pictures import draw_scene, encoded
from tests.support.runs import (
    FakeTools,
    Silent,
    fill,
    order,
    outcomes,
    picture,
    repair,
    tree,
)

SETTLE_S = 0.25
PATIENCE_S = 30.0


def until(holds: Callable[[], bool]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end_s, "it did not come to pass"
        time.sleep(0.02)


class Watched:
    """A watcher in a thread of its own; it never sees a signal."""

    def __init__(self, tmp_path: Path, *, poll: bool) -> None:
        self.source, self.output = tmp_path / "in", tmp_path / "out"
        self.source.mkdir()
        self.tools = FakeTools()
        self.kept = KeptTools(self.tools)
        self.observer = Silent()
        self.reports = 0
        self.stopper = Stopper()
        self.code: ExitCode | None = None
        asked = Watching(
            replace(order(self.source, self.output)), SETTLE_S, None, poll, 0.1
        )
        self._watcher = Watcher(
            asked, self.observer, self.kept, self._draw, self.stopper
        )
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _draw(self) -> None:
        self.reports += 1

    def _watch(self) -> None:
        self.code = self._watcher.watch()

    def seen(self) -> list[str]:
        return [outcome.key for outcome in self.observer.outcomes]

    def arrive(self, name: str, number: int) -> None:
        fill(self.source, {name: picture(number)})
        until(lambda: name in self.seen())

    @contextmanager
    def running(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self.stopper.stop(ExitCode.SIGINT)
            self._thread.join(PATIENCE_S)
            self.kept.close()
        assert not self._thread.is_alive()


@pytest.fixture(params=[False, True], ids=["told", "polled"])
def watched(request: pytest.FixtureRequest, tmp_path: Path) -> Watched:
    return Watched(tmp_path, poll=request.param)


def test_pictures_are_repaired_as_they_arrive_by_models_that_stay_loaded(
    watched: Watched, tmp_path: Path
) -> None:
    with watched.running():
        watched.arrive("a.png", 1)
        watched.arrive("deep/b.png", 2)
        until(lambda: watched.reports > 0)

    assert watched.code is ExitCode.SIGINT
    assert watched.tools.built == 1
    assert watched.tools.inpainters[0].closed == 1
    assert len(queries.runs(watched.output / ".nightmend")) == 1
    repair(watched.source, tmp_path / "whole")
    assert tree(watched.output) == tree(tmp_path / "whole")


def test_a_picture_is_left_alone_while_it_is_written(watched: Watched) -> None:
    data = picture(1)
    with watched.running():
        with (watched.source / "a.png").open("wb") as growing:
            for start in range(0, len(data), len(data) // 8 + 1):
                growing.write(data[start : start + len(data) // 8 + 1])
                growing.flush()
                time.sleep(SETTLE_S / 3)
                assert watched.seen() == []
        until(lambda: watched.seen() == ["a.png"])

    assert watched.observer.outcomes[0].status is Status.REPAIRED


def test_a_picture_that_is_written_anew_is_repaired_anew(watched: Watched) -> None:
    with watched.running():
        watched.arrive("a.png", 1)
        fill(watched.source, {"a.png": picture(2)})
        until(lambda: watched.seen() == ["a.png", "a.png"])

    assert [o.status for o in watched.observer.outcomes] == [Status.REPAIRED] * 2


def test_it_outlives_the_folder_and_goes_on_when_that_is_back(
    watched: Watched,
) -> None:
    with watched.running():
        watched.arrive("a.png", 1)
        shutil.rmtree(watched.source)
        time.sleep(2 * SETTLE_S)
        watched.source.mkdir()
        watched.arrive("b.png", 2)

    assert sorted(outcomes(watched.output)) == ["a.png", "b.png"]


def test_what_was_done_before_is_not_done_again(tmp_path: Path) -> None:
    watched = Watched(tmp_path, poll=False)
    fill(watched.source, {"a.png": picture(1)})
    repair(watched.source, watched.output)

    with watched.running():
        watched.arrive("b.png", 2)

    assert watched.seen() == ["b.png"]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_a_signal_ends_the_command_gracefully(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    source = fill(tmp_path / "in", {"a.png": encoded(draw_scene(64, 64), "PNG")})
    words = ["watch", str(source), "--out", str(tmp_path / "out"), "--settle", "1s"]
    words += ["--engine", "classical", "--detect", "quality", "--min-free", "1MB"]
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", *words],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[2],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None

    assert process.stdout.readline().startswith(b"watching ")
    assert process.stdout.readline().startswith(b"a.png: clean")
    process.send_signal(number)

    assert process.wait(PATIENCE_S) == code
    process.stdout.close()
    page = tmp_path / "out/.nightmend/report.html"
    assert page.is_file()
    assert queries.runs(page.parent)[-1].finished


def test_it_ends_by_itself_when_nothing_comes_any_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = fill(tmp_path / "in", {"a.png": encoded(draw_scene(64, 64), "PNG")})
    words = ["watch", str(source), "--out", str(tmp_path / "out"), "--settle", "1s"]
    words += ["--engine", "classical", "--detect", "quality", "--until-idle", "1s"]

    code = main([*words, "--set", "run.min_free_mib=0"])

    assert code == ExitCode.OK
    assert "a.png: clean" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "budget", "code"),
    [(True, "8s", ExitCode.OK), (False, "1s", ExitCode.LIMIT)],
)
def test_it_ends_by_its_budget_and_says_so_only_when_something_was_waiting(
    old: bool, budget: str, code: ExitCode, tmp_path: Path
) -> None:
    source = fill(tmp_path / "in", {"a.png": encoded(draw_scene(64, 64), "PNG")})
    if old:
        os.utime(source / "a.png", (1, 1))
    words = ["watch", str(source), "--out", str(tmp_path / "out"), "--settle", "1h"]
    words += ["--engine", "classical", "--detect", "quality", "--min-free", "1MB"]

    assert main([*words, "--budget", budget]) == code
    assert (tmp_path / "out/a.png").exists() == old


def test_a_folder_that_was_never_there_is_a_mistake(tmp_path: Path) -> None:
    words = ["watch", str(tmp_path / "none"), "--out", str(tmp_path / "out")]

    assert main([*words, "--engine", "classical"]) == ExitCode.USAGE
