"""One picture repaired again and again, each time from what came out before.

Inpainting wears a picture out: peers that take whatever was painted last end worse than
they began. Here every run may only make it better, and at some point refuses to go on.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch

from detectors.arrays import RgbArray
from detectors.findings import Remedy
from pipeline.inpainters.contract import Inpainter
from pipeline.inpainters.diffusion.engine import DiffusionInpainter
from pipeline.inpainters.diffusion.load import load_checkpoint
from pipeline.models import LocatedModel
from pipeline.records import Outcome, PaintRequest, Status
from pipeline.settings import InpaintSettings, Settings
from pipeline.stages.blend import reach_px
from pipeline.toolbox import Toolbox
from tests.pipeline.inpainters.tiny import save_family
from tests.support.checks import decoded
from tests.support.fakes import Colour, FakeDetector, FakeInpainter, Result, draw
from tests.support.pictures import encoded
from tests.support.runs import HAND, SIZE, fill, outcomes, repair

PASSES = 15
LIFETIME = 8
SHADES: tuple[Colour, ...] = tuple((250 - 14 * n, 10 + 14 * n, 60) for n in range(17))
"""Of a hand, from badly malformed to nearly in order."""

HANDS: dict[Colour, tuple[str, float, Remedy]] = {
    shade: ("hand/malformed", 0.99 - 0.03 * number, "redraw")
    for number, shade in enumerate(SHADES)
}


@dataclass
class Tools:
    """Builds a detector of graded hands, and an engine."""

    engine: Callable[[], Inpainter]
    built: list[Inpainter] = field(default_factory=list)

    def __call__(self, settings: Settings, *, with_inpainter: bool) -> Toolbox:
        self.built.append(self.engine())
        return Toolbox((FakeDetector(HANDS),), self.built[-1])


def settings(seed: int) -> Settings:
    """Accept the smallest gain, so that nothing but the guards stops the wear."""
    return Settings.model_validate(
        {
            "run": {"seed": seed, "min_free_mib": 0},
            "choose": {"min_gain": 0.01, "min_flaw_drop": 0.0, "retry_steps": []},
            "passes": {"limit": 1, "lifetime": LIFETIME},
            "plan": {"variations": 2},
            "score": {"blur_weight": 0.0},
        }
    )


@dataclass
class Lived:
    """What became of a picture over many runs."""

    pictures: list[RgbArray]
    """The original, and what each run made of it."""

    files: list[bytes]
    told: list[Outcome]

    def flaw(self, run: int) -> float:
        """Return how flawed the hand is after a run; 1 where there is none any more."""
        found = FakeDetector(HANDS).inspect(self.pictures[run])
        return max((finding.confidence for finding in found), default=1.0)


def live(tmp_path: Path, engine: Callable[[], Inpainter], shade: int = 4) -> Lived:
    """Run PASSES repairs in a row, each with another seed, over one picture."""
    start = encoded(draw(SIZE, {HAND: SHADES[shade]}), "PNG")
    folder = fill(tmp_path / "0", {"a.png": start})
    lived = Lived([decoded(start)], [start], [])
    for run in range(1, PASSES + 1):
        output = tmp_path / str(run)
        repair(folder, output, Tools(engine), settings=settings(run))
        lived.told.append(outcomes(output)["a.png"])
        lived.files.append((output / "a.png").read_bytes())
        lived.pictures.append(decoded(lived.files[-1]))
        folder = output
    return lived


def shade_of(request: PaintRequest) -> int:
    """Return which of SHADES the hand of a request has now."""
    sure = request.patch.findings[0].confidence
    return round((0.99 - sure) / 0.03)


def worse(request: PaintRequest, number: int) -> Result:
    """Draw each hand worse than it is, or none at all."""
    return SHADES[max(0, shade_of(request) - 1)] if number == 0 else "gone"


def better(request: PaintRequest, number: int) -> Result:
    """Draw the second hand a little better than it is, and the first one worse."""
    shade = shade_of(request)
    return SHADES[max(0, shade - 2)] if number == 0 else SHADES[shade + 1]


def better_once(request: PaintRequest, number: int) -> Result:
    """Mend the first hand that is shown, and draw every later one worse."""
    return better(request, number) if shade_of(request) == 4 else worse(request, number)


@pytest.mark.parametrize("draws", [worse, better, better_once])
def test_fifteen_runs_in_a_row_end_no_worse_than_one(
    draws: Callable[[PaintRequest, int], Result], tmp_path: Path
) -> None:
    lived = live(tmp_path, lambda: FakeInpainter(draws))

    flaws = [lived.flaw(run) for run in range(PASSES + 1)]
    assert flaws[PASSES] <= flaws[1] <= flaws[0]
    assert flaws == sorted(flaws, reverse=True)


def test_an_engine_that_draws_worse_never_changes_the_file(tmp_path: Path) -> None:
    lived = live(tmp_path, lambda: FakeInpainter(worse))

    assert set(lived.files) == {lived.files[0]}
    assert {outcome.status for outcome in lived.told} == {Status.KEPT}


def test_even_an_engine_that_always_helps_a_little_is_stopped_by_the_lifetime(
    tmp_path: Path,
) -> None:
    lived = live(tmp_path, lambda: FakeInpainter(better))

    accepted = [outcome.passes for outcome in lived.told]
    assert accepted == [1] * LIFETIME + [0] * (PASSES - LIFETIME)
    assert set(lived.files[LIFETIME:]) == {lived.files[LIFETIME]}
    assert all(
        f"has had {LIFETIME}" in outcome.problem for outcome in lived.told[LIFETIME:]
    )


def test_over_all_runs_nothing_changes_outside_the_masks(tmp_path: Path) -> None:
    lived = live(tmp_path, lambda: FakeInpainter(better))

    touched = np.zeros(lived.pictures[0].shape[:2], dtype=bool)
    for outcome in lived.told:
        for choice in outcome.choices:
            edge = choice.box.grown(reach_px(settings(1).plan.mask_blur_px))
            place = edge.clipped(SIZE)
            touched[place.rows, place.columns] = True
    changed = (lived.pictures[0] != lived.pictures[PASSES]).any(axis=2)
    assert not touched.all()
    assert changed.any()
    assert not changed[~touched].any()


def test_fifteen_runs_of_a_network_that_paints_noise_leave_every_byte(
    tmp_path: Path,
) -> None:
    torch.set_num_threads(1)
    folder = save_family("sd-9", tmp_path / "model")
    painted: list[int] = []

    def engine() -> Inpainter:
        located = LocatedModel("tiny", folder)
        model = load_checkpoint(located, (), torch.device("cpu"), torch.float32)
        model.unet.register_forward_pre_hook(lambda *_: painted.append(1))
        return DiffusionInpainter(model, InpaintSettings(steps=2, batch=2))

    lived = live(tmp_path, engine)

    assert len(painted) >= PASSES
    assert all(len(outcome.attempts) == 2 for outcome in lived.told)
    assert set(lived.files) == {lived.files[0]}
