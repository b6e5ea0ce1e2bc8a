"""Compare ways to paint the best of N: make bench-repair.

All engines paint the same regions with the same networks in one process, in turns, on
one thread; what is compared is processor time, which the load of the machine disturbs
little and disturbs all alike. Engines that do not stop cost the same for every region,
so they may be run on fewer regions and are told per region.
"""

import argparse
import json
import statistics
import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from tests.bench.figures import Figure, machine
from tests.bench.repair_engines import ENGINES, has_asdff
from tests.bench.repair_work import (
    STEPS_RUN,
    Networks,
    Script,
    asked,
    networks,
    peak_memory,
    pictures,
)

MOST_SAMPLES = 69.0
"""UNet samples a region, as it was set before anything was measured. The policy's own
mean over endlessly many regions is a little above it, at 22 samples a variation."""


@dataclass(frozen=True)
class Run:
    """One engine in one round."""

    regions: int
    cpu_s: float
    unet_samples: int
    encoded: int
    decoded: int
    text_calls: int
    networks_cpu_s: float
    """What the networks took of it."""

    passed: float
    mean_cost: float
    grew_mib: float
    occupancy: float | None = None
    floor_s: float | None = None
    """The least its UNet samples could cost, plus what its other networks took."""

    @property
    def cpu_per_region(self) -> float:
        return self.cpu_s / self.regions


def measured(name: str, nets: Networks, regions: int, script: Script) -> Run:
    """Run an engine once."""
    counts, cpu, bare = nets.spent.counts, nets.spent.cpu_s, nets.bare
    shown = pictures(regions)
    for region in range(regions):
        asked(region, script)  # drawn now, so that nobody is charged for it
    seen: dict[str, float] = {}
    counts.clear()
    cpu.clear()
    bare.samples, bare.cpu_s = 0, 0.0
    with peak_memory(seen):
        began = time.process_time()
        done = ENGINES[name](nets, shown, script)
        took = time.process_time() - began - bare.cpu_s
    others_s = cpu["encode"] + cpu["decode"] + cpu["text"]
    floor = None
    if bare.samples:
        floor = counts["unet"] * bare.cpu_s / bare.samples + others_s
    return Run(
        regions=regions,
        cpu_s=took,
        unet_samples=counts["unet"],
        encoded=counts["encode"],
        decoded=counts["decode"],
        text_calls=counts["text"],
        networks_cpu_s=cpu["unet"] + others_s,
        passed=statistics.mean(c < script.passes for c in done.costs.values()),
        mean_cost=statistics.mean(done.costs.values()),
        grew_mib=seen["grew_mib"],
        occupancy=done.occupancy,
        floor_s=floor,
    )


