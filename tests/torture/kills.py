"""Kill a run before each call that changes the disk, and at random moments."""

import random
import time
from collections import Counter
from pathlib import Path

from tests.torture.deaths import Way, best, spread
from tests.torture.forked import killed_after
from tests.torture.rows import Row, counted, scaled
from tests.torture.scenes import Scene, both, resumed, undisturbed

POINTS, MOMENTS = 1000, 500


def run(scale: float, folder: Path) -> list[Row]:
    """Return what came of both ways to be killed."""
    return [
        points(scaled(POINTS, scale, least=4), folder, best()),
        moments(scaled(MOMENTS, scale, least=4), folder),
    ]


def points(count: int, folder: Path, way: Way) -> Row:
    """Kill runs before state-changing calls, each before another one.

    Half of them write to an empty folder, half replace what is there. A run that lives
    on counts as broken: a kill that did not happen proves nothing.
    """
    broken: list[str] = []
    kinds: Counter[str] = Counter()
    there = tried = 0
    for scene in both(folder / "points", 3 if count < 700 else 5):
        expected = undisturbed(scene)
        calls = way.points(scene)
        there += len(calls)
        for call in spread(calls, count // 2):
            tried += 1
            scene.reset()
            if not way.kill(scene, call):
                broken.append(f"{scene.name}: lived on after {call}")
                continue
            kinds[call.name] += 1
            said = resumed(scene, expected)
            if said:
                broken.append(f"{scene.name}, killed before {call}: {said}")
    most = ", ".join(f"{name} {n}" for name, n in kinds.most_common(5))
    note = f"{kinds.total()} died, of {there} {way.name} of two runs: {most}"
    return counted("killed before a call that changes the disk", tried, broken, note)


def moments(count: int, folder: Path) -> Row:
    """Kill runs when some time has passed; a second kill may meet the next run."""
    rng = random.Random(4)
    scenes = [(scene, undisturbed(scene)) for scene in both(folder / "moments", 3)]
    lasts = {scene.name: _lasts_s(scene) for scene, _ in scenes}
    broken: list[str] = []
    died = 0
    for number in range(count):
        scene, expected = scenes[number % 2]
        scene.reset()
        after = [rng.uniform(0.0, lasts[scene.name]) for _ in range(rng.choice([1, 2]))]
        ends = [killed_after(scene.work, seconds) for seconds in after]
        died += ends[0]
        said = resumed(scene, expected)
        if said:
            times = ", ".join(f"{1000 * seconds:.1f} ms" for seconds in after)
            broken.append(f"{scene.name}, killed after {times}: {said}")
    note = f"{died} died before their end"
    if died < count / 4:
        broken.append(f"only {died} of {count} runs were killed before their end")
    return counted("killed at a random moment", count, broken, note)


def _lasts_s(scene: Scene) -> float:
    """Return how long a run takes from its fork to its end, at the least."""
    lasted = []
    for _ in range(3):
        scene.reset()
        began = time.monotonic()
        killed_after(scene.work, 600.0)
        lasted.append(time.monotonic() - began)
    scene.reset()
    return min(lasted)
