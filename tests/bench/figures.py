"""What a benchmark returns, and how it measures: CPU time, in turns."""

import json
import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One line of the result."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    """The most it should be; None where there is nothing to reach."""

    def line(self) -> str:
        text = f"{self.name:66} {self.value:9.3f} {self.unit}"
        if self.goal is None:
            return text
        verdict = "met" if self.value <= self.goal else "MISSED"
        return f"{text}  (goal: at most {self.goal:g}, {verdict})"


@dataclass(frozen=True)
class Spent:
    """What one call took."""

    cpu_s: float
    """Seconds of processor time of all threads; other processes do not count."""

    wall_s: float


def spent(work: Callable[[], object]) -> Spent:
    """Measure one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Spent(time.process_time() - cpu, time.perf_counter() - wall)


def in_turns(
    works: Mapping[str, Callable[[], object]], rounds: int
) -> dict[str, list[Spent]]:
    """Measure several calls one after the other, over and over.

    What disturbs the machine then disturbs all of them alike, so that their ratio can
    be believed where single figures cannot.
    """
    taken: dict[str, list[Spent]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            taken[name].append(spent(work))
    return taken


def cpu_s(taken: list[Spent]) -> float:
    """Return the median processor time, in seconds."""
    return statistics.median(one.cpu_s for one in taken)


def ratio(upper: list[Spent], lower: list[Spent]) -> float:
    """Return the median of the ratios of two calls that were measured in turns."""
    pairs = zip(upper, lower, strict=True)
    return statistics.median(a.cpu_s / b.cpu_s for a, b in pairs)


def machine() -> dict[str, Any]:
    """Say how busy the machine is that this runs on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    return {"cores": cores or os.cpu_count(), "load": os.getloadavg()[0]}


def write_json(path: Path, groups: Mapping[str, list[Figure]]) -> None:
    """Write all figures to a file."""
    plain = {
        "machine": machine(),
        "figures": {
            name: [asdict(one) for one in figures] for name, figures in groups.items()
        },
    }
    path.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
