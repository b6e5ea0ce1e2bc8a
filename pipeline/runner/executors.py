"""The table of executors: who works on the pictures of a run."""

import importlib
from collections.abc import Mapping
from typing import Protocol, cast

from pipeline.errors import EnvironmentProblem
from pipeline.runner.contract import Breakable, BuildTools, Executor, Task

TABLE: Mapping[str, str] = {
    "serial": "pipeline.runner.serial:SerialExecutor",
    "processes": "pipeline.runner.processes:build",
    "ray": "pipeline.runner.cluster:build",
}
"""`module:function` by the name that the setting has; imported when it is asked for."""


class _Build(Protocol):
    def __call__(
        self, task: Task, build_tools: BuildTools, breakable: Breakable
    ) -> Executor: ...


def build(
    name: str, task: Task, build_tools: BuildTools, breakable: Breakable
) -> Executor:
    """Return the executor of that name; it is not opened yet.

    Raises:
        EnvironmentProblem: the package that it needs is not installed.
    """
    module, function = TABLE[name].split(":")
    try:
        loaded = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise EnvironmentProblem(
            f"the executor {name} needs the package {name}, which is not installed; "
            f"install it with: pip install 'nightmend[{name}]'"
        ) from error
    make = cast(_Build, getattr(loaded, function))
    return make(task, build_tools, breakable)
