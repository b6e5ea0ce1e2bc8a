"""Measure repairs of drawn hands: how many are sound afterwards, and who says so.

Every malformed hand is given with a mask of the whole hand, so that what is measured is
the painting and the choosing, not the finding. "detector" is the detector `hands`, by
which candidates are also chosen; "counter" is `workshop.tiny_hands.counter`, which has
no part in that. The rows "as drawn" and "sound twin" say what both make of the hands
before, and of the same hands without their flaw: the floor and the ceiling.

Run: python -m workshop.tiny_hands.evaluate --model FOLDER --counter FILE --hands 200
"""

import argparse
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from detectors.arrays import RgbArray
from detectors.findings import Severity
from detectors.geometry import Box
from pipeline.settings import Settings
from pipeline.stages import blend
from pipeline.stages.detect import inspect
from pipeline.toolbox import Toolbox, build_toolbox
from workshop.tiny_hands.counter import CounterJudge
from workshop.tiny_hands.repairs import (
    Case,
    best_of,
    draw_case,
    repair,
    settings_for,
)

ABLATIONS: Mapping[str, Mapping[str, Any]] = {
    "whole picture": {"plan.mode": "whole-picture"},
    "latent noise": {"plan.masked_content": "latent-noise"},
    "fill": {"plan.masked_content": "fill"},
    "mask blur 0": {"plan.mask_blur_px": 0},
    "mask blur 12": {"plan.mask_blur_px": 12},
    "strength 0.4": {"plan.strength": 0.4},
    "strength 0.6": {"plan.strength": 0.6},
    "strength 0.9": {"plan.strength": 0.9},
    "guidance 1": {"inpaint.guidance_scale": 1.0},
    "guidance 5": {"inpaint.guidance_scale": 5.0},
}
"""Each changes one thing in the settings of the row "tiny-hands"."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one hand."""

    row: str
    n: int
    seed: int
    kind: str
    detector: bool
    """The detector finds a hand here, and every hand here in order."""

    counter: bool
    """The counter counts as many digits as the sound twin shows."""

    kept: bool
    """The original stayed, as nothing was better."""

    seam: float
    drift_outside: int
    """The largest change of any value where the mask does not reach, 0..255."""


class Judges:
    """Those who look at a hand afterwards."""

    def __init__(
        self, toolbox: Toolbox, counter: CounterJudge, mask_blur_px: int
    ) -> None:
        self._toolbox = toolbox
        self._counter = counter
        self._reach_px = blend.reach_px(mask_blur_px)

    def verdict(
        self, row: str, n: int, case: Case, after: RgbArray, seam: float
    ) -> Verdict:
        """Judge a picture after its repair; the same picture counts as kept."""
        changed = np.abs(after.astype(np.int16) - case.pixels).max(axis=2)
        around = np.ones((2 * self._reach_px + 1,) * 2)
        reached = cv2.dilate(case.mask.astype(np.uint8), around) > 0
        return Verdict(
            row,
            n,
            case.seed,
            case.kind,
            self._detector_says_sound(after, Box(*case.box)),
            self._counter.digits(after, case.box) == case.visible,
            not changed.any(),
            seam,
            int(changed[~reached].max(initial=0)),
        )

    def _detector_says_sound(self, pixels: RgbArray, box: Box) -> bool:
        kinds = self._toolbox.kinds
        here = [
            finding
            for finding in inspect(pixels, self._toolbox.detectors).findings
            if finding.box.overlap(box) >= 0.2
        ]
        fine = [kinds[finding.kind].severity is Severity.FINE for finding in here]
        return bool(fine) and all(fine)


def measured(
    row: str,
    cases: Sequence[Case],
    settings: Settings,
    counts: Sequence[int],
    counter: CounterJudge,
) -> Iterator[Verdict]:
    """Repair every hand by one set of settings, and judge what came of it."""
    toolbox = build_toolbox(settings, with_inpainter=True)
    judges = Judges(toolbox, counter, settings.plan.mask_blur_px)
    inpainter = toolbox.inpainter
    if inpainter is None:
        raise ValueError("a repair needs an inpainter")
    for case in cases:
        trial, gallery = repair(case, settings, toolbox, inpainter)
        for n in counts:
            after, seam = best_of(n, case, trial, gallery, settings)
            yield judges.verdict(row, n, case, after, seam)
    toolbox.close()


def table(verdicts: Sequence[Verdict]) -> str:
    """Return the shares by row and number of variations, as Markdown."""
    lines = [
        "| row | N | hands | sound by detector | sound by counter | kept | seam | "
        "change outside |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
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
            f"{max(v.drift_outside for v in mine)} |"
        )
    return "\n".join(lines)


def controls(cases: Sequence[Case], counter: CounterJudge) -> Iterator[Verdict]:
    """Judge the hands as they were drawn, and their sound twins."""
    toolbox = build_toolbox(settings_for(Path(), 1, 1), with_inpainter=False)
    judges = Judges(toolbox, counter, 0)
    for case in cases:
        yield judges.verdict("as drawn", 0, case, case.pixels, 0.0)
        yield judges.verdict("sound twin", 0, case, case.twin, 0.0)
    toolbox.close()


def rows(
    model: Path, steps: int, wanted: Sequence[str]
) -> Iterator[tuple[str, Settings, tuple[int, ...]]]:
    """Yield the name, the settings and the numbers of variations of each row."""
    if "tiny-hands" in wanted:
        yield "tiny-hands", settings_for(model, 8, steps), (1, 4, 8)
    if "classical" in wanted:
        changes = {"inpaint.engine": "classical"}
        yield "classical", settings_for(model, 4, steps, **changes), (1, 4)
    for name, changed in ABLATIONS.items():
        if "ablations" in wanted or name in wanted:
            yield name, settings_for(model, 4, steps, **changed), (4,)


def sheet(
    cases: Sequence[Case], settings: Settings, path: Path, count: int = 8
) -> None:
    """Write a picture: each hand, its mask, and all of its variations, best first."""
    toolbox = build_toolbox(settings, with_inpainter=True)
    if toolbox.inpainter is None:
        raise ValueError("a repair needs an inpainter")
    strips = []
    for case in cases[:count]:
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
    parser.add_argument(
        "--rows", nargs="*", default=["controls", "classical", "tiny-hands"]
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--sheet", type=Path, help="also draw some of them here")
    given = parser.parse_args()
    torch.set_num_threads(1)
    counter = CounterJudge(given.counter)
    cases = [draw_case(number) for number in range(given.hands)]
    if given.sheet:
        sheet(cases, settings_for(given.model, 6, given.steps), given.sheet)
    verdicts = list(controls(cases, counter)) if "controls" in given.rows else []
    for row, settings, counts in rows(given.model, given.steps, given.rows):
        started = time.monotonic()
        verdicts += measured(row, cases, settings, counts, counter)
        print(f"{row}: {time.monotonic() - started:.0f} s", flush=True)
    print(table(verdicts))
    if given.json:
        plain = [asdict(verdict) for verdict in verdicts]
        given.json.write_text(json.dumps({"steps": given.steps, "verdicts": plain}))


if __name__ == "__main__":
    main()
