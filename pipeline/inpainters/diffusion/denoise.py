"""Step trajectories, several side by side, each at its own timestep.

The trajectories of a batch may belong to different regions and be at different steps;
only their latents must have one size. A UNet takes a timestep per sample, and a batch
of mixed steps equals single calls to float32 rounding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from pipeline.inpainters.diffusion.checkpoint import Checkpoint
from pipeline.inpainters.diffusion.control import ControlNet
from pipeline.inpainters.diffusion.text import TextCode, side_by_side
from pipeline.inpainters.diffusion.trajectory import Trajectory


@dataclass(frozen=True, slots=True)
class Guidance:
    """How strongly the prompt pulls, and between which noise levels."""

    scale: float
    """1 follows the prompt alone and halves the work; see classifier-free guidance."""

    from_sigma: float = 0.0
    """Below this noise level guidance is off; 0 never."""

    to_sigma: float = 0.0
    """Above this noise level guidance is off; 0 never."""

    def active(self, sigma: float) -> bool:
        """Tell whether a step at this noise level needs the negative prompt too."""
        if self.scale <= 1.0 or sigma < self.from_sigma:
            return False
        return not self.to_sigma or sigma <= self.to_sigma


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """One sample of a UNet call: a trajectory with one of its two prompts."""

    owner: int
    code: TextCode
    time_ids: torch.Tensor | None


class Denoiser:
    """Runs the UNet over batches of trajectories."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        guidance: Guidance,
        unet: Any = None,
        control: ControlNet | None = None,
    ) -> None:
        """Keep the networks.

        Args:
            checkpoint: Says how the UNet is called.
            guidance: Of all candidates.
            unet: Called in place of the checkpoint's own, such as a compiled one.
            control: Steers the trajectories that have a control picture.
        """
        self._model = checkpoint
        self._unet = checkpoint.unet if unet is None else unet
        self._guidance = guidance
        self._control = control
        # A UNet distilled with the guidance scale as an input needs no second prompt.
        self._guided_by_input = (
            getattr(checkpoint.unet.config, "time_cond_proj_dim", None) is not None
        )

    def step(self, batch: Sequence[Trajectory]) -> int:
        """Move each trajectory one step on.

        Args:
            batch: Unfinished trajectories with latents of one size.

        Returns:
            How many samples the UNet was run on: two for each guided trajectory, one
            for the others. Leaving guidance out takes whole rows out of the call, so it
            works for inpainting UNets, whose extra channels belong to the row.
        """
        with torch.inference_mode():
            rows = self._rows(batch)
            inputs = torch.stack([self._input(each) for each in batch])
            told = self._predict(batch, inputs, rows)
            first_of = {row.owner: place for place, row in reversed([*enumerate(rows)])}
            for owner, trajectory in enumerate(batch):
                place = first_of[owner]
                guess = told[place]
                if self._needs_both(trajectory):
                    guess = told[place + 1] + self._guidance.scale * (
                        guess - told[place + 1]
                    )
                self._advance(trajectory, guess)
        return len(rows)

    def _needs_both(self, trajectory: Trajectory) -> bool:
        return not self._guided_by_input and self._guidance.active(trajectory.sigma)

    def _rows(self, batch: Sequence[Trajectory]) -> list[_Row]:
        rows = []
        for owner, trajectory in enumerate(batch):
            shared = trajectory.conditions
            ids = shared.time_ids
            rows.append(_Row(owner, shared.positive, None if ids is None else ids[1]))
            if self._needs_both(trajectory):
                rows.append(
                    _Row(owner, shared.negative, None if ids is None else ids[0])
                )
        return rows

    def _input(self, trajectory: Trajectory) -> torch.Tensor:
        at = _own_step(trajectory)
        scaled: torch.Tensor = trajectory.scheduler.scale_model_input(
            trajectory.latents[None], at
        )[0]
        if self._model.channels == self._model.latent_channels:
            return scaled
        extra = trajectory.conditions.extra
        if extra is None:
            raise ValueError(
                f"this UNet has {self._model.channels} input channels, and the "
                "conditions have no mask and masked picture for them"
            )
        return torch.cat([scaled, extra])

    def _predict(
        self, batch: Sequence[Trajectory], inputs: torch.Tensor, rows: Sequence[_Row]
    ) -> torch.Tensor:
        model = self._model
        owners = torch.tensor([row.owner for row in rows], device=model.device)
        times = torch.tensor(
            [batch[row.owner].timestep for row in rows],
            dtype=torch.float32,
            device=model.device,
        )
        samples = inputs[owners].to(model.dtype)
        call: dict[str, Any] = {
            "encoder_hidden_states": side_by_side([row.code for row in rows]),
            "added_cond_kwargs": _added(rows) if model.xl else None,
        }
        if self._control is not None:
            places = [row.owner for row in rows]
            call |= self._control.residuals(
                batch, places, samples, {**call, "timestep": times}
            )
        told: torch.Tensor = self._unet(
            samples,
            times,
            timestep_cond=self._scale_as_input(len(rows)),
            return_dict=False,
            **call,
        )[0]
        return told.float()

    def _scale_as_input(self, count: int) -> torch.Tensor | None:
        if not self._guided_by_input:
            return None
        width = int(self._model.unet.config.time_cond_proj_dim)
        code = scale_embedding(max(0.0, self._guidance.scale - 1.0), width)
        return code.to(self._model.device, self._model.dtype).expand(count, -1)

    def _advance(self, trajectory: Trajectory, guess: torch.Tensor) -> None:
        """Let the scheduler make a step of a guess, and lay the surroundings in again.

        What is outside the mask follows diffusers' inpainting pipelines, so that a seed
        gives the same latents there. A UNet with 9 channels sees the picture around and
        is never blended with it. With 4, the surroundings are replaced after the step
        by the original at the noise level that the step leads to. AUTOMATIC1111's
        k-diffusion samplers blend too, but the denoised guess inside the step and with
        the original itself, and for 9 channels as well. Either way the pixels outside
        the mask are pasted back in the end; what differs is how the edge is reached.
        """
        scheduler, shared = trajectory.scheduler, trajectory.conditions
        trajectory.torn = True
        told: Any = scheduler.step(
            guess[None],
            _own_step(trajectory),
            trajectory.latents[None],
            return_dict=True,
            **_randomness(trajectory),
        )
        moved = told.prev_sample[0].float()
        trajectory.predicted = _predicted(scheduler, told)[0].float()
        trajectory.steps_done += 1
        if self._model.channels == self._model.latent_channels:
            around = shared.encoded
            if not trajectory.finished:
                around = shared.schedule.noised(
                    around, trajectory.noise, trajectory.steps_done
                )
            moved = torch.lerp(around, moved, shared.mask)
        trajectory.latents = moved
        trajectory.torn = False


