"""Scheduler classes by name, and which steps are run for a denoising strength.

diffusers runs int(steps * strength) steps; AUTOMATIC1111 runs one more and starts at
the noise level of the step before (20 steps at 0.4: 8 against 9). We count as diffusers
does, so that the strength is the share of the schedule that is run and a seed gives the
same latents as diffusers' pipelines; but at least one step is run, where diffusers
refuses. diffusers' schedulers hold the state of one trajectory, so each trajectory gets
a copy of its own.
"""

import copy
import inspect
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import diffusers
import numpy as np
import torch

from pipeline.errors import UsageError

CLASSES: Mapping[str, tuple[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "dpmpp-2m-karras": (
            "DPMSolverMultistepScheduler",
            {"algorithm_type": "dpmsolver++", "solver_order": 2}
            | {"use_karras_sigmas": True},
        ),
        "dpmpp-2m-sde-karras": (
            "DPMSolverMultistepScheduler",
            {"algorithm_type": "sde-dpmsolver++", "solver_order": 2}
            | {"use_karras_sigmas": True},
        ),
        # Its own default cuts the guess of the latents off at 1, as for pictures.
        "ddim": ("DDIMScheduler", {"clip_sample": False}),
        "euler": ("EulerDiscreteScheduler", {}),
        "euler-a": ("EulerAncestralDiscreteScheduler", {}),
        "unipc": ("UniPCMultistepScheduler", {}),
        "lcm": ("LCMScheduler", {}),
    }
)

_PLAIN = {"use_karras_sigmas": False, "use_exponential_sigmas": False}

KINDS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "own": {},
        "uniform": _PLAIN | {"timestep_spacing": "linspace"},
        "sgm-uniform": _PLAIN | {"timestep_spacing": "trailing"},
        "karras": _PLAIN | {"use_karras_sigmas": True},
        "exponential": _PLAIN | {"use_exponential_sigmas": True},
    }
)
"""Ways to lay the noise levels out, named as AUTOMATIC1111 names its "schedule types".
"sgm-uniform" begins at the last time step, as distilled models (Turbo, Lightning,
Hyper) were taught to; diffusers calls it "trailing" and rounds the steps down."""


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """The steps of every trajectory that is run at one strength."""

    timesteps: tuple[float, ...]
    """As the UNet is told them, first to last."""

    sigmas: tuple[float, ...]
    """Noise level of each step over the signal, as k-diffusion counts."""

    from_noise: bool
    """At strength 1.0 a trajectory starts from noise alone."""

    mixtures: tuple[tuple[float, float], ...]
    """How much of the clean latents and how much noise there is at each step."""

    _template: Any

    def noised(
        self, clean: torch.Tensor, noise: torch.Tensor, step: int
    ) -> torch.Tensor:
        """Return clean latents with the noise that they have before a step.

        Args:
            clean: (C, h, w) float32.
            noise: The same.
            step: The place of the step in `timesteps`.
        """
        kept, added = self.mixtures[step]
        return torch.add(clean * kept, noise, alpha=added)

    def fresh(self) -> Any:
        """Return a scheduler at the first step, for one trajectory."""
        return copy.deepcopy(self._template)


def steps_run(steps: int, strength: float) -> int:
    """Return how many of `steps` are run; at least 1.

    Args:
        steps: Steps of a whole run.
        strength: Denoising strength, above 0 and up to 1.
    """
    return max(1, min(int(steps * strength), steps))


def plan_steps(
    name: str, config: Mapping[str, Any], steps: int, strength: float, kind: str = "own"
) -> Schedule:
    """Lay out the steps for one strength.

    Args:
        name: A key of `CLASSES`.
        config: The checkpoint's own scheduler configuration: how its noise was made.
        steps: Steps of a whole run.
        strength: Denoising strength, above 0 and up to 1.
        kind: A key of `KINDS`.

    Raises:
        UsageError: the scheduler cannot run that many steps, or not on that schedule.
    """
    try:
        scheduler = _built(name, kind, config, steps)
    except ValueError as error:
        raise UsageError(
            f"the scheduler {name!r} cannot run {steps} steps ({error}); "
            "change inpaint.steps or inpaint.scheduler"
        ) from error
    total = len(scheduler.timesteps)
    first = total - steps_run(total, strength)
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(first)
    return Schedule(
        timesteps=tuple(float(step) for step in scheduler.timesteps[first:]),
        sigmas=_sigmas(scheduler)[first:],
        from_noise=strength >= 1.0,
        mixtures=_mixtures(scheduler, first),
        _template=scheduler,
    )


def _built(name: str, kind: str, config: Mapping[str, Any], steps: int) -> Any:
    class_name, changes = CLASSES[name]
    maker = getattr(diffusers, class_name)
    known = inspect.signature(maker.__init__).parameters
    laid_out = {key: value for key, value in KINDS[kind].items() if key in known}
    lacking = [k for k, value in KINDS[kind].items() if value and k not in laid_out]
    if lacking:
        raise UsageError(
            f"the scheduler {name!r} has no schedule {kind!r}; change inpaint.schedule "
            "or inpaint.scheduler"
        )
    with warnings.catch_warnings():
        # diffusers turns tensors into arrays in a way that numpy 2 frowns upon.
        warnings.simplefilter("ignore", DeprecationWarning)
        scheduler = maker.from_config(dict(config), **{**changes, **laid_out})
        scheduler.set_timesteps(steps)
    return scheduler


def _mixtures(scheduler: Any, first: int) -> tuple[tuple[float, float], ...]:
    """Ask the scheduler what it makes of a one and of a unit of noise at each step."""
    asked = copy.deepcopy(scheduler)
    told = []
    one, none = torch.ones(1, 1), torch.zeros(1, 1)
    for place in range(first, len(asked.timesteps)):
        if hasattr(asked, "set_begin_index"):
            asked.set_begin_index(place)
        at = asked.timesteps[place : place + 1]
        kept, added = (
            asked.add_noise(*pair, at) for pair in ((one, none), (none, one))
        )
        told.append((float(kept), float(added)))
    return tuple(told)


def _sigmas(scheduler: Any) -> tuple[float, ...]:
    if hasattr(scheduler, "sigmas"):
        return tuple(
            float(sigma) for sigma in scheduler.sigmas[: len(scheduler.timesteps)]
        )
    kept = scheduler.alphas_cumprod.cpu().double().numpy()
    with np.errstate(divide="ignore"):  # trained down to a signal of zero
        sigmas = np.sqrt((1 - kept) / kept)
    steps = [float(step) for step in scheduler.timesteps]
    return tuple(float(s) for s in np.interp(steps, np.arange(len(sigmas)), sigmas))
