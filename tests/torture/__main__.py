"""Put every promise about a night to the test, and print a table: make torture.

With `--scale 0.01` each is tried a hundredth as often, which shows that it works.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2

from tests.bench.figures import machine
from tests.torture import (
    branches,
    damaged,
    faults,
    kills,
    poisoned,
    power,
    replaced,
    scale,
    soak,
    starts,
    worn,
)
from tests.torture.forked import workplace
from tests.torture.rows import HEAD, Row

PARTS: Mapping[str, Callable[[float, Path], list[Row]]] = {
    "kills": kills.run,
    "power": power.run,
    "faults": faults.run,
    "damaged": damaged.run,
    "poisoned": poisoned.run,
    "replaced": replaced.run,
    "soak": soak.run,
    "scale": scale.run,
    "starts": starts.run,
    "worn": worn.run,
    "branches": branches.run,
}
SHOWN = 10


def main() -> int:
    """Run the parts that were asked for, all by default; 1 when a promise broke."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.torture", description=__doc__
    )
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], default=[])
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--folder", type=Path, help="where to work")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    cv2.setNumThreads(0)  # its threads do not survive a fork
    busy = machine()
    print(f"{busy['cores']} cores, load {busy['load']:.1f}, scale {given.scale:g}")
    print(HEAD, flush=True)
    rows: list[Row] = []
    for name in given.parts or PARTS:
        began = time.monotonic()
        with workplace(given.folder) as folder:
            rows += (fresh := PARTS[name](given.scale, folder))
        for row in fresh:
            print(row.line(), *row.broken[:SHOWN], sep="\n    ")
        print(f"    ({name}: {time.monotonic() - began:.0f} s)", flush=True)
    failed = [row.promise for row in rows if not row.kept]
    print(f"{len(rows) - len(failed)} of {len(rows)} held")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
