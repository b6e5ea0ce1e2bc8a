"""What comes of a picture does not depend on how many are under way."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from detectors.arrays import RgbArray
from detectors.findings import Finding
from detectors.geometry import Box
from pipeline.inpainters.diffusion.engine import DiffusionInpainter
from pipeline.records import Outcome
from pipeline.settings import (
    ChooseSettings,
    InpaintSettings,
    MaskSettings,
    PassSettings,
    PlanSettings,
    RunSettings,
    Settings,
)
from pipeline.toolbox import Toolbox
from tests.pipeline.inpainters.slot_runs import load
from tests.pipeline.inpainters.tiny import save_family
from tests.support.fakes import BLUE, HAND_KINDS, FakeDetector, draw
from tests.support.pictures import encoded
from tests.support.runs import SIZE, fill, outcomes, repair

SETTINGS = Settings(
    plan=PlanSettings(working_px=64, variations=3, mask_blur_px=1, padding_px=8),
    mask=MaskSettings(grow_px=4, merge_px=0),
    choose=ChooseSettings(pass_below=0.5, min_gain=0.01, retry_steps=()),
    inpaint=InpaintSettings(steps=4, batch=3),
    passes=PassSettings(limit=2),
    run=RunSettings(min_free_mib=0),
)
HANDS = (Box(16, 30, 36, 50), Box(64, 30, 84, 50))
MARK_ABOVE_PX = 28


class Shade(FakeDetector):
    """Finds a hand below each blue mark, and the darker it is the worse."""

    def __init__(self) -> None:
        super().__init__({BLUE: ("hand/malformed", 0.9, "redraw")}, HAND_KINDS)

    def inspect(self, pixels: RgbArray) -> list[Finding]:
        found = []
        for mark in super().inspect(pixels):
            top = mark.box.y0 + MARK_ABOVE_PX
            box = Box(mark.box.x0, top, mark.box.x0 + 20, top + 20)
            seen = pixels[box.rows, box.columns]
            if seen.shape[:2] == (20, 20):
                flaw = float(np.clip(1.6 - seen.mean() / 80.0, 0.02, 0.98))
                kind = "hand/malformed" if flaw > 0.3 else "hand/ok"
                found.append(Finding("hands", kind, box, flaw))
        return found


def folder(place: Path) -> Path:
    """Draw clean pictures, and some with one or two dark hands."""
    files = {}
    for number in range(5):
        hands = HANDS[: number % 3]
        marks = {
            Box(hand.x0, hand.y0 - MARK_ABOVE_PX, hand.x0 + 8, 10): BLUE
            for hand in hands
        }
        dark = dict.fromkeys(hands, (60 + number, 52, 48))
        pixels = draw(SIZE, dark | marks)
        pixels[0, 0] = number
        files[f"{number}.png"] = encoded(pixels, "PNG")
    return fill(place, files)


def decided(outcome: Outcome) -> object:
    """Return what must not differ at all."""
    return (
        outcome.status,
        [(f.kind, f.box) for f in (*outcome.findings, *outcome.remaining)],
        [(c.pass_number, c.patch, c.winner, c.box) for c in outcome.choices],
        [(a.pass_number, a.patch, a.number, a.seed) for a in outcome.attempts],
        outcome.passes,
    )


def costs(outcome: Outcome) -> list[float]:
    return [a.cost.total if a.cost else -1.0 for a in outcome.attempts]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)  # networks this small only wait for each other's threads
    return save_family("sd-9", tmp_path_factory.mktemp("under-way"))


def run(
    source: Path, output: Path, checkpoint: Path, stop: str, **inpaint: object
) -> Mapping[str, Outcome]:
    settings = SETTINGS.model_copy(
        update={
            "choose": SETTINGS.choose.model_copy(update={"stop": stop}),
            "inpaint": SETTINGS.inpaint.model_copy(update=inpaint),
        }
    )

    def tools(given: Settings, *, with_inpainter: bool) -> Toolbox:
        engine = DiffusionInpainter(load(checkpoint), given.inpaint)
        return Toolbox((Shade(),), engine)

    repair(source, output, tools, settings=settings)  # type: ignore[arg-type]
    return outcomes(output)


@pytest.mark.parametrize("stop", ["first-pass", "never"])
def test_outcomes_and_files_are_the_same_with_one_picture_under_way_or_many(
    tmp_path: Path, checkpoint: Path, stop: str
) -> None:
    source = folder(tmp_path / "in")

    one = run(source, tmp_path / "one", checkpoint, stop, pictures=1, batch=1)
    many = run(source, tmp_path / "many", checkpoint, stop, pictures=8, batch=5)

    assert sorted(one) == sorted(many)
    for key in one:
        assert decided(one[key]) == decided(many[key])
        # Batches of different make-up differ in the last bits of a float32, so that
        # here and there a pixel is rounded to the level next to it.
        assert costs(one[key]) == pytest.approx(costs(many[key]), abs=0.01)
        with (
            Image.open(tmp_path / "one" / key) as a,
            Image.open(tmp_path / "many" / key) as b,
        ):
            apart = np.abs(np.asarray(a).astype(int) - np.asarray(b))
        assert apart.max() <= 2
    assert sum(len(each.attempts) for each in one.values()) > 0
    assert {each.status.value for each in one.values()} >= {"clean", "repaired"}


def test_with_previews_no_picture_is_lost_and_the_run_ends(
    tmp_path: Path, checkpoint: Path
) -> None:
    source = folder(tmp_path / "in")

    ended = run(
        source,
        tmp_path / "out",
        checkpoint,
        "never",
        preview_at=0.4,
        preview_keep=0.05,
        preview_learn=8,
    )

    assert sorted(ended) == [f"{number}.png" for number in range(5)]
    assert all(each.status.value != "failed" for each in ended.values())
    for each in ended.values():
        for choice in each.choices:
            tried = [
                a
                for a in each.attempts
                if (a.pass_number, a.patch) == (choice.pass_number, choice.patch)
            ]
            assert any(a.cost is not None for a in tried)
