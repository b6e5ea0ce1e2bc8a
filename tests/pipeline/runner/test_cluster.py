"""Actors take their slots, and what Ray says in a page is told in a clause."""

import signal
import time
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path

import pytest

pytest.importorskip("ray")

import ray

from pipeline.errors import EnvironmentProblem
from pipeline.records import Workplace
from pipeline.runner import cluster
from pipeline.runner.cluster import how_it_ended
from pipeline.runner.contract import Task
from tests.support.poison import PoisonTools, workers

PAGE = """The actor died unexpectedly before finishing this task.
\tclass_name: _Stationed
\tpid: 22483
\tip: 192.0.2.2
The actor is dead because its worker process has died. Worker exit type: SYSTEM_ERROR \
Worker exit detail: Worker unexpectedly exits with a connection error code 2."""


@pytest.mark.parametrize(
    ("page", "clause"),
    [
        (PAGE, "ended abruptly on 192.0.2.2 (SYSTEM_ERROR)"),
        (PAGE.replace("ip: ", ""), "ended abruptly (SYSTEM_ERROR)"),
        ("\x1b[36mIt is gone.\x1b[0m\nAdvice.", "ended abruptly (It is gone)"),
    ],
)
def test_the_end_of_an_actor_is_told_in_a_clause(page: str, clause: str) -> None:
    assert how_it_ended(RuntimeError(page)) == clause


@pytest.mark.parametrize(
    "error", [ConnectionError("nobody is there"), Exception("it timed out")]
)
def test_that_there_is_no_cluster_is_told_before_the_first_picture(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise error

    monkeypatch.setattr(ray, "init", refuse)
    answers_before = signal.getsignal(signal.SIGTERM)
    place = Workplace(tmp_path, tmp_path, "run-1")
    order = Task("check", workers(executor="ray"), place)

    with (
        closing(cluster.build(order, PoisonTools(), nullcontext)) as crew,
        pytest.raises(EnvironmentProblem, match="--executor processes"),
    ):
        crew.open()

    assert signal.getsignal(signal.SIGTERM) is answers_before


@pytest.fixture
def one_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A cluster that takes itself to have a GPU."""
    for name, value in cluster._MANNERS.items():
        monkeypatch.setenv(name, value)
    ray.init(num_cpus=2, num_gpus=1, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def free_gpus() -> float:
    return float(ray.available_resources().get("GPU", 0.0))


@pytest.mark.ray
@pytest.mark.usefixtures("one_gpu")
def test_actors_that_share_a_gpu_reserve_their_parts_of_it_and_give_them_back(
    tmp_path: Path,
) -> None:
    settings = workers(executor="ray", ray_gpus=0.5)
    order = Task("check", settings, Workplace(tmp_path, tmp_path, "run-1"))

    before = free_gpus()
    with closing(cluster.build(order, PoisonTools(), nullcontext)) as crew:
        crew.open()
        while free_gpus() > 0:  # pytest's time limit ends it
            time.sleep(0.05)
    while free_gpus() < 1:
        time.sleep(0.05)

    assert before == 1
