"""Whatever ends a night, its report holds all that was finished by then."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from pipeline.cli.main import main
from pipeline.errors import (
    EnvironmentProblem,
    ExitCode,
    NightmendError,
    OutputTrouble,
    UsageError,
)
from pipeline.ledger import queries
from pipeline.records import PaintRequest
from pipeline.runner import batch
from pipeline.runner.contract import BuildTools
from tests.support.fakes import Result
from tests.support.poison import PoisonTools, poisoned
from tests.support.runs import FakeTools, fill, outcomes, picture, repaint, tree

NAMES = tuple(f"pic{number}.png" for number in range(4))
FIRST_TWO = {"pic0.png", "pic1.png"}
LONG_S = 6.0
"""What the second picture takes where the night is to end over it."""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return fill(
        tmp_path / "in", {name: picture(number) for number, name in enumerate(NAMES)}
    )


@pytest.fixture
def command(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., int]:
    """Call `nightmend repair` with fakes for tools."""
    real = batch.run

    def call(tools: BuildTools, *more: str) -> int:
        monkeypatch.setattr(batch, "run", partial(real, build_tools=tools))
        words = ["repair", str(source), "--out", str(tmp_path / "out")]
        words += ["--variations", "1", "--passes", "1", "--min-free", "1MB"]
        # What is named is imported ahead by workers, whoever paints.
        words += ["--detect", "quality", "--engine", "classical"]
        return main([*words, *more])

    return call


def on_the_second(act: Callable[[], object]) -> FakeTools:
    """Return tools that do something while they paint the second picture."""
    seen: list[int] = []

    def paint(request: PaintRequest, number: int) -> Result:
        seen.append(number)
        if len(seen) == 2:
            act()
        return repaint(request, number)

    return FakeTools(paint)


def listed(folder: Path) -> set[str]:
    """Return the pictures that the page shows."""
    page = (folder / "out/.nightmend/report.html").read_text("utf-8")
    return set(re.findall(r"\bpic\d\.png", page))


def failing(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def soon() -> str:
    moment = datetime.now().astimezone() + timedelta(seconds=LONG_S)
    return moment.isoformat(timespec="seconds")


ENDS: dict[str, tuple[Callable[[], object], tuple[str, ...], ExitCode, str]] = {
    "all is done": (int, (), ExitCode.OK, "done"),
    "pictures": (int, ("--max-pictures", "2"), ExitCode.LIMIT, "limit: --max-pic"),
    "budget": (
        lambda: time.sleep(LONG_S),
        ("--budget", f"{LONG_S:g}s"),
        ExitCode.LIMIT,
        "limit: the ",
    ),
    "clock": (lambda: time.sleep(LONG_S), ("--stop-at",), ExitCode.LIMIT, "limit: "),
    "term": (
        lambda: os.kill(os.getpid(), signal.SIGTERM),
        (),
        ExitCode.SIGTERM,
        "signal",
    ),
    "output": (failing(OutputTrouble("no room")), (), ExitCode.STOPPED, "trouble: no"),
    "device": (
        failing(EnvironmentProblem("the device is gone")),
        (),
        ExitCode.ENVIRONMENT,
        "trouble: the device",
    ),
}
FINISHED = {"all is done": set(NAMES), "output": {"pic0.png"}, "device": {"pic0.png"}}


@pytest.mark.parametrize("end", ENDS)
def test_the_report_is_complete_and_the_ledger_says_why_the_run_ended(
    end: str, command: Callable[..., int], tmp_path: Path
) -> None:
    act, options, code, reason = ENDS[end]
    more = (*options, soon()) if end == "clock" else options

    answer = command(on_the_second(act), *more)

    assert answer == code
    assert listed(tmp_path) == FINISHED.get(end, FIRST_TWO)
    assert set(outcomes(tmp_path / "out")) == listed(tmp_path)
    (run,) = queries.runs(tmp_path / "out/.nightmend")
    assert run.ended_by.startswith(reason)
    assert run.finished


@dataclass(frozen=True)
class StartsOnce:
    """Lets the first worker start, and none after it; may travel to a worker."""

    mark: Path
    error: type[Exception]

    def __call__(self) -> None:
        if self.mark.exists():
            raise self.error("nothing works any more")
        self.mark.touch()


@pytest.mark.parametrize(
    ("error", "code"), [(RuntimeError, ExitCode.BUG), (UsageError, ExitCode.USAGE)]
)
def test_a_night_that_ends_because_no_worker_starts_any_more_has_its_report_too(
    error: type[Exception],
    code: ExitCode,
    command: Callable[..., int],
    source: Path,
    tmp_path: Path,
) -> None:
    fill(source, {"pic2.png": poisoned(2, "leave")})
    tools = PoisonTools(start=StartsOnce(tmp_path / "once", error))

    answer = command(tools, "--workers", "1")

    assert answer == code
    assert listed(tmp_path) == FIRST_TWO
    (run,) = queries.runs(tmp_path / "out/.nightmend")
    assert "nothing works any more" in run.ended_by


def test_a_night_that_could_not_begin_leaves_the_last_report_as_it_is(
    command: Callable[..., int], tmp_path: Path
) -> None:
    command(FakeTools())
    page = tmp_path / "out/.nightmend/report.html"
    before = page.stat().st_mtime_ns
    fill(tmp_path / "in", {"pic9.png": picture(9)})

    answer = command(PoisonTools(start=failing(RuntimeError("no tools"))))

    assert answer == ExitCode.BUG
    assert page.stat().st_mtime_ns == before


def test_a_signal_while_the_models_load_is_not_waited_over(
    command: Callable[..., int], tmp_path: Path
) -> None:
    def load() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(600)  # the time limit of the test is half of that

    answer = command(PoisonTools(start=load))

    assert answer == ExitCode.SIGTERM
    assert tree(tmp_path / "out") == {}
    assert command(FakeTools()) == ExitCode.OK


def test_a_night_for_which_the_disk_has_no_room_does_not_begin(
    command: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tools = FakeTools()

    answer = command(tools, "--min-free", "900000TB")

    assert (answer, tools.built) == (ExitCode.STOPPED, 0)
    assert "make room" in capsys.readouterr().err


def test_what_vanishes_with_its_ledger_ends_with_the_code_of_that(
    command: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, away = tmp_path / "out", tmp_path / "away"

    answer = command(on_the_second(lambda: out.rename(away)))

    assert answer == ExitCode.STOPPED
    assert "bring it back" in capsys.readouterr().err
    away.rename(out)
    assert command(FakeTools()) == ExitCode.OK
    assert listed(tmp_path) == set(NAMES)


def test_after_a_power_cut_the_report_of_what_was_done_can_be_drawn(
    source: Path, tmp_path: Path
) -> None:
    words = ["-m", "tests.support.runs", source, tmp_path / "out", "--slow", "0.3"]
    process = subprocess.Popen([sys.executable, *map(str, words)])
    while process.poll() is None and done(tmp_path) < 2:
        time.sleep(0.02)
    process.kill()
    process.wait()

    code = main(["report", str(tmp_path / "out")])

    assert code == ExitCode.OK
    assert listed(tmp_path) == set(outcomes(tmp_path / "out"))
    assert FIRST_TWO <= listed(tmp_path) < set(NAMES)


def done(folder: Path) -> int:
    """Return how many pictures a run has finished so far."""
    state = folder / "out/.nightmend"
    with contextlib.suppress(NightmendError):
        return queries.states(state).get("done", 0)
    return 0
