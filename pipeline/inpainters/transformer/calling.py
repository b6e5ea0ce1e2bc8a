"""Turn a request into the arguments of one of diffusers' pipelines.

What a pipeline takes is read off its signature. What it does not take, or would ignore,
becomes a note of the candidate, so that nobody wonders where a setting went.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from detectors.arrays import MaskArray, RgbArray
from pipeline.inpainters.transformer.families import Family

NO_WORDS = " "
"""True classifier-free guidance needs some negative prompt; diffusers' documentation
of Qwen-Image gives a blank."""


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What is to be painted, at working size."""

    picture: RgbArray
    """(H, W, 3) uint8 RGB: what stands there before, masked content laid in."""

    mask: MaskArray
    """(H, W) bool, True = repaint."""

    prompt: str
    negative_prompt: str
    strength: float
    steps: int


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """The arguments of a pipeline, but for the generator; and what was left out."""

    arguments: Mapping[str, Any]
    notes: tuple[str, ...]


def call_for(task: Task, family: Family, scale: float, takes: frozenset[str]) -> Call:
    """Work out the arguments.

    Args:
        task: What to paint.
        family: Of the model.
        scale: Guidance scale.
        takes: Names of the arguments that the pipeline has.
    """
    height, width = task.mask.shape
    arguments = {
        "prompt": task.prompt,
        "image": Image.fromarray(np.ascontiguousarray(task.picture)),
        "mask_image": Image.fromarray(task.mask.astype(np.uint8) * 255),
        "height": height,
        "width": width,
        "num_inference_steps": task.steps,
        "output_type": "np",
        "return_dict": True,
        family.steered_by: scale,
        **family.fixed,
    }
    notes: list[str] = []
    _add_strength(arguments, notes, task, takes)
    _add_negative(arguments, notes, task, (family, scale, "negative_prompt" in takes))
    return Call(arguments, (*notes,))


def _add_strength(
    arguments: dict[str, Any],
    notes: list[str],
    task: Task,
    takes: frozenset[str],
) -> None:
    if "strength" not in takes:
        notes.append(
            f"strength {task.strength:g} means nothing to this model, which always "
            "starts from noise alone"
        )
        return
    # diffusers runs int(steps * strength) steps, and refuses to run none.
    arguments["strength"] = max(task.strength, 1 / task.steps)
    if arguments["strength"] > task.strength:
        notes.append(f"strength {task.strength:g} is under one step, and one was run")


def _add_negative(
    arguments: dict[str, Any],
    notes: list[str],
    task: Task,
    steering: tuple[Family, float, bool],
) -> None:
    """Hand the negative prompt over where it is read.

    Args:
        arguments: Are added to.
        notes: Are added to.
        task: Its negative prompt.
        steering: The family, the scale, and whether the pipeline has the argument.
    """
    family, scale, takes_it = steering
    if not takes_it or family.embedded:
        if task.negative_prompt:
            notes.append(f"{family.words} reads no negative prompt")
    elif scale > 1:
        arguments["negative_prompt"] = task.negative_prompt or NO_WORDS
    elif task.negative_prompt:
        notes.append("without guidance the negative prompt is not read")
