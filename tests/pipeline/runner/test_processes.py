"""A worker process may die in any way; it costs one picture one attempt."""

import errno
import os
import queue
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from multiprocessing.connection import Pipe
from pathlib import Path

import pytest

from pipeline.errors import ExitCode, Stopped
from pipeline.records import Workplace
from pipeline.runner import processes
from pipeline.runner.contract import Job, Task
from pipeline.runner.crew import Ears, Gone, Heard
from pipeline.runner.supervisor import Supervisor
from pipeline.settings import Settings
from tests.support.crews import taking
from tests.support.poison import DEADLY, PoisonTools, alive, poisoned, workers
from tests.support.runs import fill, picture

NAMES = ("a.png", "b.png", "c.png")


def task(folder: Path, settings: Settings) -> Task:
    return Task("check", settings, Workplace(folder, folder, "run-1"))


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Callable[..., Supervisor]]:
    """Build and open supervisors, and close them in the end."""
    opened: list[Supervisor] = []

    def build(tools: PoisonTools | None = None, **settings: object) -> Supervisor:
        plain = {"count": 1, **settings}
        order = task(tmp_path, workers(**plain))
        made = processes.build(order, tools or PoisonTools(), nullcontext)
        opened.append(made)
        made.open()
        return made

    yield build
    for each in opened:
        each.close()


def pids(supervisor: Supervisor) -> list[int]:
    """Return the ids of all worker processes."""
    members = (post.member for post in supervisor._crew.posts)
    return [each.pid for each in members if isinstance(each, processes.Process)]


