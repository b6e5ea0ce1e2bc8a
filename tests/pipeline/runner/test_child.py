"""A worker process builds its tools, does its jobs, and ends with its supervisor."""

import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe
from pathlib import Path

import pytest

from detectors.geometry import Size
from pipeline.errors import ExitCode, OutputTrouble
from pipeline.logs import PACKAGES
from pipeline.records import Status, Workplace
from pipeline.runner import child, station
from pipeline.runner.child import Start, serve
from pipeline.runner.contract import BuildTools, Job, Task
from pipeline.runner.messages import (
    Began,
    Finished,
    Message,
    Ready,
    Refused,
    Said,
    from_line,
    to_line,
)
from pipeline.settings import Settings
from pipeline.toolbox import Toolbox
from tests.support.fakes import RED, draw
from tests.support.pictures import encoded
from tests.support.poison import PoisonTools, poisoned
from tests.support.runs import HAND, SETTINGS, fill, picture


@pytest.fixture(autouse=True)
def own_logs() -> Iterator[None]:
    """Leave the loggers as they were."""
    before = {name: logging.getLogger(name).handlers[:] for name in PACKAGES}
    levels = {name: logging.getLogger(name).level for name in PACKAGES}
    yield
    for name in PACKAGES:
        logging.getLogger(name).handlers[:] = before[name]
        logging.getLogger(name).setLevel(levels[name])


@dataclass
class Served:
    """A worker that runs in a thread of this process."""

    folder: Path
    tools: BuildTools = field(default_factory=PoisonTools)
    code: int | None = None
    abandoned: int = 0

    def start(self) -> Connection:
        near, far = Pipe()
        place = Workplace(self.folder / "out", self.folder / "state", "run-1")
        for made in (place.output, place.state):
            made.mkdir()
        task = Task("repair", SETTINGS, place)

        def work() -> None:
            with far:
                self.code = serve(far, self._note)

        self._thread = threading.Thread(target=work)
        self._thread.start()
        near.send_bytes(pickle.dumps(Start(task, self.tools, {"pipeline": 10})))
        return near

    def wait(self) -> int | None:
        self._thread.join(20)
        return self.code

    def _note(self) -> None:
        self.abandoned += 1


def heard(pipe: Connection, kind: type[Message]) -> list[Message]:
    """Return everything up to the first message of a kind, the latter last."""
    messages: list[Message] = []
    while not messages or not isinstance(messages[-1], kind):
        messages.append(from_line(pipe.recv_bytes()))
    return messages


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(fill(tmp_path / "in", {"a.png": picture(1, RED)}), "a.png")


def test_it_tells_of_every_stage_and_of_the_result(tmp_path: Path, job: Job) -> None:
    served = Served(tmp_path)
    with served.start() as pipe:
        heard(pipe, Ready)
        pipe.send_bytes(pickle.dumps(job))
        told = heard(pipe, Finished)
        pipe.send_bytes(b"")
        code = served.wait()

    stages = [message.stage for message in told if isinstance(message, Began)]
    finished = told[-1]
    assert isinstance(finished, Finished)
    assert finished.result.outcome.status is Status.REPAIRED
    assert finished.resident_mib > 1
    assert list(dict.fromkeys(stages))[:4] == ["load", "detect", "mask", "score"]
    assert {"paint", "save"} < set(stages)
    assert (code, served.abandoned) == (0, 0)


def test_it_tells_what_it_has_imported_so_that_others_can_do_so_ahead(
    tmp_path: Path,
) -> None:
    served = Served(tmp_path)
    with served.start() as pipe:
        (ready,) = heard(pipe, Ready)
        pipe.send_bytes(b"")
        served.wait()

    assert isinstance(ready, Ready)
    assert "pipeline.runner.worker" in ready.modules
    assert {name.split(".")[0] for name in ready.modules} == {"pipeline", "detectors"}


def test_what_can_be_imported_ahead_is_and_what_cannot_is_no_trouble_yet() -> None:
    program = (
        "import sys; from pipeline.runner.child import import_ahead; "
        "import_ahead(['pipeline.nothing', 'detectors.quality']); "
        "sys.exit('detectors.quality' not in sys.modules)"
    )

    code = subprocess.run([sys.executable, "-c", program], check=False).returncode

    assert code == 0


