"""Executors are found by name, and say what they lack."""

import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from pipeline.errors import EnvironmentProblem
from pipeline.records import Workplace
from pipeline.runner import executors
from pipeline.runner.contract import Job, Task
from pipeline.runner.serial import SerialExecutor
from pipeline.runner.supervisor import Supervisor
from pipeline.settings import Settings, WorkersSettings
from tests.support.crews import taking
from tests.support.runs import FakeTools


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return Task("check", Settings(), Workplace(tmp_path, tmp_path, "run-1"))


def test_every_executor_that_can_be_set_is_in_the_table() -> None:
    field = WorkersSettings.model_fields["executor"]

    assert set(executors.TABLE) == set(field.annotation.__args__)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "kind"), [("serial", SerialExecutor), ("processes", Supervisor)]
)
def test_an_executor_is_built_without_starting_anything(
    task: Task, name: str, kind: type[object]
) -> None:
    tools = FakeTools()

    executor = executors.build(name, task, tools, nullcontext)
    executor.close()

    assert isinstance(executor, kind)
    assert tools.built == 0


def test_a_missing_package_is_named_with_the_way_to_install_it(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "pipeline.runner.cluster", raising=False)

    with pytest.raises(EnvironmentProblem, match=r"pip install 'nightmend\[ray\]'"):
        executors.build("ray", task, FakeTools(), nullcontext)


def test_any_other_missing_module_is_a_bug(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pipeline.runner.processes", None)

    with pytest.raises(ModuleNotFoundError, match="processes"):
        executors.build("processes", task, FakeTools(), nullcontext)


def test_the_serial_executor_runs_only_once_it_is_open(
    task: Task, tmp_path: Path
) -> None:
    executor = SerialExecutor(task, FakeTools(), nullcontext)

    with pytest.raises(ValueError, match="must be opened"):
        list(executor.run(taking([Job(tmp_path, "a.png")])))
