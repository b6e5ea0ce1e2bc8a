"""Measure repairs of drawn hands: how many are sound afterwards, and who says so.

Every malformed hand is told as a flaw with a mask of the whole hand, so that what is
measured is the painting and the choosing, not the finding. "detector" is the detector
`hands`, by which candidates are also chosen; "counter" is
`workshop.tiny_hands.counter`, which has no part in that. The rows "as drawn" and "sound
twin" say what both make of the hands before, and of the same hands without their flaw:
the floor and the ceiling; "twin, decoded" puts the twin itself in place as the model's
autoencoder returns it, above which no UNet can get. "variations sound" and "blur" are
of all that was painted, refused or not, with the standard error over the hands.

Run: python -m workshop.tiny_hands.evaluate --model FOLDER --counter FILE --hands 200
A line takes up to an hour. With --json FILE what is measured is kept as it comes, and
the same command goes on where it was stopped.
"""

import argparse
import hashlib
import json
import multiprocessing
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from pipeline.settings import Settings
from pipeline.toolbox import build_toolbox
from workshop.tiny_hands.repairs import FIRST, Case, draw_case, repair, settings_for
from workshop.tiny_hands.verdicts import CONTROLS, Row, Verdict, verdicts_of

MODELS = Path(__file__).parents[2] / "models"

SHOWN = 8
"""Hands on the sheet."""

AT_ONCE = 5
"""Hands that a worker takes; what it says of them is kept together."""

ABLATED = 2
"""Variations in the rows that change one thing; to be compared with N = 2."""

STANDARD = ("controls", "twin, decoded", "classical", "tiny-hands")
"""Rows that are measured where none are asked for."""

ABLATIONS: Mapping[str, Mapping[str, Any]] = {
    "as it is": {},
    "small, only masked": {"plan.mode": "only-masked"},
    "small, whole picture": {"plan.mode": "whole-picture"},
    "latent noise": {"plan.masked_content": "latent-noise"},
    "fill": {"plan.masked_content": "fill"},
    "mask blur 0": {"plan.mask_blur_px": 0},
    "mask blur 12": {"plan.mask_blur_px": 12},
    "strength 0.4": {"plan.strength": 0.4},
    "strength 0.6": {"plan.strength": 0.6},
    "strength 0.9": {"plan.strength": 0.9},
    "without grain": {"inpaint.match_grain": False},
    "working size 224": {"plan.working_px": 224},
    "no pose": {"inpaint.control": "none"},
    "guidance 1.5": {"inpaint.guidance_scale": 1.5},
}
"""Each changes one thing in the settings of the row "tiny-hands"; the first none, for
other models."""


