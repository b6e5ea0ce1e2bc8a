"""Repair drawn hands, and say of each what those who look at it afterwards say."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

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
from pipeline.trial import Trial
from workshop.tiny_hands.counter import CounterJudge
from workshop.tiny_hands.decoded_twin import DecodedTwin
from workshop.tiny_hands.repairs import Case, best_of, draw_case, repair, settings_for

CONTROLS = ("as drawn", "sound twin")
"""What hands are called that nothing was done to."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what is done to the hands."""

    name: str
    settings: Settings | None
    """None looks at the hands as they were drawn, and at their sound twins."""

    counts: tuple[int, ...]
    """Numbers of variations out of which the best is taken."""

    small: bool = False
    """The hands are small in large pictures."""

    decoded: bool = False
    """Nothing is painted: the sound twin goes through the autoencoder."""


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

    painted_sound: float | None = None
    """Share of the variations, refused ones included, that the detector takes for
    sound; None where none was painted. It says more about painting than the outcome
    does, as most hands have several variations and only one outcome."""

    painted_blur: float | None = None
    """Mean of how much softer they are than the hand was, in octaves."""


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
    row: Row, settings: Settings, cases: Sequence[Case], counter: CounterJudge
) -> Iterator[Verdict]:
    """Repair every hand by one set of settings, and judge what came of it."""
    toolbox = build_toolbox(settings, with_inpainter=not row.decoded)
    judges = Judges(toolbox, counter, settings.plan.mask_blur_px)
    for case in cases:
        inpainter = toolbox.inpainter or DecodedTwin(
            Path(settings.inpaint.model), case.twin
        )
        trial, gallery = repair(case, settings, toolbox, inpainter)
        for n in row.counts:
            after, seam = best_of(n, case, trial, gallery, settings)
            verdict = judges.verdict(row.name, n, case, after, seam)
            sound, blur = _as_painted(trial, n, settings.hands.suspect_above)
            yield replace(verdict, painted_sound=sound, painted_blur=blur)
    toolbox.close()


def _as_painted(
    trial: Trial, n: int, suspect_above: float
) -> tuple[float | None, float | None]:
    """Return the share of the first n variations that is sound, and their blur."""
    costs = [each.cost for each in trial.attempts if each.number < n and each.cost]
    if not costs:
        return None, None
    sound = float(np.mean([cost.flaw < suspect_above for cost in costs]))
    return sound, float(np.mean([cost.blur for cost in costs]))


def controls(cases: Sequence[Case], counter: CounterJudge) -> Iterator[Verdict]:
    """Judge the hands as they were drawn, and their sound twins."""
    toolbox = build_toolbox(settings_for(Path(), 1, 1), with_inpainter=False)
    judges = Judges(toolbox, counter, 0)
    for case in cases:
        for name, pixels in zip(CONTROLS, (case.pixels, case.twin), strict=True):
            yield judges.verdict(name, 0, case, pixels, 0.0)
    toolbox.close()


def verdicts_of(row: Row, numbers: Sequence[int], counter: Path) -> list[Verdict]:
    """Measure some of the hands in this process, on one core."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    judge = CounterJudge(counter)
    cases = [draw_case(number, small=row.small) for number in numbers]
    if row.settings is None:
        return list(controls(cases, judge))
    return list(measured(row, row.settings, cases, judge))
