"""Kill workers that hold real detectors and a diffusion engine; time who comes next."""

import statistics
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.records import Workplace
from pipeline.runner import processes
from pipeline.runner.contract import Job, Result, Task
from pipeline.runner.supervisor import Supervisor
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
AT_ONCE = "also after its very first picture"


@dataclass(frozen=True)
class PoisonedToo:
    """Builds the real tools, and a detector to which pictures are poison."""

    def __call__(self, settings: Settings, *, with_inpainter: bool) -> Toolbox:
        built = build_toolbox(settings, with_inpainter=with_inpainter)
        return replace(built, detectors=(PoisonedDetector(), *built.detectors))


def run(scale: float, folder: Path) -> list[Row]:
    """Return the longest time from a death to the next picture's beginning."""
    count = scaled(DEATHS, scale, least=1)
    start_s, later = later_s(count, folder / "later")
    at_once = [at_once_s(folder / f"at-once-{number}") for number in range(count)]
    note = (
        f"median {statistics.median(later):.1f} s of {count}; a first start, with "
        f"hands, faces, quality and diffusion, took {start_s:.1f} s"
    )
    early = f"median {statistics.median(at_once):.1f} s of {count}"
    return [
        bounded(PROMISE, max(later), MOST_S, "s", note),
        bounded(AT_ONCE, max(at_once), MOST_S, "s", early),
    ]


def later_s(count: int, folder: Path) -> tuple[float, list[float]]:
    """Kill one worker after the other by pictures.

    Between two deaths there is as much time as a first start takes: what is told is how
    long a night waits for a death now and then, not for a series of them.

    Returns:
        The seconds of the first start, and of each replacement.
    """
    files = {}
    for number in range(count):
        for name in ("before", "too", "deadly", "after"):
            files[f"{number}-{name}.png"] = picture(number, GREEN)
        files[f"{number}-deadly.png"] = poisoned(number, "memory")
    with crew(files, folder) as (supervisor, jobs):
        began = time.monotonic()
        supervisor.open()
        start_s = time.monotonic() - began
        results = supervisor.run(taking(jobs))
        times = []
        for _ in range(count):
            expect(results, lost=False)
            expect(results, lost=False)
            time.sleep(start_s)
            times.append(back_s(results))
    return start_s, times


def at_once_s(folder: Path) -> float:
    """Kill a worker by the first picture that it is given, as soon as it looks at it.

    Returns:
        The seconds until the next one began.
    """
    files = {"deadly.png": poisoned(0, "memory"), "next.png": picture(0, GREEN)}
    with crew(files, folder) as (supervisor, jobs):
        supervisor.open()
        return back_s(supervisor.run(taking(jobs)))


def back_s(results: Iterator[Result]) -> float:
    """Return the seconds from one worker's death to the next one's first picture."""
    expect(results, lost=True)
    began = time.monotonic()
    done = expect(results, lost=False)
    return time.monotonic() - began - done.outcome.took_s


def expect(results: Iterator[Result], *, lost: bool) -> Result:
    result = next(results)
    if bool(result.lost) != lost:
        raise RuntimeError(f"{result.job.key} went otherwise: {result}")
    return result


@contextmanager
def crew(
    files: dict[str, bytes], folder: Path
) -> Iterator[tuple[Supervisor, list[Job]]]:
    """Give a supervisor of one worker with real tools, and the pictures to work on."""
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
    source = fill(folder / "in", files)
    task = Task("repair", settings, Workplace(output, output, "run"))
    with closing(processes.build(task, PoisonedToo(), nullcontext)) as supervisor:
        yield supervisor, [Job(source, name) for name in files]
