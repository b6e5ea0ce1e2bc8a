"""Repair thousands of small pictures in one process, and weigh it all the while.

Run with: python -m tests.torture.soak FOLDER, which prints what was seen.
"""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np

from pipeline.records import Outcome
from pipeline.runner import batch
from pipeline.settings import Settings
from pipeline.toolbox import Toolbox
from tests.support.fakes import DarkDetector, FakeDetector, FakeInpainter
from tests.support.photographs import ROOT
from tests.support.runs import order, picture, repaint
from tests.torture.rows import Row, bounded, counted, scaled

PICTURES = 10_000
WARM_UP = 0.2
"""The share of the pictures after which the memory is expected to stand."""

MOST_KB = 1.0
PROMISES = "resident memory per picture", "open files and threads stay"


class Forgetful:
    """Builds fakes, which remember what they saw for the tests; here they forget it."""

    def __init__(self) -> None:
        self._detectors = FakeDetector(), DarkDetector()
        self._inpainter = FakeInpainter(repaint)

    def __call__(self, settings: Settings, *, with_inpainter: bool) -> Toolbox:
        return Toolbox(self._detectors, self._inpainter if with_inpainter else None)

    def forget(self) -> None:
        for detector in self._detectors:
            detector.looks.clear()
        self._inpainter.painted.clear()
        self._inpainter.requests.clear()


class Scales:
    """An observer that notes what the process holds after each picture."""

    def __init__(self, tools: Forgetful) -> None:
        self._tools = tools
        self.resident_kb: list[float] = []
        self.files: list[int] = []
        self.threads: list[int] = []

    def started(self, planned: int, finished_before: int) -> None:
        pass

    def finished(self, outcome: Outcome) -> None:
        self._tools.forget()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        self.resident_kb.append(pages * os.sysconf("SC_PAGE_SIZE") / 1024)
        self.files.append(len(os.listdir("/proc/self/fd")))  # noqa: PTH208
        self.threads.append(threading.active_count())

    def ended(self) -> None:
        pass


def run(scale: float, folder: Path) -> list[Row]:
    """Return the slope after the warm-up, and whether anything was left open."""
    if not Path("/proc/self/statm").exists():
        return [Row(name, 0, 0, skipped="there is no /proc here") for name in PROMISES]
    count = scaled(PICTURES, scale, least=40)
    source = folder / "soak" / "in"
    source.mkdir(parents=True)
    for number in range(count):
        (source / f"{number:05}.png").write_bytes(picture(number))
    words = [sys.executable, "-m", "tests.torture.soak", str(folder / "soak")]
    shown = subprocess.run(
        words, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT
    )
    told = json.loads(shown.stdout)
    resident = np.array(told["resident_kb"][round(WARM_UP * count) :])
    slope_kb = float(np.polyfit(np.arange(len(resident)), resident, 1)[0])
    note = (
        f"{count:,} pictures, fake engine; {resident[0] / 1024:.1f} MiB after the "
        f"warm-up, {resident[-1] / 1024:.1f} at the end"
    )
    return [
        bounded(PROMISES[0], slope_kb, MOST_KB, "kB", note),
        _steady(told["files"], told["threads"], count),
    ]


def _steady(files: list[int], threads: list[int], count: int) -> Row:
    """Compare what is open after each picture with what was open after the tenth."""
    broken = []
    if len(files) != count:
        broken.append(f"{len(files)} of {count} pictures were finished")
    for name, held in (("files", files), ("threads", threads)):
        if max(held[10:]) > held[10]:
            broken.append(f"{name}: {held[10]} at first, {max(held)} at the most")
    note = f"{files[-1]} files, {threads[-1]} threads"
    return counted(PROMISES[1], max(count, len(broken)), broken, note)


def weigh(folder: Path) -> dict[str, object]:
    """Repair a folder in this process; return what was held after each picture."""
    tools = Forgetful()
    scales = Scales(tools)
    batch.run(order(folder / "in", folder / "out"), scales, build_tools=tools)
    return {
        "resident_kb": scales.resident_kb,
        "files": scales.files,
        "threads": scales.threads,
    }


if __name__ == "__main__":
    print(json.dumps(weigh(Path(sys.argv[1]))))
