"""Executor: this process alone."""

from collections.abc import Iterator

from pipeline.runner.contract import Breakable, BuildTools, Result, Take, Task
from pipeline.runner.worker import Worker, build_worker


class SerialExecutor:
    """Works in the calling thread, on as many pictures as the engine has room for."""

    def __init__(
        self, task: Task, build_tools: BuildTools, breakable: Breakable
    ) -> None:
        self._task = task
        self._build_tools = build_tools
        self._breakable = breakable
        self._worker: Worker | None = None

    def open(self) -> str:
        """Build the tools in this process.

        Raises:
            NightmendError, DetectorError: a tool cannot be built.
        """
        self._worker = build_worker(self._task, self._build_tools)
        return self._worker.engine

    def run(self, take: Take) -> Iterator[Result]:
        """Yield one result per job.

        Raises:
            Stopped: the output cannot be written to, or the like.
            GraceOver: a signal ended the pictures that were being worked on.
            ValueError: it was not opened.
        """
        if self._worker is None:
            raise ValueError("an executor must be opened before it can run")
        yield from self._worker.work_many(take, self._breakable)

    def close(self) -> None:
        """Free the tools."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()
