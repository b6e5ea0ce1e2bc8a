"""The own loop against diffusers' pipelines, wherever both define the same thing."""

import json
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from detectors.geometry import Size
from pipeline.inpainters.diffusion.checkpoint import Checkpoint
from pipeline.inpainters.diffusion.denoise import Denoiser, Guidance
from pipeline.inpainters.diffusion.engine import DiffusionInpainter
from pipeline.inpainters.diffusion.load import load_checkpoint
from pipeline.inpainters.diffusion.trajectory import Trajectory, start
from pipeline.models import LocatedModel
from pipeline.settings import InpaintSettings
from tests.pipeline.inpainters.requests import hole, request, stripes
from tests.pipeline.inpainters.tiny import FAMILIES, unet

CPU = torch.device("cpu")
SCHEDULERS: dict[str, tuple[str, dict[str, Any]]] = {
    "ddim": ("DDIMScheduler", {}),
    "euler": ("EulerDiscreteScheduler", {}),
    "euler-a": ("EulerAncestralDiscreteScheduler", {}),
    "dpmpp-2m-karras": ("DPMSolverMultistepScheduler", {"use_karras_sigmas": True}),
    "dpmpp-2m-sde-karras": (
        "DPMSolverMultistepScheduler",
        {"algorithm_type": "sde-dpmsolver++", "use_karras_sigmas": True},
    ),
    "unipc": ("UniPCMultistepScheduler", {}),
    "lcm": ("LCMScheduler", {}),
}
STEPS, GUIDANCE, SEED = 5, 5.0, 11
PIXELS, MASK = stripes(64, 64), hole(64, 64, (16, 24, 48, 48))
PROMPT, NEGATIVE = "five fingers", "extra fingers"


@cache
def load(folder: Path) -> Checkpoint:
    return load_checkpoint(LocatedModel("tiny", folder), (), CPU, torch.float32)


def ours(
    folder: Path, scheduler: str, strength: float, schedule: str = "own"
) -> torch.Tensor:
    checkpoint = load(folder)
    plain = {"scheduler": scheduler, "schedule": schedule, "steps": STEPS}
    settings = InpaintSettings.model_validate(plain | {"dtype": "float32"})
    asked = request(
        PIXELS,
        MASK,
        working=Size(64, 64),
        strength=strength,
        blur_px=0,
        prompt=PROMPT,
        negative_prompt=NEGATIVE,
    )
    region = DiffusionInpainter(checkpoint, settings).prepare(asked)
    trajectory = start(region.conditions, SEED)
    denoiser = Denoiser(checkpoint, Guidance(GUIDANCE))
    while not trajectory.finished:
        denoiser.step([trajectory])
    return trajectory.latents


def theirs(
    folder: Path, scheduler: str, strength: float, **laid_out: Any
) -> torch.Tensor:
    xl = folder.name.startswith("xl")
    kind = (
        "StableDiffusionXLInpaintPipeline" if xl else "StableDiffusionInpaintPipeline"
    )
    extra: dict[str, Any] = {} if xl else {"safety_checker": None}
    whole = getattr(diffusers, kind).from_pretrained(folder, **extra)
    whole.set_progress_bar_config(disable=True)
    name, changes = SCHEDULERS[scheduler]
    whole.scheduler = getattr(diffusers, name).from_config(
        whole.scheduler.config, **(changes | laid_out)
    )
    signal = torch.from_numpy(PIXELS.astype(np.float32) / 127.5 - 1)
    signal = signal.permute(2, 0, 1)[None]
    mask = torch.from_numpy(MASK).float()[None, None]
    factor = whole.vae.config.scaling_factor
    with torch.no_grad():
        image, masked = (
            whole.vae.encode(each).latent_dist.mode() * factor
            for each in (signal, signal * (1 - mask))
        )
        latents: torch.Tensor = whole(
            PROMPT,
            negative_prompt=NEGATIVE,
            image=image,
            mask_image=mask,
            masked_image_latents=masked,
            generator=torch.Generator().manual_seed(SEED),
            height=64,
            width=64,
            num_inference_steps=STEPS,
            strength=strength,
            guidance_scale=GUIDANCE,
            output_type="latent",
        ).images
    return latents[0]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("scheduler", SCHEDULERS)
