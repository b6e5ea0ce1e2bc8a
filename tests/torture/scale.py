"""Plan and go on with 200,000 files, and time what the ledger takes of a night.

Run with: python -m tests.torture.scale SOURCE OUTPUT, which runs once and tells.
"""

import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.ledger.rows import Claim, Stamp
from pipeline.ledger.store import FILE_NAME, Ledger
from pipeline.records import Outcome, RunInfo
from pipeline.runner import batch, resume
from tests.support.fakes import GREEN
from tests.support.photographs import ROOT
from tests.support.runs import FakeTools, fill, order, outcomes, picture, repair
from tests.torture.rows import Row, bounded, counted, scaled

FILES, PER_FOLDER = 200_000, 500
PLAN_S, RESUME_S, MOST_MIB = 60.0, 15.0, 500.0
LEDGER_SHARE = 1.0
COMMITS = 300
SAMPLES = ROOT / "data" / "samples"


def run(scale: float, folder: Path) -> list[Row]:
    """Return the figures for large folders, and for the ledger."""
    return [*large(scale, folder), ledger_share(scale)]


def large(scale: float, folder: Path) -> list[Row]:
    """Plan a large folder, and go on with a large folder that is finished."""
    count = scaled(FILES, scale, least=500)
    source, output = folder / "scale" / "in", folder / "scale" / "out"
    keys = _fill(source, count)
    planned = told(source, output)
    (state := output / ".nightmend" / FILE_NAME).unlink()
    for rest in state.parent.glob(FILE_NAME + "-*"):
        rest.unlink()
    _finish(source, output, keys)
    again = told(source, output)
    right = planned["planned"] == again["planned"] == count and again["worked"] == 0
    peak = max(planned["peak_mib"], again["peak_mib"])
    many, busy = f"{count:,} files", "{:.1f} s of processor time".format
    return [
        bounded(
            f"{many} are planned",
            planned["plan_s"],
            PLAN_S,
            "s",
            busy(planned["busy_s"]),
        ),
        bounded(
            f"{many}, finished, are gone on with",
            again["whole_s"],
            RESUME_S,
            "s",
            busy(again["busy_s"]),
        ),
        bounded("peak memory for both", peak, MOST_MIB, "MiB"),
        counted("every file was seen, and none done anew", 1, [] if right else ["no"]),
    ]


def _fill(source: Path, count: int) -> list[str]:
    """Write so many pictures; only the first of them are ever opened."""
    sound = picture(0, GREEN)
    keys = []
    for first in range(0, count, PER_FOLDER):
        place = source / f"{first // PER_FOLDER:04}"
        place.mkdir(parents=True)
        for number in range(first, min(count, first + PER_FOLDER)):
            (place / f"{number:06}.png").write_bytes(sound)
            keys.append(f"{place.name}/{number:06}.png")
    return keys


def _finish(source: Path, output: Path, keys: list[str]) -> None:
    """Write the ledger of a finished run, and outputs that fit to it."""
    asked = order(source, output)
    basis = resume.run_basis(asked.task)
    run_id = asked.task.workplace.run_id
    outcome = _real_outcome()
    with (
        contextlib.closing(Ledger(output / ".nightmend" / FILE_NAME)) as ledger,
        ledger.together(),
    ):
        ledger.start_run(_info(run_id, len(keys)))
        ledger.queue(run_id, ((source, key) for key in keys))
        for key in keys:
            target = output / key
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            os.link(source / key, target)
            stamp = Stamp.of(target.stat())
            ledger.claim(run_id, Claim(key, source, stamp, basis, "serial"))
            ended = replace(outcome, key=key, output=key)
            ledger.done(run_id, ended, written=stamp)


def _real_outcome() -> Outcome:
    """Return what a run makes of a picture with one hand."""
    with tempfile.TemporaryDirectory() as name:
        source = fill(Path(name) / "in", {"a.png": picture(1)})
        repair(source, Path(name) / "out")
        return outcomes(Path(name) / "out")["a.png"]


def _info(run_id: str, planned: int) -> RunInfo:
    return RunInfo(
        run_id=run_id,
        command="repair",
        argv=(),
        sources=(),
        output="",
        started="2026-01-01T00:00:00+00:00",
        finished="2026-01-01T08:00:00+00:00",
        ended_by="done",
        engine="fake",
        settings_json="{}",
        version="0",
        planned=planned,
    )


