"""Whether memory grows with the number of pictures in a check.

Run with: python -m tests.bench.memory FOLDER, which prints what was resident.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.records import Outcome, Workplace
from pipeline.runner import batch
from pipeline.runner.contract import Order, Task
from pipeline.settings import Settings
from tests.bench.detecting import pictures
from tests.bench.figures import Figure
from tests.support.photographs import ROOT
from tests.support.pictures import draw_scene

PICTURES = 200
WARM_UP = 60
EVERY = 4
"""One in so many is real, with hands or faces: judging a hand takes a second."""

GOAL_KB = 50.0


class Weigher:
    """An observer that notes how much memory is resident after each picture."""

    def __init__(self) -> None:
        self.resident_kb: list[float] = []

    def started(self, planned: int, finished_before: int) -> None:
        pass

    def finished(self, outcome: Outcome) -> None:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        self.resident_kb.append(pages * os.sysconf("SC_PAGE_SIZE") / 1024)

    def ended(self) -> None:
        pass


def fill(folder: Path) -> None:
    """Write small pictures, each another one: cut-outs of real ones among drawings."""
    sources = []
    for path in pictures():
        with Image.open(path) as picture:
            sources.append(picture.convert("RGB"))
    rng = np.random.default_rng(3)
    for number in range(PICTURES):
        if number % EVERY:
            drawn = draw_scene(*_size(rng), seed=number)
            Image.fromarray(drawn).save(folder / f"{number:03}.png")
            continue
        whole = sources[number // EVERY % len(sources)]
        share = rng.uniform(0.6, 1.0)
        width, height = (round(side * share) for side in whole.size)
        left = int(rng.integers(0, whole.width - width + 1))
        top = int(rng.integers(0, whole.height - height + 1))
        cut = whole.crop((left, top, left + width, top + height))
        cut.resize(_size(rng)).save(folder / f"{number:03}.png")


def _size(rng: np.random.Generator) -> tuple[int, int]:
    width, height = rng.integers(256, 385, 2)
    return int(width), int(height)


def weigh(folder: Path) -> dict[str, object]:
    """Check a folder in this process; return what was resident, in kB."""
    weigher = Weigher()
    place = Workplace(folder / "state", folder / "state", "bench")
    batch.run(Order(Task("check", Settings(), place), (folder / "in",)), weigher)
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"resident_kb": weigher.resident_kb, "peak_kb": peak_kb}


def run() -> list[Figure]:
    """Return the slope after the warm-up; nothing where /proc is not there."""
    if not Path("/proc/self/statm").exists():
        print("memory: not measured, this system has no /proc")
        return []
    with tempfile.TemporaryDirectory(prefix="nightmend-bench-") as name:
        folder = Path(name)
        (folder / "in").mkdir()
        fill(folder / "in")
        shown = subprocess.run(
            [sys.executable, "-m", "tests.bench.memory", name],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            cwd=ROOT,
        )
    told = json.loads(shown.stdout)
    resident = np.array(told["resident_kb"][WARM_UP:])
    slope = float(np.polyfit(np.arange(len(resident)), resident, 1)[0])
    return [
        Figure(
            f"resident memory per picture, after {WARM_UP} of {PICTURES}",
            slope,
            "kB",
            GOAL_KB,
        ),
        Figure("peak resident memory", told["peak_kb"] / 1024, "MiB"),
        Figure(
            "growth from the warm-up to the end",
            float(resident[-1] - resident[0]) / 1024,
            "MiB",
        ),
    ]


if __name__ == "__main__":
    print(json.dumps(weigh(Path(sys.argv[1]))))
