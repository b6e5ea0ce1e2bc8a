"""How long a check of a folder takes in which nothing has changed."""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.bench.figures import Figure
from tests.support.pictures import encoded

PICTURES = 10_000


def run() -> list[Figure]:
    """Return the seconds of a first check, and of the same check again."""
    with tempfile.TemporaryDirectory(prefix="nightmend-bench-") as name:
        folder = Path(name) / "pictures"
        fill(folder, PICTURES)
        words = ["check", str(folder), "--detect", "quality", "--exit-zero"]
        words += ["--cache", str(Path(name) / "cache"), "--output-format"]
        first = timed([*words, f"jsonl={name}/first.jsonl"])
        # Files that are younger than two seconds are not trusted to be unchanged.
        again = [timed([*words, f"jsonl={name}/again.jsonl"]) for _ in range(3)]
    return [
        Figure(f"first check of {PICTURES} small pictures", first, "s"),
        Figure("the same check again, best of three", min(again), "s", 5.0),
    ]


def fill(folder: Path, pictures: int) -> None:
    """Draw pictures of 64 x 64 that differ."""
    rng = np.random.default_rng(5)
    for number in range(pictures):
        path = folder / f"{number // 1000:02}" / f"{number:05}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        path.write_bytes(encoded(coarse.repeat(8, axis=0).repeat(8, axis=1), "PNG"))
    time.sleep(2.1)


def timed(words: list[str]) -> float:
    """Return the processor time of the whole command, its start included, in seconds.

    Wall time says more about what else the machine does.
    """
    began = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "pipeline", *words],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime
