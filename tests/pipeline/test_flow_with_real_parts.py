"""The flow with an engine that really paints."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detectors.arrays import RgbArray
from detectors.findings import Kind, Severity
from detectors.geometry import Box, Size
from pipeline.album import Album
from pipeline.files import digest_bytes
from pipeline.flow import mend
from pipeline.records import ImageRef, Outcome, Picture, Status, Workplace
from pipeline.runner.drive import drive
from pipeline.settings import Settings
from pipeline.stages import blend
from pipeline.toolbox import Toolbox, build_toolbox
from tests.support.checks import assert_same_outside, decoded
from tests.support.fakes import FakeDetector, mask_of
from tests.support.pictures import draw_scene, encoded, with_blot

SIZE = Size(161, 121)
BLOT = Box(70, 50, 90, 66)
MAGENTA = (255, 0, 255)
KINDS = {"blot/magenta": Kind("A magenta blot.", Severity.ERROR, mend=True)}


def _picture(pixels: RgbArray) -> Picture:
    data = encoded(pixels, "PNG")
    ref = ImageRef(Path("/in"), "a.png", digest_bytes(data))
    return Picture(ref, pixels, None, "PNG", "RGB", 1, data)


@pytest.fixture(scope="module")
def toolbox() -> Toolbox:
    """A detector of blots beside the engine that fills holes."""
    settings = Settings.model_validate(
        {"inpaint": {"engine": "classical"}, "detect": {"detectors": ("quality",)}}
    )
    built = build_toolbox(settings, with_inpainter=True)
    blots = FakeDetector({MAGENTA: ("blot/magenta", 0.95, "remove")}, KINDS, "blots")
    return replace(built, detectors=(blots, *built.detectors))


def _mend(picture: Picture, toolbox: Toolbox, output: Path, **settings: int) -> Outcome:
    workplace = Workplace(output, output / ".nightmend", "run-1")
    workplace.state.mkdir(parents=True, exist_ok=True)
    chosen = Settings.model_validate({"plan": {"variations": 2, **settings}})
    assert toolbox.inpainter is not None
    flow = mend(picture, toolbox, workplace, Album(workplace.state), chosen)
    return drive(flow, toolbox.inpainter)


def test_a_blot_is_removed_and_what_is_kept_can_be_opened(
    tmp_path: Path, toolbox: Toolbox
) -> None:
    scene = draw_scene(*SIZE)
    picture = _picture(with_blot(scene, BLOT, MAGENTA))

    outcome = _mend(picture, toolbox, tmp_path)

    (choice,) = outcome.choices
    result = decoded((tmp_path / outcome.staged).read_bytes())
    assert outcome.status is Status.REPAIRED
    assert outcome.engine.startswith("classical/")
    assert {row.kind for row in outcome.remaining} == {"image/odd-size"}
    assert choice.cost_after.flaw == 0.0
    away = np.abs(result[BLOT.rows, BLOT.columns].astype(int) - MAGENTA).max(axis=2)
    assert away.min() > 40
    covered = blend.cover_for(mask_of(SIZE, choice.box), 4, "only-masked") > 0
    assert_same_outside(covered, picture.pixels, result)
    state = tmp_path / ".nightmend"
    kept = [choice.before, choice.mask, *outcome.checkpoints, outcome.preview_after]
    kept += [attempt.picture for attempt in outcome.attempts]
    assert all((state / place).is_file() for place in kept)


def test_the_same_picture_comes_out_the_same_to_the_last_byte(
    tmp_path: Path, toolbox: Toolbox
) -> None:
    picture = _picture(with_blot(draw_scene(*SIZE), BLOT, MAGENTA))

    files = []
    for name in ("one", "two"):
        outcome = _mend(picture, toolbox, tmp_path / name)
        files.append((tmp_path / name / outcome.staged).read_bytes())

    assert files[0] == files[1]


def test_an_engine_that_only_fills_does_not_pass_off_a_vanished_hand(
    tmp_path: Path, toolbox: Toolbox
) -> None:
    pixels = with_blot(draw_scene(*SIZE), BLOT, (220, 30, 30))
    hands = replace(toolbox, detectors=(FakeDetector(),))

    outcome = _mend(_picture(pixels), hands, tmp_path)

    assert outcome.status is Status.KEPT
    assert (tmp_path / outcome.staged).read_bytes() == encoded(pixels, "PNG")