class _Watch:
    """An observer that notes when the planning was over."""

    def __init__(self) -> None:
        self.planned_at = 0.0

    def started(self, planned: int, finished_before: int) -> None:
        self.planned_at = time.monotonic()

    def finished(self, outcome: Outcome) -> None:
        pass

    def ended(self) -> None:
        pass


def told(source: Path, output: Path) -> dict[str, Any]:
    """Run once in a process of its own, which tells its times and its memory."""
    words = [sys.executable, "-m", "tests.torture.scale", str(source), str(output)]
    shown = subprocess.run(
        words, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT
    )
    plain: dict[str, Any] = json.loads(shown.stdout)
    return plain


def measure(source: Path, output: Path) -> dict[str, float]:
    """Run once; work on one picture at most."""
    watch, began, busy = _Watch(), time.monotonic(), time.process_time()
    asked = order(source, output, max_pictures=1)
    result = batch.run(asked, watch, build_tools=FakeTools())
    peak_kb = _peak_kb()
    return {
        "plan_s": watch.planned_at - began,
        "whole_s": time.monotonic() - began,
        "busy_s": time.process_time() - busy,
        "planned": result.planned,
        "worked": result.worked,
        "peak_mib": peak_kb / 1024,
    }


def _peak_kb() -> int:
    """Return this program's own peak; `getrusage` also counts its parent's.

    Linux carries the peak of the process that was forked over into the new program.
    """
    status = Path("/proc/self/status")
    if not status.is_file():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    line = next(one for one in status.read_text().splitlines() if "VmHWM" in one)
    return int(line.split()[1])


def ledger_share(scale: float) -> Row:
    """Time the ledger's part of a picture against the cheapest real repair there is.

    That is the classical engine on our samples, without a model and without a GPU:
    whatever else paints takes longer, and so the ledger's share is less.
    """
    promise = "ledger's share of the time of a picture"
    names = sorted(p for p in SAMPLES.iterdir() if p.suffix in {".png", ".jpg"})
    with _place_on_disk() as folder:
        per_picture_s = ledger_s(folder, scaled(COMMITS, scale, least=20))
        taken = _repair_s(folder, names[: scaled(len(names), scale)])
    typical_s = statistics.median(taken)
    note = (
        f"{1000 * per_picture_s:.1f} ms of {typical_s:.2f} s, the median of "
        f"{len(taken)} samples, classical engine on this processor"
    )
    share = 100 * per_picture_s / typical_s
    return bounded(promise, share, LEDGER_SHARE, "%", note)


def ledger_s(
    folder: Path, count: int, clock: Callable[[], float] = time.monotonic
) -> float:
    """Return the median seconds of what one picture has written in the ledger."""
    outcome, taken = _real_outcome(), []
    with contextlib.closing(Ledger(folder / FILE_NAME)) as ledger:
        ledger.start_run(_info("run", count))
        ledger.queue("run", ((folder, f"{n}.png") for n in range(count)))
        for number in range(count):
            key = f"{number}.png"
            ended, stamp = replace(outcome, key=key, output=key), Stamp(1, 1)
            began = clock()
            ledger.claim("run", Claim(key, folder, stamp, "basis", "serial"))
            ledger.staged("run", ended)
            ledger.done("run", ended, written=stamp)
            taken.append(clock() - began)
    return statistics.median(taken)


def _repair_s(folder: Path, samples: list[Path]) -> list[float]:
    """Return the seconds that the command took for each of these pictures."""
    source = fill(folder / "in", {path.name: path.read_bytes() for path in samples})
    words = [sys.executable, "-m", "pipeline", "repair", str(source)]
    words += ["--out", str(folder / "out"), "--engine", "classical"]
    subprocess.run(words, check=False, cwd=ROOT, capture_output=True)
    return [outcome.took_s for outcome in outcomes(folder / "out").values()]


@contextlib.contextmanager
def _place_on_disk() -> Iterator[Path]:
    """Make a folder where syncing a file means waiting for a disk."""
    with tempfile.TemporaryDirectory(
        prefix="nightmend-", dir=tempfile.gettempdir()
    ) as n:
        yield Path(n)


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), Path(sys.argv[2]))))