@pytest.mark.parametrize("family", FAMILIES)
def test_latents_equal_those_of_diffusers(
    families: Mapping[str, Path], family: str, scheduler: str
) -> None:
    mine = ours(families[family], scheduler, 0.8)

    expected = theirs(families[family], scheduler, 0.8)

    torch.testing.assert_close(mine, expected, atol=1e-4, rtol=0)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("scheduler", "schedule", "laid_out"),
    [
        ("euler", "sgm-uniform", {"timestep_spacing": "trailing"}),
        ("euler-a", "sgm-uniform", {"timestep_spacing": "trailing"}),
        ("unipc", "karras", {"use_karras_sigmas": True}),
        ("euler", "exponential", {"use_exponential_sigmas": True}),
        (
            "dpmpp-2m-karras",
            "uniform",
            {"use_karras_sigmas": False, "timestep_spacing": "linspace"},
        ),
    ],
)
def test_on_another_schedule_latents_equal_those_of_diffusers(
    families: Mapping[str, Path],
    scheduler: str,
    schedule: str,
    laid_out: dict[str, Any],
) -> None:
    mine = ours(families["sd-9"], scheduler, 0.8, schedule)

    expected = theirs(families["sd-9"], scheduler, 0.8, **laid_out)
    torch.testing.assert_close(mine, expected, atol=1e-4, rtol=0)
    assert not torch.allclose(mine, ours(families["sd-9"], scheduler, 0.8))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("scheduler", ["ddim", "euler"])
@pytest.mark.parametrize("family", ["sd-4", "sd-9"])
def test_from_noise_alone_latents_equal_those_of_diffusers(
    families: Mapping[str, Path], family: str, scheduler: str
) -> None:
    mine = ours(families[family], scheduler, 1.0)

    expected = theirs(families[family], scheduler, 1.0)

    torch.testing.assert_close(mine, expected, atol=1e-4, rtol=0)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("scheduler", ["ddim", "euler", "dpmpp-2m-karras"])
def test_a_model_that_predicts_velocity_equals_that_of_diffusers(
    families: Mapping[str, Path], tmp_path: Path, scheduler: str
) -> None:
    folder = Path(shutil.copytree(families["sd-4"], tmp_path / "sd-2"))
    file = folder / "scheduler" / "scheduler_config.json"
    config = json.loads(file.read_text()) | {"prediction_type": "v_prediction"}
    file.write_text(json.dumps(config))

    mine = ours(folder, scheduler, 0.8)

    assert not torch.allclose(mine, ours(families["sd-4"], scheduler, 0.8))
    expected = theirs(folder, scheduler, 0.8)
    torch.testing.assert_close(mine, expected, atol=1e-4, rtol=0)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_unet_that_is_told_the_guidance_scale_equals_that_of_diffusers(
    families: Mapping[str, Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(families["sd-4"], tmp_path / "lcm"))
    torch.manual_seed(3)
    unet(4, time_cond_proj_dim=16).save_pretrained(folder / "unet")

    mine = ours(folder, "lcm", 0.8)

    expected = theirs(folder, "lcm", 0.8)
    torch.testing.assert_close(mine, expected, atol=1e-4, rtol=0)


def test_a_step_moves_only_its_own_trajectory(families: Mapping[str, Path]) -> None:
    checkpoint = load(families["sd-4"])
    settings = InpaintSettings(steps=STEPS, dtype="float32")
    region = DiffusionInpainter(checkpoint, settings).prepare(
        request(PIXELS, MASK, working=Size(64, 64))
    )
    moved, waiting = (start(region.conditions, seed) for seed in (1, 2))
    before = waiting.latents.clone()

    Denoiser(checkpoint, Guidance(GUIDANCE)).step([moved])

    assert (moved.steps_done, waiting.steps_done) == (1, 0)
    assert torch.equal(waiting.latents, before)


@pytest.mark.parametrize("family", FAMILIES)
def test_mixed_regions_and_steps_in_one_batch_equal_single_runs(
    families: Mapping[str, Path], family: str
) -> None:
    checkpoint = load(families[family])
    settings = InpaintSettings(steps=STEPS, dtype="float32", scheduler="euler-a")
    engine = DiffusionInpainter(checkpoint, settings)
    denoiser = Denoiser(checkpoint, Guidance(GUIDANCE))
    regions = [
        engine.prepare(request(PIXELS, MASK, working=Size(64, 64), prompt=prompt))
        for prompt in ("one", "two")
    ]

    def fresh() -> list[Trajectory]:
        return [start(region.conditions, 7 + k) for k, region in enumerate(regions)]

    alone = fresh()
    for trajectory in alone:
        while not trajectory.finished:
            denoiser.step([trajectory])
    early, late = fresh()
    denoiser.step([early])
    while not late.finished:
        denoiser.step([t for t in (late, early) if not t.finished])

    torch.testing.assert_close(early.latents, alone[0].latents, atol=1e-4, rtol=0)
    torch.testing.assert_close(late.latents, alone[1].latents, atol=1e-4, rtol=0)
