"""One candidate on its way from noise to latents.

A trajectory owns everything that its next step depends on: its scheduler (diffusers'
multistep solvers remember earlier predictions), its random generator and its latents.
So trajectories of different regions, pictures and steps can share one batch, and which
of them do is decided by the caller alone.
"""

from dataclasses import dataclass, field
from typing import Any

import torch

from pipeline.inpainters.diffusion.latents import draw_noise
from pipeline.inpainters.diffusion.masked_content import first_latents
from pipeline.inpainters.diffusion.schedule import Schedule
from pipeline.inpainters.diffusion.text import TextCode
from pipeline.records import MaskedContent


@dataclass(frozen=True, slots=True, eq=False)
class Conditions:
    """What all trajectories of one region share."""

    positive: TextCode
    negative: TextCode
    time_ids: torch.Tensor | None
    """(2, 6) or (2, 5) for SDXL: row 0 for the negative prompt, row 1 the prompt."""

    encoded: torch.Tensor
    """(C, h, w) float32: the encoded base picture."""

    mask: torch.Tensor
    """(1, h, w) float32, 1 = repaint, for mixing latents."""

    extra: torch.Tensor | None
    """(1 + C, h, w) for a 9-channel UNet: its mask and the encoded masked picture."""

    content: MaskedContent
    schedule: Schedule
    control: torch.Tensor | None = None
    """(3, H, W) float32 in pixels: what a ControlNet is shown; None where nothing."""


@dataclass(slots=True, eq=False)
class Trajectory:
    """One candidate; the only thing here that changes as it is stepped.

    Its scheduler cannot be shared or rolled back, so a frozen copy per step would only
    pretend; `steps_done`, `latents`, the scheduler and the generator move together.
    """

    conditions: Conditions
    seed: int
    latents: torch.Tensor
    """(C, h, w) float32, on the device."""

    noise: torch.Tensor
    """(C, h, w) float32: what it started from, and what the surroundings get again."""

    scheduler: Any
    generator: torch.Generator
    steps_done: int = 0
    predicted: torch.Tensor | None = field(default=None, repr=False)
    """(C, h, w) float32: the scheduler's latest guess of the finished latents."""

    torn: bool = False
    """A step was broken off inside the scheduler, whose memory is now of two steps."""

    @property
    def finished(self) -> bool:
        return self.steps_done >= len(self.conditions.schedule.timesteps)

    @property
    def timestep(self) -> float:
        """The timestep of the next step."""
        return self.conditions.schedule.timesteps[self.steps_done]

    @property
    def sigma(self) -> float:
        """The noise level of the next step."""
        return self.conditions.schedule.sigmas[self.steps_done]


def start(conditions: Conditions, seed: int) -> Trajectory:
    """Set up a candidate before its first step.

    At strength 1.0 a trajectory starts from noise alone, as in diffusers' pipelines, so
    the masked content has no say. AUTOMATIC1111 takes strengths above 0.999 for 0.999
    and adds its noise to the masked content, a trace of which stays. A strength just
    below 1.0 does that here, and runs one step less, see `schedule`.

    Args:
        conditions: Of its region.
        seed: All its randomness comes from this, drawn on the CPU in the order in which
            diffusers' pipelines draw: the first noise, then the noise of each step.
    """
    device = conditions.encoded.device
    generator = torch.Generator().manual_seed(seed)
    noise = draw_noise(conditions.encoded.shape, generator).to(device)
    scheduler = conditions.schedule.fresh()
    if conditions.schedule.from_noise:
        latents = noise * scheduler.init_noise_sigma
    else:
        clean = first_latents(
            conditions.encoded, conditions.mask, noise, conditions.content
        )
        latents = conditions.schedule.noised(clean, noise, 0)
    return Trajectory(conditions, seed, latents.float(), noise, scheduler, generator)
