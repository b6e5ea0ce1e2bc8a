"""What looking costs: each detector, cold and warm, over decoding the picture.

Run with: python -m tests.bench.detecting NAME, for one detector's cold start alone.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from detectors import catalogue
from detectors.contract import Detector
from pipeline.records import Found, Picture
from pipeline.settings import Settings
from pipeline.stages.load import identify, load
from pipeline.toolbox import options_for
from tests.bench.figures import Figure, cpu_s, in_turns, spent
from tests.support.photographs import ROOT, installed

DETECTORS = ("hands", "faces", "people", "quality")
ROUNDS = 2
EVERY = 3
"""Of our samples; all of them would take longer than anybody waits."""

SAMPLES = ROOT / "data" / "samples"


def pictures() -> Iterator[Path]:
    """Yield the pictures installed with packages, then some of our samples."""
    yield from installed().values()
    suffixes = {".png", ".jpg", ".webp"}
    if SAMPLES.is_dir():
        found = (p for p in SAMPLES.iterdir() if p.suffix in suffixes)
        yield from sorted(found)[::EVERY]


def opened(path: Path) -> Picture:
    """Read and decode a picture as a check does."""
    limits = Settings().load
    ref, encoded = identify(Found(path.parent, path.name), limits)
    return load(ref, encoded, limits, for_repair=False)


def build(name: str) -> Detector:
    """Build one detector with the default settings."""
    return catalogue.build(name, options_for(name, Settings(), None))


def cold(name: str) -> dict[str, float]:
    """Measure in this fresh process: imports with building, and the first look."""
    first = next(pictures())
    pixels = opened(first).pixels
    made: list[Detector] = []
    building = spent(lambda: made.append(build(name)))
    looking = spent(lambda: made[0].inspect(pixels))
    made[0].close()
    return {"build_s": building.cpu_s, "first_s": looking.cpu_s}


def run() -> list[Figure]:
    """Print one line per picture, and return the ratios."""
    figures = []
    built = {name: build(name) for name in DETECTORS}
    totals = dict.fromkeys(("decode", *DETECTORS), 0.0)
    print(f"{'CPU ms, warm':34}" + "".join(f"{name:>9}" for name in totals))
    first: dict[str, float] = {}
    for path in pictures():
        took = _warm(path, built)
        for name, seconds in took.items():
            totals[name] += seconds
            first.setdefault(name, seconds)
        row = "".join(f"{1000 * took[name]:9.0f}" for name in totals)
        print(f"{path.name[:33]:34}{row}")
    for name, detector in built.items():
        detector.close()
        share = totals[name] / totals["decode"]
        figures.append(Figure(f"{name}: warm look over decoding", share, "x"))
        figures += _cold_figures(name, first[name])
    return figures


def _warm(path: Path, built: dict[str, Detector]) -> dict[str, float]:
    pixels = opened(path).pixels
    works = {name: partial(one.inspect, pixels) for name, one in built.items()}
    taken = in_turns({"decode": partial(opened, path), **works}, ROUNDS)
    return {name: cpu_s(each) for name, each in taken.items()}


def _cold_figures(name: str, warm_s: float) -> Iterator[Figure]:
    shown = subprocess.run(
        [sys.executable, "-m", "tests.bench.detecting", name],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=ROOT,
    )
    told = json.loads(shown.stdout)
    yield Figure(f"{name}: imports and building", told["build_s"], "CPU s")
    ratio = told["first_s"] / warm_s
    yield Figure(f"{name}: first look over a warm one", ratio, "x")
    whole = (told["build_s"] + told["first_s"]) / warm_s
    yield Figure(f"{name}: all of a cold look over a warm one", whole, "x")


if __name__ == "__main__":
    print(json.dumps(cold(sys.argv[1])))
