"""Whole runs over drawn folders, with fake detectors and a fake engine.

Also a program of its own, so that a run can be killed from outside:
`python -m tests.support.runs SRC DST [--slow S] [--grace S] [--started FILE]`.
"""

import argparse
import hashlib
import importlib
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from detectors.geometry import Box, Size
from pipeline.errors import NightmendError
from pipeline.ledger import queries
from pipeline.records import Outcome, PaintRequest, Workplace
from pipeline.runner import batch
from pipeline.runner.contract import BuildTools, Order, RunResult, Task
from pipeline.runner.limits import Limits
from pipeline.settings import DetectSettings, InpaintSettings, RunSettings, Settings
from pipeline.toolbox import Toolbox
from tests.support.fakes import (
    GREEN,
    ORANGE,
    RED,
    DarkDetector,
    FakeDetector,
    FakeInpainter,
    Result,
    draw,
)
from tests.support.pictures import encoded

SIZE = Size(96, 64)
HAND = Box(30, 20, 54, 44)
SETTINGS = Settings(
    run=RunSettings(min_free_mib=0),
    # Tools of the tests look and paint; but what is named here is imported ahead.
    detect=DetectSettings(detectors=("quality",)),
    inpaint=InpaintSettings(engine="classical"),
)


def picture(number: int, colour: tuple[int, int, int] | None = RED) -> bytes:
    """Return a PNG with one hand of that colour; each number is another picture."""
    hands = {} if colour is None else {HAND: colour}
    pixels = draw(SIZE, hands)
    pixels[0, 0] = (number % 256, number // 256 % 256, 90)
    return encoded(pixels, "PNG")


def fill(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files into a folder, and return it."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def mixed(folder: Path) -> Path:
    """Make a folder with one picture of every ending."""
    return fill(
        folder,
        {
            "clean.png": picture(1, GREEN),
            "deep/er/repaired.png": picture(2, RED),
            "kept.png": picture(3, ORANGE),
            "torn.png": picture(4)[:-30],
            "notes.txt": b"no picture",
        },
    )


def repaint(request: PaintRequest, _number: int) -> Result:
    """Cure red hands; make orange ones worse."""
    sure = request.patch.findings[0].confidence >= 0.8
    return GREEN if sure else RED


@dataclass
class FakeTools:
    """Builds fakes as `build_toolbox` builds the real ones, and keeps count."""

    result_for: Callable[[PaintRequest, int], Result] = repaint
    built: int = 0
    inpainters: list[FakeInpainter] = field(default_factory=list)

    def __call__(self, settings: Settings, *, with_inpainter: bool) -> Toolbox:
        self.built += 1
        detectors = (FakeDetector(), DarkDetector())
        if not with_inpainter:
            return Toolbox(detectors, None)
        inpainter = FakeInpainter(self.result_for)
        self.inpainters.append(inpainter)
        return Toolbox(detectors, inpainter)


class Silent:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.planned = self.finished_before = -1
        self.outcomes: list[Outcome] = []

    def started(self, planned: int, finished_before: int) -> None:
        self.planned, self.finished_before = planned, finished_before

    def finished(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def ended(self) -> None:
        pass


_numbers = iter(range(10_000))


def order(
    source: Path,
    output: Path,
    *,
    settings: Settings = SETTINGS,
    command: str = "repair",
    max_pictures: int | None = None,
    masks: Path | None = None,
) -> Order:
    """Return an order with a run id of its own."""
    run_id = f"run-{next(_numbers):04}-{os.getpid()}"  # a forked child counts too
    place = Workplace(output, output / ".nightmend", run_id)
    task = Task("repair" if command == "repair" else "check", settings, place, masks)
    return Order(task, (source,), limits=Limits(max_pictures=max_pictures))


def repair(
    source: Path,
    output: Path,
    tools: BuildTools | None = None,
    *,
    observer: Silent | None = None,
    settings: Settings = SETTINGS,
    max_pictures: int | None = None,
) -> RunResult:
    """Run one repair in this process."""
    return batch.run(
        order(source, output, settings=settings, max_pictures=max_pictures),
        observer or Silent(),
        build_tools=tools or FakeTools(),
    )


def outcomes(output: Path) -> dict[str, Outcome]:
    """Return the newest outcome of every picture, by key."""
    summary = queries.summary(output / ".nightmend")
    return {outcome.key: outcome for outcome in summary.outcomes}


def tree(folder: Path) -> dict[str, str]:
    """Return the digest of every file below a folder, the state folder left out."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".nightmend" not in path.parts
    }


@dataclass(frozen=True)
class Slowly:
    """Repaints as `repaint` does, and takes its time; may travel to a worker."""

    slow_s: float
    started: Path | None

    def __call__(self, request: PaintRequest, number: int) -> Result:
        if self.started is not None:
            self.started.touch()
        time.sleep(self.slow_s)
        return repaint(request, number)


def main() -> int:
    """Run one repair as a process; the exit code is the run's."""
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--slow", type=float, default=0.0)
    parser.add_argument("--grace", type=float, default=30.0)
    parser.add_argument("--started", type=Path)
    given = parser.parse_args()

    place = Workplace(
        given.output, given.output / ".nightmend", f"run-{time.time_ns()}"
    )
    asked = Order(Task("repair", SETTINGS, place), (given.source,), grace_s=given.grace)
    try:
        tools = FakeTools(Slowly(given.slow, given.started))
        result = batch.run(asked, Silent(), build_tools=tools)
    except NightmendError as error:
        sys.stderr.write(f"{error}\n")
        return int(error.exit_code)
    return int(result.code)


if __name__ == "__main__":
    # By its own name, so that what is pickled is found again in a worker process.
    sys.exit(importlib.import_module("tests.support.runs").main())