def compared(
    names: Sequence[str], regions: int, peer_regions: int, script: Script, rounds: int
) -> Mapping[str, list[Run]]:
    """Run engines in turns, and return all runs by name."""
    nets = networks()
    for name in names:
        measured(name, nets, 1, script)
    runs: dict[str, list[Run]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            few = regions if name in ("ours", "pipe-loop-stop") else peer_regions
            runs[name].append(measured(name, nets, few, script))
            print(f"  {name}: {runs[name][-1].cpu_s:.1f} s", flush=True)
    return runs


def table(runs: Mapping[str, list[Run]]) -> str:
    """Return one line per engine."""
    head = (
        f"{'engine':16}{'regions':>8}{'CPU ms/region':>15}{'x ours':>8}"
        f"{'UNet/region':>13}{'encodes':>9}{'decodes':>9}{'text':>6}"
        f"{'passed':>8}{'cost':>7}{'filled':>8}{'grew MiB':>10}"
    )
    ours = _cpu(runs["ours"]) if "ours" in runs else None
    lines = [head]
    for name, each in runs.items():
        one, cpu = each[0], _cpu(each)
        filled = "" if one.occupancy is None else f"{one.occupancy:.3f}"
        times = "" if ours is None else f"{cpu / ours:.2f}"
        lines.append(
            f"{name:16}{one.regions:8}{1000 * cpu:15.0f}{times:>8}"
            f"{one.unet_samples / one.regions:13.1f}{one.encoded / one.regions:9.1f}"
            f"{one.decoded / one.regions:9.1f}{one.text_calls:6}"
            f"{one.passed:8.2f}{one.mean_cost:7.3f}{filled:>8}"
            f"{max(run.grew_mib for run in each):10.0f}"
        )
    return "\n".join(lines)


def figures(runs: Mapping[str, list[Run]], script: Script) -> list[Figure]:
    """Return what is to be reached, as far as the engines for it were run."""
    found: list[Figure] = []
    if "ours" in runs:
        one = runs["ours"][0]
        needed = sum(script.runs_needed(region) for region in range(one.regions))
        least = needed * 2 * STEPS_RUN / one.regions
        expected = script.runs_expected * 2 * STEPS_RUN
        found += [
            Figure(
                f"UNet samples a region; the policy's own mean is {expected:.2f}",
                one.unet_samples / one.regions,
                "",
                MOST_SAMPLES,
            ),
            Figure(
                "the same, over what the policy needs",
                one.unet_samples / one.regions / least,
                "x",
                1.0,
            ),
            Figure("VAE encodes a region and pass", one.encoded / one.regions, "", 1.0),
            Figure("slots empty", 1 - (one.occupancy or 0), "of 1", 0.05),
            Figure("CPU over the policy's floor", _over_floor(runs["ours"]), "x", 1.03),
            Figure("CPU over that of the networks", _over_nets(runs["ours"]), "x"),
        ]
    for ahead, behind, goal in (
        ("ours", "asdff", 4.8),
        ("ours", "pipe-loop-stop", 1.8),
        ("ours-all", "asdff", 2.0),
        ("ours", "pipe-batch", None),
    ):
        if ahead in runs and behind in runs:
            share = _cpu(runs[ahead]) / _cpu(runs[behind])
            name = f"CPU of {ahead} over {behind} (1 / {1 / share:.2f})"
            found.append(Figure(name, share, "x", None if goal is None else 1 / goal))
    return found


def _cpu(each: Sequence[Run]) -> float:
    return statistics.median(run.cpu_per_region for run in each)


def _over_floor(each: Sequence[Run]) -> float:
    return statistics.median(run.cpu_s / run.floor_s for run in each if run.floor_s)


def _over_nets(each: Sequence[Run]) -> float:
    return statistics.median(run.cpu_s / run.networks_cpu_s for run in each)


def main(words: Sequence[str] | None = None) -> int:
    """Run the engines that were asked for, all by default."""
    parser = argparse.ArgumentParser(prog="tests.bench.repair", description=__doc__)
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--regions", type=int, default=64)
    parser.add_argument("--peer-regions", type=int, help="for engines that never stop")
    parser.add_argument("--n", type=int, default=8)
    parser.add_argument("--p", type=float, default=0.3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    given = parser.parse_args(words)
    names = given.engines.split(",")
    for name in set(names) - set(ENGINES):
        parser.error(f"there is no engine {name!r}; known are {', '.join(ENGINES)}")
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    script = Script(given.n, given.p, given.regions)
    few = given.peer_regions or given.regions
    runs = compared(names, given.regions, few, script, given.rounds)
    print(table(runs))
    if "asdff" in runs:
        real = "asdff itself" if has_asdff() else "the calls of asdff 0.2.1, imitated"
        print(f"asdff: {real}")
    found = figures(runs, script)
    for figure in found:
        print(figure.line())
    if given.json is not None:
        given.json.write_text(_json(given, runs, found), encoding="utf-8")
    return 0


def _json(
    given: argparse.Namespace, runs: Mapping[str, list[Run]], found: list[Figure]
) -> str:
    plain: dict[str, Any] = {
        "machine": machine(),
        "options": {k: v for k, v in vars(given).items() if k != "json"},
        "asdff": "installed" if has_asdff() else "imitated",
        "runs": {name: [asdict(one) for one in each] for name, each in runs.items()},
        "figures": [asdict(figure) for figure in found],
    }
    return json.dumps(plain, indent=1) + "\n"


if __name__ == "__main__":
    sys.exit(main())
