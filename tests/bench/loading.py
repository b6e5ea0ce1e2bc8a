"""How often each model is loaded in one run."""

import contextlib
import io
import tempfile
from pathlib import Path

from pipeline.cli.main import main
from tests.bench.figures import Figure
from tests.support.loads import counted_loads
from tests.support.pictures import draw_scene, encoded


def run() -> list[Figure]:
    """Return how many models a check loads, and the most loads of one."""
    with tempfile.TemporaryDirectory(prefix="nightmend-bench-") as name:
        for number in range(3):
            scene = draw_scene(128, 128, seed=number)
            (Path(name) / f"{number}.png").write_bytes(encoded(scene, "PNG"))
        words = ["check", name, "--detect", "hands,faces,people,quality"]
        words += ["--exit-zero", "--no-cache"]
        quiet = io.StringIO()
        with (
            contextlib.redirect_stdout(quiet),
            contextlib.redirect_stderr(quiet),
            counted_loads() as counts,
        ):
            main(words)
    for model, count in sorted(counts.items()):
        print(f"  loaded {count} x  {model}")
    most = max(counts.values())
    return [Figure("most loads of one model in a run", most, "x", 1.0)]