def scale_embedding(scale: float, width: int) -> torch.Tensor:
    """Return the guidance scale as a latent consistency UNet reads it.

    Sines and cosines of 1000 * scale at `width` / 2 frequencies from 1 down to 1/10000,
    as timesteps are embedded (Meng et al., 2023, arXiv:2210.03142; Luo et al., 2023,
    arXiv:2310.04378).

    Returns:
        (1, width) float32.
    """
    half = width // 2
    frequencies = torch.logspace(0, -4, half, dtype=torch.float64)
    angles = 1000.0 * scale * frequencies
    waves = torch.cat([angles.sin(), angles.cos()])
    return torch.nn.functional.pad(waves, (0, width - 2 * half)).float()[None]


def _own_step(trajectory: Trajectory) -> Any:
    # Schedulers look their position up by equality, so they are handed their own value.
    steps = trajectory.scheduler.timesteps
    total = len(trajectory.conditions.schedule.timesteps)
    return steps[len(steps) - total + trajectory.steps_done]


def _added(rows: Sequence[_Row]) -> dict[str, torch.Tensor]:
    pooled = [row.code.pooled for row in rows if row.code.pooled is not None]
    ids = [row.time_ids for row in rows if row.time_ids is not None]
    return {"text_embeds": torch.stack(pooled), "time_ids": torch.stack(ids)}


def _predicted(scheduler: Any, told: Any) -> torch.Tensor:
    for name in ("pred_original_sample", "denoised"):
        found = getattr(told, name, None)
        if found is not None:
            result: torch.Tensor = found
            return result
    # The multistep solvers keep it as their memory of the step.
    kept: torch.Tensor = scheduler.model_outputs[-1]
    return kept


def _randomness(trajectory: Trajectory) -> dict[str, Any]:
    # UniPC draws nothing and takes no generator.
    name = type(trajectory.scheduler).__name__
    return {} if name.startswith("UniPC") else {"generator": trajectory.generator}