def test_no_pixels_cross_however_large_a_picture_is(tmp_path: Path) -> None:
    size = Size(1500, 1000)
    large = encoded(draw(size, {HAND: RED}), "PNG")
    job = Job(fill(tmp_path / "in", {"a.png": large}), "a.png")
    served = Served(tmp_path)
    with served.start() as pipe:
        heard(pipe, Ready)
        pipe.send_bytes(sent := pickle.dumps(job))
        told = heard(pipe, Finished)
        pipe.send_bytes(b"")
        served.wait()

    crossed = len(sent) + sum(len(to_line(message)) for message in told)
    assert isinstance(told[-1], Finished)
    assert told[-1].result.outcome.status is Status.REPAIRED
    assert crossed < 3 * size.width * size.height / 100


def test_tools_that_cannot_be_built_are_refused_with_the_reason(
    tmp_path: Path,
) -> None:
    served = Served(tmp_path, _NoTools())
    with served.start() as pipe:
        (refused,) = heard(pipe, Refused)
        code = served.wait()

    assert isinstance(refused, Refused)
    assert refused.code == ExitCode.BUG
    assert refused.sentence.startswith("ZeroDivisionError: division by zero\n")
    assert "Traceback" in refused.sentence
    assert code == 1


class _NoTools:
    def __call__(self, settings: Settings, *, with_inpainter: bool) -> Toolbox:
        raise ZeroDivisionError("division by zero")


def test_what_ends_the_run_is_told_as_such(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", {"a.png": poisoned(1, "device")})
    served = Served(tmp_path)
    with served.start() as pipe:
        heard(pipe, Ready)
        pipe.send_bytes(pickle.dumps(Job(source, "a.png")))
        refused = heard(pipe, Refused)[-1]
        code = served.wait()

    assert isinstance(refused, Refused)
    assert refused == Refused(5, refused.sentence)
    assert "illegal memory access" in refused.sentence
    assert code == 1


def test_its_log_goes_to_the_supervisor_with_the_traceback(tmp_path: Path) -> None:
    source = fill(tmp_path / "in", {"a.png": poisoned(1, "raise")})
    served = Served(tmp_path)
    with served.start() as pipe:
        heard(pipe, Ready)
        pipe.send_bytes(pickle.dumps(Job(source, "a.png")))
        said = heard(pipe, Said)[-1]
        finished = heard(pipe, Finished)[-1]
        pipe.send_bytes(b"")
        served.wait()

    assert isinstance(said, Said)
    assert said.level == logging.ERROR
    assert "makes no sense" in said.text
    assert said.traceback.startswith("Traceback")
    assert isinstance(finished, Finished)
    assert finished.result.outcome.status is Status.FAILED


def test_without_a_supervisor_it_gives_up(tmp_path: Path) -> None:
    served = Served(tmp_path)
    with served.start() as pipe:
        heard(pipe, Ready)

    served.wait()
    assert served.abandoned == 1


def test_it_dies_when_its_parent_is_gone_before_it_could_ask_for_that() -> None:
    pid = os.fork()
    if pid == 0:
        child.die_with(1 << 22)
        os._exit(0)

    assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL


def test_a_station_works_only_once_it_is_open(tmp_path: Path, job: Job) -> None:
    place = Workplace(tmp_path, tmp_path, "run-1")
    told: list[Message] = []
    shut = station.Station(Task("check", SETTINGS, place), PoisonTools(), told.append)

    with pytest.raises(ValueError, match="must be opened"):
        shut.work(job)
    shut.close()


def test_memory_is_told_where_the_system_has_no_proc(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here = station.resident_mib()
    monkeypatch.setattr(station, "_STATM", tmp_path / "none")

    assert station.resident_mib() > 1
    assert here > 1


def test_an_expected_trouble_is_told_without_a_traceback() -> None:
    error = OutputTrouble("the disk is full; make room")

    assert station._refusal(error) == Refused(6, "the disk is full; make room")


def test_a_worker_whose_supervisor_is_gone_already_ends_at_once() -> None:
    program = "from pipeline.runner.child import die_with; die_with(2**22 + 1)"

    code = subprocess.run([sys.executable, "-c", program], check=False).returncode

    assert code == -signal.SIGKILL


@pytest.mark.parametrize("gone", [False, True])
def test_where_the_system_does_not_tell_of_it_a_missing_parent_is_still_noticed(
    gone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(sys, "platform", "plan9")
    monkeypatch.setattr(os, "kill", lambda *words: killed.append(words))

    child.die_with(os.getpid() if gone else os.getppid())

    assert killed == ([(os.getpid(), signal.SIGKILL)] if gone else [])
