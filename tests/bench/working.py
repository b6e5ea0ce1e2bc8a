"""What a second worker process brings, and what the first one costs."""

import contextlib
import io
import os
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from pipeline.records import Workplace
from pipeline.runner import batch
from pipeline.runner.contract import Order, Task
from pipeline.settings import DetectSettings, Settings, WorkersSettings
from tests.bench.figures import Figure
from tests.support.pictures import draw_scene, encoded
from tests.support.runs import Silent

PICTURES = 10
SIDE = 768
ROUNDS = 3
LOOKS = Settings(detect=DetectSettings(detectors=("quality", "faces")))
CREWS: Mapping[str, WorkersSettings] = {
    "serial": WorkersSettings(),
    # Starting a spare process is a part of starting, which is left out.
    "one": WorkersSettings(executor="processes", count=1, spare=False),
    "two": WorkersSettings(executor="processes", count=2, spare=False),
}


class Watched(Silent):
    """Notes when the first and the last picture came out."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def finished(self, outcome: object) -> None:
        self.times.append(time.perf_counter())

    def per_second(self) -> float:
        """Return pictures a second, from the first on: what starting takes is left out.

        A night is long, and the start of a worker a few seconds.
        """
        return (len(self.times) - 1) / (self.times[-1] - self.times[0])


def run() -> list[Figure]:
    """Return the throughput of one and of two workers, beside this process alone."""
    with tempfile.TemporaryDirectory(prefix="nightmend-bench-") as place:
        source = Path(place) / "in"
        source.mkdir()
        for number in range(PICTURES):
            pixels = draw_scene(SIDE, SIDE)
            pixels[0, 0] = number
            (source / f"{number:03}.png").write_bytes(encoded(pixels, "PNG"))
        rates: dict[str, list[float]] = {name: [] for name in CREWS}
        for turn in range(ROUNDS):
            for name, crew in CREWS.items():
                state = Path(place) / f"{name}-{turn}"
                rates[name].append(_rate(source, state, crew))
    return [
        Figure(
            "pictures a second of two worker processes over one",
            _ratio(rates["two"], rates["one"]),
            f"x on {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}",
        ),
        Figure(
            "pictures a second of one worker process over the same without",
            _ratio(rates["one"], rates["serial"]),
            "x",
        ),
    ]


def _rate(source: Path, state: Path, crew: WorkersSettings) -> float:
    settings = LOOKS.model_copy(update={"workers": crew})
    order = Order(Task("check", settings, Workplace(state, state, "bench")), (source,))
    watched = Watched()
    with contextlib.redirect_stderr(io.StringIO()):
        batch.run(order, watched)
    return watched.per_second()


def _ratio(upper: list[float], lower: list[float]) -> float:
    """Return the median of ratios that were measured in turns."""
    return statistics.median(a / b for a, b in zip(upper, lower, strict=True))
