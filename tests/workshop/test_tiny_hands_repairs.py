"""Drawn repairs are laid out as a night does it, and the decoder learns to be crisp."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL
from workshop.tiny_hands.decoded_twin import DecodedTwin
from workshop.tiny_hands.networks import make_vae
from workshop.tiny_hands.repairs import Gallery, draw_case, settings_for, trial_of
from workshop.tiny_hands.sharpen import WARM_STEPS, Training

from detectors.arrays import RgbArray
from pipeline.records import Candidate
from pipeline.settings_file import load_settings
from pipeline.toolbox import Toolbox
from tests.support.fakes import FakeDetector, FakeInpainter

PICTURES = 3
MODEL = Path("data/models/tiny-hands")


def test_a_drawn_hand_that_vanished_is_not_a_repaired_one() -> None:
    """Laid out as a mask of the user's it would be."""
    case = draw_case(0)
    settings = settings_for(Path(), 1, 1, **{"inpaint.control": "none"})
    toolbox = Toolbox((FakeDetector(),), FakeInpainter())

    trial, gallery = trial_of(case, settings, toolbox, FakeInpainter())
    window = trial.ask(0.75).window
    empty: RgbArray = np.full((window.height, window.width, 3), 128, dtype=np.uint8)
    trial.judge(Candidate(0, 0, 1, empty, 0.0))

    (cost,) = [attempt.cost for attempt in trial.attempts]
    assert isinstance(gallery, Gallery)
    assert cost is not None
    assert cost.flaw >= 1.0
    assert trial.conclude().winner is None


def test_the_best_that_a_unet_could_paint_is_the_twin_as_decoded() -> None:
    case = draw_case(0)
    settings = settings_for(Path(), 2, 1, **{"inpaint.control": "none"})
    toolbox = Toolbox((FakeDetector(),), FakeInpainter())
    trial, _ = trial_of(case, settings, toolbox, FakeInpainter())
    asked = trial.ask(0.75)
    twin = case.twin[asked.window.rows, asked.window.columns].astype(float)

    painted = list(DecodedTwin(MODEL, case.twin).paint(asked))

    first, second = [each.pixels for each in painted]
    assert first is not None
    assert first.shape == twin.shape
    np.testing.assert_array_equal(first, second)
    there = asked.mask
    lost = np.abs(first - twin)[there].mean()
    assert 0 < lost < 0.5 * np.abs(asked.pixels - twin)[there].mean()


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    vae = make_vae()
    vae.register_to_config(scaling_factor=0.7)
    vae.save_pretrained(str(tmp_path / "vae"))
    return tmp_path


def pictures() -> torch.Tensor:
    torch.manual_seed(1)
    return torch.rand(PICTURES, 3, 32, 32) * 2 - 1


def learn(training: Training) -> None:
    shown = pictures()
    training.step(training.noisy_latents(shown), shown, 1e-3)


def test_only_the_decoder_is_sharpened_and_only_once_somebody_can_judge(
    trained: Path,
) -> None:
    training = Training(trained)
    before = {name: value.clone() for name, value in training.vae.state_dict().items()}

    learn(training)
    warming = _changed(before, training)
    training.done = WARM_STEPS
    learn(training)
    sharpened = _changed(before, training)

    assert warming == set()
    assert sharpened == {"decoder", "post_quant_conv"}


def test_sharpening_goes_on_where_it_stopped_and_keeps_the_latents_factor(
    trained: Path,
) -> None:
    first = Training(trained)
    first.done = WARM_STEPS
    learn(first)
    first.keep()

    second = Training(trained)
    second.export(trained / "vae")

    after = AutoencoderKL.from_pretrained(str(trained / "vae"))
    assert second.done == WARM_STEPS + 1
    assert _changed(first.vae.state_dict(), second) == set()
    assert after.config.scaling_factor == 0.7
    for name, value in first.average.weights.items():
        torch.testing.assert_close(after.state_dict()[name], value)


def _changed(before: dict[str, torch.Tensor], training: Training) -> set[str]:
    """Return the parts of the VAE whose weights are others by now."""
    now = training.vae.state_dict()
    return {
        name.partition(".")[0]
        for name, value in before.items()
        if not torch.equal(value, now[name])
    }


def test_hands_are_measured_as_the_shipped_settings_repair_them() -> None:
    """Else the model card would tell of something that nobody can run."""
    shipped = load_settings(Path("configs/tiny-hands.toml")).settings
    measured = settings_for(MODEL, 4, shipped.inpaint.steps)
    for name in ("scheduler", "guidance_scale", "control"):
        assert getattr(measured.inpaint, name) == getattr(shipped.inpaint, name)
    assert measured.plan.working_px == shipped.plan.working_px
    assert measured.choose == shipped.choose
    assert measured.prompt.prompt == shipped.prompt.prompt
