"""Executor: one picture after the other, in this process."""

from collections.abc import Iterator

from pipeline.runner.contract import Breakable, Result, Take
from pipeline.runner.worker import Worker


class SerialExecutor:
    """Works in the calling thread; the result of one job is out before the next."""

    def __init__(self, worker: Worker, breakable: Breakable) -> None:
        self._worker = worker
        self._breakable = breakable

    def run(self, take: Take) -> Iterator[Result]:
        """Yield one result per job.

        Raises:
            Stopped: the output cannot be written to, or the like.
            GraceOver: a signal ended the picture that was being worked on.
        """
        while (job := take()) is not None:
            with self._breakable():
                result = self._worker.work(job)
            yield result

    def close(self) -> None:
        """Free the tools."""
        self._worker.close()
