"""Pictures that are the end of whoever looks at them, and detectors that obey them."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from detectors.arrays import RgbArray
from detectors.findings import Finding
from pipeline.errors import EnvironmentProblem
from pipeline.settings import Settings, WorkersSettings
from pipeline.toolbox import Toolbox
from tests.support.fakes import RED, DarkDetector, FakeDetector, FakeInpainter, draw
from tests.support.pictures import encoded
from tests.support.runs import HAND, SETTINGS, SIZE, repaint

MARK = 201
"""In the second pixel's red; its green is the number of the poison."""


def _segfault() -> None:
    ctypes.string_at(0)


def _exhaust_memory() -> None:
    """Die as the system kills a process when memory is out."""
    os.kill(os.getpid(), signal.SIGKILL)


def _hang() -> None:
    while True:
        time.sleep(60)


def _stand_still() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def _leave() -> None:
    os._exit(7)


def _raise() -> None:
    raise RuntimeError("this picture makes no sense")


def _lose_device() -> None:
    raise EnvironmentProblem("CUDA error: an illegal memory access was encountered")


def _leave_a_child() -> None:
    """Die, with a process of its own left behind."""
    if os.fork() == 0:
        time.sleep(600)
        os._exit(0)
    os.abort()


POISONS: Mapping[str, Callable[[], None]] = {
    "segfault": _segfault,
    "abort": os.abort,
    "memory": _exhaust_memory,
    "hang": _hang,
    "stop": _stand_still,
    "leave": _leave,
    "raise": _raise,
    "device": _lose_device,
    "child": _leave_a_child,
}
DEADLY = ("segfault", "abort", "memory", "hang", "leave")
"""Those that end a worker, each in a way of its own."""


def poisoned(number: int, poison: str) -> bytes:
    """Return a PNG with a flawed hand that makes who looks at it do that."""
    pixels = draw(SIZE, {HAND: RED})
    pixels[0, 0] = (number % 256, number // 256 % 256, 91)
    pixels[0, 1] = (MARK, list(POISONS).index(poison), 0)
    return encoded(pixels, "PNG")


class PoisonedDetector(FakeDetector):
    """Sees hands as the fake does; a poisoned picture takes effect.

    Args:
        once: A folder where it is noted what took effect; then it does so only once.
    """

    def __init__(self, once: Path | None = None) -> None:
        super().__init__()
        self._once = once

    def inspect(self, pixels: RgbArray) -> list[Finding]:
        if pixels[0, 1, 0] == MARK and self._takes_effect(pixels):
            list(POISONS.values())[int(pixels[0, 1, 1])]()
        return super().inspect(pixels)

    def _takes_effect(self, pixels: RgbArray) -> bool:
        if self._once is None:
            return True
        note = self._once / "-".join(map(str, pixels[0, 0]))
        first = not note.exists()
        note.touch()
        return first


@dataclass(frozen=True)
class PoisonTools:
    """Builds them as `build_toolbox` does the real ones; may travel to a worker."""

    once: Path | None = None
    slow_s: float = 0.0
    """How long each look takes."""

    started: Path | None = None
    """Is made when somebody begins to look; its content is that process's id."""

    start: Callable[[], None] | None = None
    """Is called while the tools are built."""

    def __call__(self, settings: Settings, *, with_inpainter: bool) -> Toolbox:
        if self.start is not None:
            self.start()
        detectors = (
            SlowDetector(self.slow_s, self.started),
            PoisonedDetector(self.once),
        )
        inpainter = FakeInpainter(repaint) if with_inpainter else None
        return Toolbox(detectors, inpainter)


class SlowDetector(DarkDetector):
    """Takes its time."""

    def __init__(self, seconds: float, started: Path | None) -> None:
        super().__init__()
        self._seconds = seconds
        self._started = started

    def inspect(self, pixels: RgbArray) -> list[Finding]:
        if self._started is not None:
            self._started.with_suffix(f".{os.getpid()}").touch()
        time.sleep(self._seconds)
        return super().inspect(pixels)


def workers(**changes: object) -> Settings:
    """Return settings for a run with processes that are quickly given up."""
    plain: dict[str, object] = {"executor": "processes", "count": 2, "detect_s": 20.0}
    made = WorkersSettings.model_validate(plain | changes)
    return SETTINGS.model_copy(update={"workers": made})


def alive(pid: int) -> bool:
    """Tell whether a process still runs; one that only waits to be reaped does not."""
    if sys.platform != "linux":
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return True
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        )
    except OSError:
        return False
