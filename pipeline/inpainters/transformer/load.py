"""Load one of diffusers' whole pipelines from a folder.

Only safetensors are read, nothing is downloaded, and no code that comes with a model is
run.
"""

import inspect
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import diffusers
import torch

from pipeline.errors import EnvironmentProblem
from pipeline.inpainters.diffusion.load import merge_lora, quiet
from pipeline.inpainters.diffusion.trouble import (
    WHAT_LOADING_RAISES,
    attempt,
    empty_caches,
    first_line,
)
from pipeline.inpainters.transformer.families import Family, family_of
from pipeline.inpainters.transformer.words import Words, remember_words
from pipeline.model_files import INDEX
from pipeline.models import LocatedModel

log = logging.getLogger(__name__)

PATCH = 2
"""Latents along each side of what a transformer reads as one token, in all families."""

NATIVE_LATENTS = 128
"""Where a pipeline does not say at which size it was trained: 1024 px, as they all."""

SPARED = ("text_encoder_3", "tokenizer_3")
"""Parts that may be left out of a model's folder."""


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """A loaded pipeline."""

    name: str
    family: Family
    call: Any
    """diffusers' pipeline; calling it paints."""

    takes: frozenset[str]
    """Names of the arguments of a call."""

    device: torch.device
    dtype: torch.dtype
    words: Words | None = None
    """Remembers prompts; None for a pipeline that was not loaded here."""

    fits: bool = True
    """It lies on the device; else in main memory, as there is no room for it all."""

    @property
    def size_multiple(self) -> int:
        return int(self.call.vae_scale_factor) * PATCH

    @property
    def native_px(self) -> int:
        """The side of the squares that the model was trained on."""
        side = getattr(self.call, "default_sample_size", NATIVE_LATENTS)
        return int(side) * int(self.call.vae_scale_factor)


def load_whole(
    located: LocatedModel,
    loras: Sequence[str],
    device: torch.device,
    dtype: torch.dtype,
) -> Whole:
    """Load a model onto a device; what does not fit there stays in main memory.

    Args:
        located: A diffusers folder on this machine.
        loras: LoRA files, each `path` or `path:weight`; merged into the weights.
        device: Where it will run.
        dtype: Number format of weights and activations.

    Raises:
        EnvironmentProblem: it is damaged, or of a family that is not known here.
        UsageError: a LoRA file does not exist or does not fit.
    """
    if not located.path.is_dir():
        raise EnvironmentProblem(
            f"{located.path} is a single file, which the engine `transformer` does not "
            "read; give the model's diffusers folder or its hub id"
        )
    index = json.loads((located.path / INDEX).read_text(encoding="utf-8"))
    family = family_of(index, located.name)
    with quiet():
        try:
            whole = getattr(diffusers, family.paints_with).from_pretrained(
                located.path,
                dtype=dtype,
                use_safetensors=True,
                local_files_only=True,
                **_left_out(family, index),
            )
        except WHAT_LOADING_RAISES as error:
            raise EnvironmentProblem(
                f"the model {located.name!r} in {located.path} cannot be loaded: "
                f"{first_line(error)}"
            ) from error
        for place, lora in enumerate(loras):
            merge_lora(whole, lora, f"lora{place}")
        fits = attempt(partial(_placed, whole, device)) is not None
        if not fits:
            log.warning("%s does not fit %s as a whole", located.name, device)
            whole.to("cpu")
            empty_caches()
    whole.set_progress_bar_config(disable=True)
    words = remember_words(whole)
    takes = frozenset(inspect.signature(whole.__call__).parameters)
    return Whole(located.name, family, whole, takes, device, dtype, words, fits)


def _placed(whole: Any, device: torch.device) -> bool:
    whole.to(device)
    return True


def _left_out(family: Family, index: Mapping[str, Any]) -> dict[str, None]:
    """Name the parts that a model does without: people leave out SD 3's T5 encoder."""
    known = inspect.signature(getattr(diffusers, family.paints_with)).parameters
    return {
        name: None
        for name in SPARED
        if name in known and not (index.get(name) or [None])[0]
    }
