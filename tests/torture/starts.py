"""Start several runs on one output folder at the same moment: exactly one works."""

import os
import shutil
import time
from pathlib import Path

from pipeline.errors import ExitCode, Locked
from pipeline.records import PaintRequest
from tests.support.fakes import Result
from tests.support.runs import FakeTools, fill, picture, repaint, repair, tree
from tests.torture.forked import ended, fork
from tests.torture.rows import Row, counted, scaled

AT_ONCE, TIMES = 8, 100
PROMISE = f"of {AT_ONCE} simultaneous starts exactly one works"
PATIENCE_S = 60.0


def run(scale: float, folder: Path) -> list[Row]:
    """Return what came of several such starts."""
    times = scaled(TIMES, scale, least=2)
    source = fill(folder / "starts" / "in", {f"{n}.png": picture(n) for n in range(2)})
    repair(source, folder / "starts" / "whole")
    expected = tree(folder / "starts" / "whole")
    broken = []
    for number in range(times):
        output = folder / "starts" / "out"
        shutil.rmtree(output, ignore_errors=True)
        codes = sorted(start_at_once(AT_ONCE, source, output))
        if codes != [ExitCode.OK, *[ExitCode.LOCKED] * (AT_ONCE - 1)]:
            broken.append(f"time {number}: the exit codes are {codes}")
        elif tree(output) != expected:
            broken.append(f"time {number}: the output is another")
    return [counted(PROMISE, times, broken)]


def start_at_once(count: int, source: Path, output: Path) -> list[int]:
    """Start so many runs together; return their exit codes.

    Who works waits until all others were turned away, so that none comes late and
    finds the folder free again.
    """
    turned_away = output.with_name("turned-away")
    shutil.rmtree(turned_away, ignore_errors=True)
    turned_away.mkdir(parents=True)

    def wait_and_paint(request: PaintRequest, number: int) -> Result:
        until = time.monotonic() + PATIENCE_S
        while len(os.listdir(turned_away)) < count - 1:  # noqa: PTH208
            if time.monotonic() > until:
                raise RuntimeError("the others were not turned away")
            time.sleep(0.002)
        return repaint(request, number)

    def start(gate: int) -> int:
        os.read(gate, 1)
        try:
            return int(repair(source, output, FakeTools(wait_and_paint)).code)
        except Locked:
            (turned_away / str(os.getpid())).touch()
            raise

    waiting, opening = os.pipe()

    def child() -> int:
        os.close(opening)
        return start(waiting)

    children = [fork(child) for _ in range(count)]
    os.close(waiting)
    os.close(opening)  # what all of them wait for
    return [ended(one) for one in children]
