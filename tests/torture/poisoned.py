"""Repair pictures of which some are the end of every worker that looks at them."""

import time
from pathlib import Path

from pipeline.errors import ExitCode
from pipeline.records import Outcome, Status
from tests.support.poison import DEADLY, PoisonTools, poisoned, workers
from tests.support.runs import fill, outcomes, picture, repair, tree
from tests.torture.rows import Row, counted, scaled

PICTURES, SHARE = 1000, 0.05
PROMISE = "5 % of the pictures kill or hang their worker"


def run(scale: float, folder: Path) -> list[Row]:
    """Return what came of a folder of which one in twenty is poison."""
    return [poison(scaled(PICTURES, scale, least=20), folder / "poison")]


def poison(count: int, folder: Path, detect_s: float = 5.0) -> Row:
    """Repair so many pictures with two worker processes.

    Args:
        count: How many pictures there are.
        folder: Where to work.
        detect_s: When a worker that hangs is given up.
    """
    every = round(1 / SHARE)
    poisons = {
        f"{n:05}.png": DEADLY[n // every % len(DEADLY)] for n in range(7, count, every)
    }
    files = {f"{n:05}.png": picture(n) for n in range(count)}
    files |= {name: poisoned(int(name[:5]), which) for name, which in poisons.items()}
    source, output = fill(folder / "in", files), folder / "out"
    before, began = tree(source), time.monotonic()

    result = repair(source, output, PoisonTools(), settings=workers(detect_s=detect_s))

    took_s = time.monotonic() - began
    ended = outcomes(output)
    broken = [
        f"{name}: {said}"
        for name in files
        if (said := _what_is_wrong(ended.get(name), poisons.get(name, "")))
    ]
    whole = {
        f"the exit code is {result.code!r}": result.code is ExitCode.SOME_FAILED,
        "another number was worked on": result.worked == count,
        "the outputs are others": set(tree(output)) == set(files) - set(poisons),
        "a temporary file is left": not list(output.rglob("*.part")),
        "an input was changed": tree(source) == before,
    }
    broken += [said for said, holds in whole.items() if not holds]
    note = f"{len(poisons)} in quarantine, all others done, in {took_s:.0f} s"
    return counted(PROMISE, count, broken, note)


def _what_is_wrong(outcome: Outcome | None, poison: str) -> str:
    if outcome is None:
        return "it has no ending"
    if not poison:
        return "" if outcome.status is Status.REPAIRED else f"{outcome.status.value}"
    if outcome.status is not Status.QUARANTINED:
        return f"{poison}: it ended as {outcome.status.value}"
    said = outcome.problem
    if not said.startswith("given up after 2 attempts: the worker "):
        return f"{poison}: {said!r}"
    kept = "until the picture or the settings change" in said
    return "" if kept else f"{poison}: {said!r}"
