"""Kill workers that hold real detectors and a diffusion engine; time who comes next."""

import statistics
import time
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.records import Workplace
from pipeline.runner import processes
from pipeline.runner.contract import Job, Task
from pipeline.settings import Settings
from pipeline.toolbox import Toolbox, build_toolbox
from tests.support.crews import taking
from tests.support.fakes import GREEN
from tests.support.poison import PoisonedDetector, poisoned
from tests.support.runs import fill, picture
from tests.torture.rows import Row, bounded, scaled

DEATHS = 5
MOST_S = 10.0
PROMISE = "a dead worker's place is taken again"


@dataclass(frozen=True)
class PoisonedToo:
    """Builds the real tools, and a detector to which pictures are poison."""

    def __call__(self, settings: Settings, *, with_inpainter: bool) -> Toolbox:
        built = build_toolbox(settings, with_inpainter=with_inpainter)
        return replace(built, detectors=(PoisonedDetector(), *built.detectors))


def run(scale: float, folder: Path) -> list[Row]:
    """Return the longest time from a death to the next picture's beginning."""
    count = scaled(DEATHS, scale, least=1)
    start_s, times = back_s(count, folder / "replaced")
    note = (
        f"median {statistics.median(times):.1f} s of {count}; a first start, with "
        f"hands, faces, quality and diffusion, took {start_s:.1f} s"
    )
    return [bounded(PROMISE, max(times), MOST_S, "s", note)]


def back_s(count: int, folder: Path) -> tuple[float, list[float]]:
    """Kill one worker after the other by pictures.

    Between two deaths there is as much time as a first start takes: what is told is how
    long a night waits for a death now and then, not for a series of them.

    Returns:
        The seconds of the first start, and of each replacement.
    """
    # Not at the top: other parts fork, and what this starts would not survive it.
    from tests.pipeline.inpainters.tiny import save_family  # noqa: PLC0415

    output = folder / "out"
    output.mkdir(parents=True)
    model = save_family("sd-4", folder / "model")
    settings = Settings.model_validate(
        {
            "workers": {"executor": "processes"},
            "inpaint": {"model": str(model), "device": "cpu", "dtype": "float32"},
        }
    )
    files = {}
    for number in range(count):
        for name in ("before", "too", "deadly", "after"):
            files[f"{number}-{name}.png"] = picture(number, GREEN)
        files[f"{number}-deadly.png"] = poisoned(number, "memory")
    source = fill(folder / "in", files)
    task = Task("repair", settings, Workplace(output, output, "run"))
    with closing(processes.build(task, PoisonedToo(), nullcontext)) as supervisor:
        began = time.monotonic()
        supervisor.open()
        start_s = time.monotonic() - began
        results = supervisor.run(taking(Job(source, name) for name in files))
        times = []
        for _ in range(count):
            two = next(results), next(results)
            time.sleep(start_s)
            lost = next(results)
            began = time.monotonic()
            done = next(results)
            times.append(time.monotonic() - began - done.outcome.took_s)
            if [bool(one.lost) for one in (*two, lost, done)] != [0, 0, 1, 0]:
                raise RuntimeError(f"another one died: {lost.lost or done.lost}")
    return start_s, times
