"""Two ways to kill a run at a certain point: before a system call, or before a step."""

import os
import signal
from collections.abc import Sequence
from typing import Protocol

from tests.support import strace
from tests.support.steps import watching
from tests.torture.forked import in_child
from tests.torture.scenes import Scene


class Way(Protocol):
    """Knows the points of a run before which it can kill it."""

    @property
    def name(self) -> str: ...

    def points(self, scene: Scene) -> list[strace.Call]:
        """Return all points of a run, which is run for that."""
        ...

    def kill(self, scene: Scene, point: strace.Call) -> bool:
        """Run a scene until it is killed; False when it lived to its end."""
        ...


class BySystemCalls:
    """Kills before system calls that change the disk; needs strace."""

    name = "system calls"

    def points(self, scene: Scene) -> list[strace.Call]:
        return strace.changing(strace.run(scene.work), scene.output)

    def kill(self, scene: Scene, point: strace.Call) -> bool:
        inject = f"{point.name}:signal=SIGKILL:when={point.nth}"
        return strace.run(scene.work, calls=point.name, inject=inject).code is None


class BySteps:
    """Kills before steps that Python itself can see; works wherever a run does."""

    name = "steps that Python sees"

    def points(self, scene: Scene) -> list[strace.Call]:
        steps: list[int] = []
        with watching(lambda: steps.append(1)):
            scene.work()
        return [strace.Call("step", nth) for nth in range(1, len(steps) + 1)]

    def kill(self, scene: Scene, point: strace.Call) -> bool:
        steps = iter(range(1, point.nth))

        def step() -> None:
            if next(steps, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)

        def work() -> int:
            with watching(step):
                return int(scene.work())

        return in_child(work) == -signal.SIGKILL


def best() -> Way:
    """Return the way that sees more, where this machine allows it."""
    return BySteps() if strace.why_not() else BySystemCalls()


def spread(calls: Sequence[strace.Call], count: int) -> list[strace.Call]:
    """Return so many of the calls, all over the run; all when there are fewer."""
    if count >= len(calls):
        return list(calls)
    return [calls[n * len(calls) // count] for n in range(count)]