def table(verdicts: Sequence[Verdict]) -> str:
    """Return the shares by row and number of variations, as Markdown."""
    lines = [
        "| row | N | hands | sound by detector | sound by counter | kept | seam | "
        "change outside | variations sound | blur |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row, n in dict.fromkeys((verdict.row, verdict.n) for verdict in verdicts):
        mine = [v for v in verdicts if (v.row, v.n) == (row, n)]
        seams = [v.seam for v in mine if not v.kept]
        lines.append(
            f"| {row} | {n or ''} | {len(mine)} | "
            f"{np.mean([v.detector for v in mine]):.2f} | "
            f"{np.mean([v.counter for v in mine]):.2f} | "
            f"{np.mean([v.kept for v in mine]):.2f} | "
            f"{np.mean(seams) if seams else 0:.2f} | "
            f"{max(v.drift_outside for v in mine)} | "
            f"{_mean([v.painted_sound for v in mine])} | "
            f"{_mean([v.painted_blur for v in mine])} |"
        )
    return "\n".join(lines)


def _mean(figures: Sequence[float | None]) -> str:
    """Return a mean over the hands, with its standard error."""
    known = np.array([figure for figure in figures if figure is not None])
    if len(known) < 2:
        return ""
    return f"{known.mean():.2f} ± {known.std(ddof=1) / len(known) ** 0.5:.2f}"


def rows(model: Path, steps: int, wanted: Sequence[str]) -> Iterator[Row]:
    """Yield the lines that are wanted."""
    if "controls" in wanted:
        yield Row("controls", None, ())
    if "twin, decoded" in wanted:
        settings = settings_for(model, 1, steps)
        yield Row("twin, decoded", settings, (1,), decoded=True)
    if "classical" in wanted:
        changes = {"inpaint.engine": "classical", "inpaint.control": "none"}
        yield Row("classical", settings_for(model, 4, steps, **changes), (1, 4))
    if "tiny-hands" in wanted:
        yield Row("tiny-hands", settings_for(model, 8, steps), (1, 2, 4, 8))
    for name, changed in ABLATIONS.items():
        if "ablations" in wanted or name in wanted:
            settings = settings_for(model, ABLATED, steps, **changed)
            yield Row(name, settings, (ABLATED,), small=name.startswith("small"))


class Kept:
    """What was measured so far, in a file where one is named."""

    def __init__(self, file: Path | None, model: Path, steps: int) -> None:
        """Take up what an earlier run has kept.

        Raises:
            ValueError: the file is of other settings or weights.
        """
        self._file = file
        settings = settings_for(model, 1, steps).model_dump(mode="json")
        # Weights of the detectors, which judge, are among those that these list.
        weights = (MODELS / "SHA256SUMS").read_text()
        told = json.dumps(settings, sort_keys=True) + weights
        self._of = {
            "model": str(model),
            "steps": steps,
            "of": hashlib.sha256(told.encode()).hexdigest(),
        }
        self.verdicts: list[Verdict] = []
        if file is not None and file.exists():
            stored = json.loads(file.read_text())
            if any(stored.get(name) != value for name, value in self._of.items()):
                raise ValueError(f"{file} was measured with others than {self._of}")
            self.verdicts = [Verdict(**each) for each in stored["verdicts"]]

    def of(self, row: Row) -> list[Verdict]:
        """Return the verdicts of a line, in the order of variations and hands."""
        names = CONTROLS if row.settings is None else (row.name,)
        mine = [verdict for verdict in self.verdicts if verdict.row in names]
        return sorted(mine, key=lambda verdict: (verdict.row, verdict.n, verdict.seed))

    def add(self, verdicts: Sequence[Verdict]) -> None:
        """Keep some more."""
        self.verdicts += verdicts
        if self._file is not None:
            plain = [asdict(verdict) for verdict in self.verdicts]
            self._file.write_text(json.dumps({**self._of, "verdicts": plain}))


def measure(row: Row, hands: int, counter: Path, pool: Executor, kept: Kept) -> None:
    """Measure what a line lacks, on several cores."""
    known = {verdict.seed - FIRST for verdict in kept.of(row)}
    left = [number for number in range(hands) if number not in known]
    jobs = [
        pool.submit(verdicts_of, row, left[start : start + AT_ONCE], counter)
        for start in range(0, len(left), AT_ONCE)
    ]
    for job in as_completed(jobs):
        kept.add(job.result())


def sheet(cases: Sequence[Case], settings: Settings, path: Path) -> None:
    """Write a picture: each hand, its mask, and all of its variations, best first."""
    toolbox = build_toolbox(settings, with_inpainter=True)
    if toolbox.inpainter is None:
        raise ValueError("a repair needs an inpainter")
    strips = []
    for case in cases:
        trial, gallery = repair(case, settings, toolbox, toolbox.inpainter)
        marked = case.pixels.copy()
        marked[case.mask] = marked[case.mask] // 2 + 96
        window = trial.conclude().window
        strip = [case.pixels, marked]
        done = [a for a in trial.attempts if a.cost is not None]
        for attempt in sorted(done, key=lambda a: a.cost.total if a.cost else 0.0):
            after = case.pixels.copy()
            name = f"p1-r{trial.patch.number}-v{attempt.number}"
            after[window.rows, window.columns] = gallery.kept[name]
            strip.append(after)
        blank = np.zeros_like(case.pixels)
        strip += [blank] * (2 + settings.plan.variations - len(strip))
        small = [cv2.resize(p, (160, 160), interpolation=cv2.INTER_AREA) for p in strip]
        strips.append(np.concatenate(small, axis=1))
    cv2.imwrite(str(path), np.concatenate(strips)[:, :, ::-1])
    toolbox.close()


def main() -> None:
    """Read the command line, measure, print the table, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--counter", type=Path, required=True)
    parser.add_argument("--hands", type=int, default=200)
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--rows", nargs="*", default=STANDARD)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--sheet", type=Path, help="also draw some of them here")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.sheet:
        cases = [draw_case(number) for number in range(SHOWN)]
        sheet(cases, settings_for(given.model, 6, given.steps), given.sheet)
    kept = Kept(given.json, given.model, given.steps)
    told: list[Verdict] = []
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(given.workers, mp_context=context) as pool:
        for row in rows(given.model, given.steps, given.rows):
            started = time.monotonic()
            measure(row, given.hands, given.counter, pool, kept)
            told += kept.of(row)
            print(f"{row.name}: {time.monotonic() - started:.0f} s", flush=True)
            print(table(kept.of(row)), flush=True)
    print(table(told))


if __name__ == "__main__":
    main()