def wait_for(met: Callable[[], bool], seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < until
        time.sleep(0.02)


SIGNS = {
    "segfault": "died of SIGSEGV (Segmentation fault), in string_at",
    "abort": "died of SIGABRT (Aborted), in inspect (poison.py:",
    "memory": "was killed from outside (SIGKILL)",
    "hang": "did nothing new for 1 s (workers.detect_s), in _hang (poison.py:",
    "stop": "did nothing new for 1 s (workers.detect_s)",
    "leave": "ended by itself with exit code 7",
}


@pytest.mark.parametrize("poison", SIGNS)
def test_a_deadly_picture_costs_one_worker_and_the_next_is_there_already(
    supervised: Callable[..., Supervisor], tmp_path: Path, poison: str
) -> None:
    supervisor = supervised(detect_s=1.0)
    (first,) = pids(supervisor)
    running = supervisor.run(taking(with_a_deadly_one(tmp_path / "in", poison)))

    next(running)
    lost = next(running)
    waiting = spare_of(supervisor)
    done = next(running)

    assert (lost.job.key, done.job.key) == ("b.png", "c.png")
    assert lost.lost.startswith(f"the worker {SIGNS[poison]}")
    assert lost.lost.endswith("while in the stage detect")
    assert not done.lost
    assert waiting is not None
    assert pids(supervisor) == [waiting.pid], "what it takes is told by make torture"
    assert not alive(first)


def with_a_deadly_one(folder: Path, poison: str) -> list[Job]:
    """Return three pictures, of which the second one is poison."""
    fill(folder, {name: picture(number) for number, name in enumerate(NAMES)})
    fill(folder, {"b.png": poisoned(1, poison)})
    return [Job(folder, name) for name in NAMES]


def spare_of(supervisor: Supervisor) -> processes.Process | None:
    hire = supervisor._crew._hire
    assert isinstance(hire, processes.Starter)
    return hire.spare


def test_the_spare_process_is_ended_with_the_workers(
    supervised: Callable[..., Supervisor], tmp_path: Path
) -> None:
    fill(tmp_path / "in", {name: picture(number) for number, name in enumerate(NAMES)})
    supervisor = supervised()
    list(supervisor.run(taking(Job(tmp_path / "in", name) for name in NAMES)))
    spare = spare_of(supervisor)
    assert spare is not None
    lived = alive(spare.pid)

    supervisor.close()

    assert lived
    assert not alive(spare.pid)


def test_a_spare_process_that_was_killed_costs_no_picture_anything(
    supervised: Callable[..., Supervisor], tmp_path: Path
) -> None:
    supervisor = supervised()
    running = supervisor.run(taking(with_a_deadly_one(tmp_path / "in", "leave")))
    next(running)
    lost = next(running)
    spare = spare_of(supervisor)
    assert spare is not None
    os.kill(spare.pid, signal.SIGKILL)

    done = next(running)

    assert lost.lost
    assert not done.lost


def test_without_a_spare_a_dead_worker_is_replaced_all_the_same(
    supervised: Callable[..., Supervisor], tmp_path: Path
) -> None:
    jobs = with_a_deadly_one(tmp_path / "in", "leave")
    supervisor = supervised(spare=False)

    results = list(supervisor.run(taking(jobs)))

    assert [bool(result.lost) for result in results] == [False, True, False]
    assert spare_of(supervisor) is None


def test_a_spare_process_imports_what_is_ours_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A worker tells what it has imported, and may be anybody's by then."""
    asked: list[Sequence[str]] = []

    class Recorded(processes.Process):
        def __init__(self, modules: Sequence[str] = ()) -> None:
            asked.append(modules)
            super().__init__(modules)

    monkeypatch.setattr(processes, "Process", Recorded)
    starter = processes.Starter(task(tmp_path, Settings()), PoisonTools())

    starter.prepare(("detectors.quality", "antigravity", "pipeline.flow"))
    starter.prepare(("pipeline.files",))
    starter.close()

    assert asked == [["detectors.quality", "pipeline.flow"]]


def test_the_first_picture_may_cost_a_worker_its_life_and_the_next_is_there(
    supervised: Callable[..., Supervisor], tmp_path: Path
) -> None:
    fill(tmp_path / "in", {"a.png": poisoned(1, "leave"), "b.png": picture(1)})
    supervisor = supervised()
    waiting = spare_of(supervisor)
    running = supervisor.run(taking(Job(tmp_path / "in", name) for name in NAMES[:2]))

    lost, done = next(running), next(running)

    assert lost.lost
    assert not done.lost
    assert waiting is not None
    assert pids(supervisor) == [waiting.pid], "what it takes is told by make torture"


def test_every_deadly_poison_has_its_sign() -> None:
    assert set(DEADLY) < set(SIGNS)


def test_what_a_dead_worker_had_started_dies_with_it(
    supervised: Callable[..., Supervisor], tmp_path: Path
) -> None:
    fill(tmp_path / "in", {"a.png": poisoned(1, "child")})
    supervisor = supervised()
    (pid,) = pids(supervisor)

    next(supervisor.run(taking([Job(tmp_path / "in", "a.png")])))

    wait_for(lambda: not members_of_session(pid))


def members_of_session(leader: int) -> list[str]:
    """Return the processes of a session that still run."""
    shown = subprocess.run(
        ["ps", "-o", "stat=,pid=", "-s", str(leader)],
        check=False,
        capture_output=True,
        text=True,
    )
    return [line for line in shown.stdout.splitlines() if not line.startswith("Z")]


def test_a_worker_is_replaced_in_time_and_leaves_nothing(
    supervised: Callable[..., Supervisor], tmp_path: Path
) -> None:
    fill(tmp_path / "in", {name: picture(n) for n, name in enumerate(NAMES)})
    supervisor = supervised(PoisonTools(started=tmp_path / "by"), max_pictures=2)

    results = list(supervisor.run(taking(Job(tmp_path / "in", n) for n in NAMES)))
    supervisor.close()

    seen = [int(path.suffix[1:]) for path in tmp_path.glob("by.*")]
    assert [result.lost for result in results] == ["", "", ""]
    assert len(seen) == 2
    assert not any(alive(pid) for pid in seen)


def test_a_worker_that_waits_may_be_killed(
    supervised: Callable[..., Supervisor], tmp_path: Path
) -> None:
    fill(tmp_path / "in", {"a.png": picture(1)})
    supervisor = supervised()
    os.kill(pids(supervisor)[0], 9)

    (result,) = supervisor.run(taking([Job(tmp_path / "in", "a.png")]))

    assert not result.lost


def test_workers_take_their_devices_in_turn(tmp_path: Path) -> None:
    settings = workers(devices=("cuda:0", "cuda:1"))

    devices = [
        processes.on_its_device(task(tmp_path, settings), n).settings.inpaint.device
        for n in range(3)
    ]

    assert devices == ["cuda:0", "cuda:1", "cuda:0"]
    assert settings.inpaint.device == "auto"
    plain = task(tmp_path, workers())
    assert processes.on_its_device(plain, 0) is plain


def test_when_the_system_starts_no_process_the_run_stops_and_can_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    executor = processes.build(task(tmp_path, workers()), PoisonTools(), nullcontext)

    with pytest.raises(Stopped, match="fewer --workers") as caught:
        executor.open()

    assert caught.value.exit_code is ExitCode.STOPPED


def test_a_program_that_is_no_worker_counts_as_gone(tmp_path: Path) -> None:
    """Whatever comes through the pipe, it can only be read or not."""
    ears: Ears = queue.SimpleQueue()
    near, far = Pipe()
    with near, far:
        far.send_bytes(b"\x80\x04rubbish")
        processes.listen(near, 7, ears, lambda: False)

    assert ears.get() == Heard(7, Gone())


def test_a_process_that_will_not_die_is_left_behind_and_named(
    supervised: Callable[..., Supervisor],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    supervisor = supervised()
    (pid,) = pids(supervisor)
    member = supervisor._crew.posts[0].member
    with monkeypatch.context() as patched:
        patched.setattr(processes, "REAP_S", 0.1)
        patched.setattr(os, "killpg", lambda *_: None)
        member.end()
    supervisor._crew._posts.clear()

    assert f"worker process {pid} does not die" in caplog.text
    assert isinstance(member, processes.Process)
    member._popen.kill()
    member._popen.wait()
    assert member._is_over(), "also when somebody else has reaped it"
