"""Run a ControlNet beside the UNet, for the trajectories that have a control picture.

It is a copy of the UNet's first half that reads the control picture too; what it finds
is added to what the UNet's own first half hands on (Zhang et al., 2023,
arXiv:2302.05543). Both prompts of classifier-free guidance are controlled.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from pipeline.inpainters.diffusion.trajectory import Trajectory


@dataclass(frozen=True, slots=True, eq=False)
class ControlNet:
    """A loaded network, and how strongly and when it steers."""

    name: str
    network: Any
    """diffusers' ControlNetModel."""

    scale: float
    first_share: float
    """It steers from this share of the steps that are run..."""

    last_share: float
    """...to this one."""

    rests: bool = False
    """It lies in main memory, and so do the networks that it was to join."""

    @property
    def channels(self) -> int:
        """Channels of the latents that it reads."""
        return int(self.network.config.in_channels)

    def steers(self, trajectory: Trajectory) -> bool:
        """Tell whether it has a say in the next step; as diffusers counts steps."""
        if trajectory.conditions.control is None:
            return False
        total = len(trajectory.conditions.schedule.timesteps)
        done = trajectory.steps_done
        begun = done / total >= self.first_share
        return begun and (done + 1) / total <= self.last_share

    def residuals(
        self,
        batch: Sequence[Trajectory],
        owners: Sequence[int],
        inputs: torch.Tensor,
        call: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Return what is handed to the UNet beside its other arguments.

        Args:
            batch: The trajectories.
            owners: For each row of the UNet's call, its trajectory's place in `batch`.
            inputs: (rows, channels, h, w): the UNet's samples.
            call: The UNet's other arguments, each with one entry per row.

        Returns:
            Nothing where no row is steered, so that the UNet is called as without a
            ControlNet. Rows that are not steered get zeros.
        """
        steered = [self.steers(trajectory) for trajectory in batch]
        rows = [place for place, owner in enumerate(owners) if steered[owner]]
        if not rows:
            return {}
        index = torch.tensor(rows, device=inputs.device)
        pictures = [batch[owners[row]].conditions.control for row in rows]
        down, middle = self.network(
            inputs[index][:, : self.channels],
            call["timestep"][index],
            encoder_hidden_states=call["encoder_hidden_states"][index],
            controlnet_cond=torch.stack([p for p in pictures if p is not None]).to(
                inputs.device, inputs.dtype
            ),
            conditioning_scale=self.scale,
            added_cond_kwargs=_rows_of(call["added_cond_kwargs"], index),
            return_dict=False,
        )
        spread = [_spread(each, index, len(owners)) for each in (*down, middle)]
        return {
            "down_block_additional_residuals": tuple(spread[:-1]),
            "mid_block_additional_residual": spread[-1],
        }


def _rows_of(
    added: Mapping[str, torch.Tensor] | None, index: torch.Tensor
) -> dict[str, torch.Tensor] | None:
    if added is None:
        return None
    return {name: values[index] for name, values in added.items()}


def _spread(found: torch.Tensor, index: torch.Tensor, rows: int) -> torch.Tensor:
    """Put rows back where they came from, with zeros between them."""
    if len(index) == rows:
        return found
    spread = found.new_zeros((rows, *found.shape[1:]))
    spread[index] = found
    return spread
