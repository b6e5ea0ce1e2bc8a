"""Which steps are run, and what is refused afterwards."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest
import torch

from pipeline.errors import UsageError
from pipeline.inpainters.diffusion.denoise import scale_embedding
from pipeline.inpainters.diffusion.quality_gate import problem_of
from pipeline.inpainters.diffusion.schedule import CLASSES, plan_steps, steps_run
from tests.pipeline.inpainters.requests import hole, stripes

CONFIG = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "steps_offset": 1,
}


@pytest.mark.parametrize(
    ("steps", "strength", "run"),
    [(20, 0.4, 8), (28, 0.75, 21), (28, 1.0, 28), (20, 0.01, 1), (4, 0.2, 1)],
)
def test_the_strength_is_the_share_of_steps_that_is_run(
    steps: int, strength: float, run: int
) -> None:
    assert steps_run(steps, strength) == run


@pytest.mark.parametrize("name", CLASSES)
def test_noise_falls_from_step_to_step(name: str) -> None:
    whole, part = (plan_steps(name, CONFIG, 10, share) for share in (1.0, 0.6))

    assert len(whole.timesteps) == len(whole.sigmas) == 10
    assert all(one > two for one, two in itertools.pairwise(whole.sigmas))
    assert part.timesteps == whole.timesteps[4:]
    assert part.sigmas == whole.sigmas[4:]
    assert (whole.from_noise, part.from_noise) == (True, False)


def _training_sigmas() -> npt.NDArray[np.float64]:
    """Noise levels of the 1000 steps that Stable Diffusion was trained on."""
    betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    kept = np.cumprod(1 - betas)
    return np.sqrt((1 - kept) / kept)


@pytest.mark.parametrize("name", ["dpmpp-2m-karras", "euler", "unipc"])
def test_karras_and_exponential_are_laid_out_by_their_formulas(name: str) -> None:
    """Karras et al. 2022, equation 5 with rho 7; and evenly in the logarithm."""
    low, high = _training_sigmas()[[0, -1]]
    ramp = np.linspace(0, 1, 8)
    root = high ** (1 / 7) + ramp * (low ** (1 / 7) - high ** (1 / 7))

    karras = plan_steps(name, CONFIG, 8, 1.0, "karras").sigmas
    exponential = plan_steps(name, CONFIG, 8, 1.0, "exponential").sigmas

    np.testing.assert_allclose(karras, root**7, rtol=1e-3)
    np.testing.assert_allclose(exponential, high * (low / high) ** ramp, rtol=1e-3)


@pytest.mark.parametrize("name", sorted(set(CLASSES) - {"lcm"}))
def test_sgm_uniform_begins_where_training_ended_and_uniform_is_even(
    name: str,
) -> None:
    distilled = plan_steps(name, CONFIG, 4, 1.0, "sgm-uniform").timesteps
    uniform = plan_steps(name, CONFIG, 5, 1.0, "uniform").timesteps

    np.testing.assert_allclose(distilled, (999, 749, 499, 249), atol=1)
    gaps = -np.diff(uniform)
    assert gaps.max() - gaps.min() <= 1
    assert uniform[0] == pytest.approx(999, abs=1)


@pytest.mark.parametrize("name", CLASSES)
def test_its_own_schedule_is_that_of_its_name(name: str) -> None:
    assert plan_steps(name, CONFIG, 7, 1.0, "own").sigmas == (
        plan_steps(name, CONFIG, 7, 1.0).sigmas
    )
    if name.endswith("karras"):
        assert plan_steps(name, CONFIG, 7, 1.0, "karras").sigmas == (
            plan_steps(name, CONFIG, 7, 1.0).sigmas
        )
        assert plan_steps(name, CONFIG, 7, 1.0, "uniform").sigmas != (
            plan_steps(name, CONFIG, 7, 1.0).sigmas
        )


@pytest.mark.parametrize("name", ["ddim", "euler-a", "lcm"])
@pytest.mark.parametrize("kind", ["karras", "exponential"])
def test_a_schedule_that_a_scheduler_lacks_is_refused(name: str, kind: str) -> None:
    with pytest.raises(UsageError, match=rf"'{name}' has no schedule '{kind}'"):
        plan_steps(name, CONFIG, 8, 1.0, kind)


@pytest.mark.parametrize("name", CLASSES)
def test_each_trajectory_has_a_scheduler_of_its_own(name: str) -> None:
    schedule = plan_steps(name, CONFIG, 6, 1.0)
    one, other = schedule.fresh(), schedule.fresh()
    sample = torch.ones(1, 4, 2, 2)

    one.scale_model_input(sample, one.timesteps[0])
    one.step(sample, one.timesteps[0], sample)

    assert getattr(other, "step_index", None) is None


@pytest.mark.parametrize("strength", [0.5, 1.0])
@pytest.mark.parametrize("name", CLASSES)
def test_noise_is_mixed_in_as_the_scheduler_itself_does(
    name: str, strength: float
) -> None:
    schedule = plan_steps(name, CONFIG, 6, strength)
    scheduler = schedule.fresh()
    clean, noise = torch.randn(2, 1, 4, 8, 8)
    first = len(scheduler.timesteps) - len(schedule.timesteps)

    for place in range(len(schedule.timesteps)):
        step = scheduler.timesteps[first + place]
        expected = scheduler.add_noise(clean, noise, step[None])
        found = schedule.noised(clean[0], noise[0], place)
        torch.testing.assert_close(found, expected[0], atol=1e-5, rtol=0)
        scheduler.scale_model_input(clean, step)
        scheduler.step(noise, step, clean)


@pytest.mark.parametrize("said", [{}, {"clip_sample": True}])
def test_latents_are_never_cut_off(said: dict[str, bool]) -> None:
    scheduler = plan_steps("ddim", CONFIG | said, 6, 0.5).fresh()
    latents = torch.full((1, 4, 2, 2), 3.0)

    told = scheduler.step(torch.zeros_like(latents), scheduler.timesteps[-1], latents)

    assert not scheduler.config.clip_sample
    assert told.pred_original_sample.min() > 3


@pytest.mark.parametrize("strength", [0.5, 1.0])
@pytest.mark.parametrize("name", CLASSES)
def test_a_model_of_velocities_down_to_no_signal_can_be_stepped(
    name: str, strength: float
) -> None:
    said = {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True}
    schedule = plan_steps(name, CONFIG | said, 6, strength)
    scheduler, latents = schedule.fresh(), torch.ones(1, 4, 2, 2)

    for step in scheduler.timesteps[-len(schedule.timesteps) :]:
        scheduler.scale_model_input(latents, step)
        latents = scheduler.step(latents / 2, step, latents).prev_sample

    assert scheduler.config.prediction_type == "v_prediction"
    assert torch.isfinite(latents).all()
    assert np.isfinite(schedule.mixtures).all()


def test_the_guidance_scale_is_embedded_as_timesteps_are() -> None:
    found = scale_embedding(6.0, 8)[0].numpy()

    frequencies = np.exp(-np.log(10000.0) * np.arange(4) / 3)
    angles = 6000.0 * frequencies
    np.testing.assert_allclose(
        found, np.concatenate([np.sin(angles), np.cos(angles)]), atol=1e-5
    )


def test_a_sound_variation_passes_the_gate() -> None:
    assert problem_of(stripes(seed=1), stripes(seed=2), hole()) == ""


def test_no_pixels_means_that_the_network_was_not_finite() -> None:
    assert "NaN" in problem_of(None, stripes(), hole())


def test_one_flat_colour_is_refused_unless_it_was_flat_before() -> None:
    flat = np.full_like(stripes(), 127)

    assert "flat colour" in problem_of(flat, stripes(), hole())
    assert problem_of(flat, flat, hole()) == ""


def test_a_black_region_is_refused_unless_the_picture_is_dark() -> None:
    black = stripes()
    black[hole()] = 0
    night = np.zeros_like(black)
    night[0, 0] = 200

    assert "black" in problem_of(black, stripes(), hole())
    assert problem_of(night, night, hole()) == ""
