"""Measure speed and memory, and print ratios: make bench."""

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.bench import checking, detecting, loading, memory, repairing, working
from tests.bench.figures import Figure, machine, write_json

PARTS: Mapping[str, Callable[[], list[Figure]]] = {
    "loading": loading.run,
    "detecting": detecting.run,
    "checking": checking.run,
    "repairing": repairing.run,
    "memory": memory.run,
    "working": working.run,
}


def main() -> int:
    """Run the parts that were asked for, all by default."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], default=[])
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    busy = machine()
    print(f"{busy['cores']} cores, load {busy['load']:.1f}; times are processor time")
    groups = {}
    for name in given.parts or PARTS:
        print(f"\n{name}", flush=True)
        began = time.perf_counter()
        groups[name] = PARTS[name]()
        for figure in groups[name]:
            print(f"  {figure.line()}")
        print(f"  ({time.perf_counter() - began:.0f} s)", flush=True)
    if given.json is not None:
        write_json(given.json, groups)
    return 0


if __name__ == "__main__":
    sys.exit(main())
