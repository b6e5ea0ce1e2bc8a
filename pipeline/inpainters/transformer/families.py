"""Which of diffusers' inpainting pipelines paints with which model, and how it steers.

The classes are those of diffusers 0.42.1: what `AutoPipelineForInpainting` offers for
models with a transformer, and the four that exist beside its table (Flux Fill, Flux
Kontext, Flux 2 Klein, Chroma). Models with a UNet belong to the engine `diffusion`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from pipeline.errors import EnvironmentProblem

DISTILLED = ("turbo", "schnell", "lightning")
"""Words in the names of models that were distilled to paint without guidance."""


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of model."""

    words: str
    """What people call it."""

    prefixes: tuple[str, ...]
    """How the `_class_name` in its model_index.json begins."""

    paints_with: str
    """diffusers' class that inpaints with it."""

    own_guidance: float
    """What its makers use; from its pipeline's defaults and documentation."""

    steered_by: Literal["guidance_scale", "true_cfg_scale"] = "guidance_scale"
    """The argument that takes the setting."""

    embedded: bool = False
    """The scale is an input of the network, which then knows no negative prompt."""

    fixed: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Arguments that are the same for every call."""

    def guidance_for(self, asked: float | None, model: str) -> float:
        """Return the guidance scale to paint with.

        Args:
            asked: The setting; None takes the family's own, or none at all for models
                that were distilled to do without.
            model: Its name, which tells those.
        """
        if asked is not None:
            return asked
        distilled = any(word in model.lower() for word in DISTILLED)
        return 0.0 if distilled and not self.embedded else self.own_guidance


FAMILIES = (
    Family(
        "Flux Fill", ("FluxFill",), "FluxFillPipeline", own_guidance=30, embedded=True
    ),
    Family(
        "Flux Kontext",
        ("FluxKontext",),
        "FluxKontextInpaintPipeline",
        own_guidance=3.5,
        embedded=True,
        # It would else change the size to one of those it was trained on.
        fixed=MappingProxyType({"_auto_resize": False}),
    ),
    Family(
        "Flux 2 Klein", ("Flux2Klein",), "Flux2KleinInpaintPipeline", own_guidance=4
    ),
    Family(
        "Flux",
        ("FluxPipeline", "FluxImg2Img", "FluxInpaint"),
        "FluxInpaintPipeline",
        own_guidance=7,
        embedded=True,
    ),
    Family("Chroma", ("Chroma",), "ChromaInpaintPipeline", own_guidance=5),
    Family(
        "Stable Diffusion 3",
        ("StableDiffusion3",),
        "StableDiffusion3InpaintPipeline",
        own_guidance=7,
    ),
    Family(
        "Qwen-Image-Edit",
        ("QwenImageEditPipeline", "QwenImageEditInpaint"),
        "QwenImageEditInpaintPipeline",
        own_guidance=4,
        steered_by="true_cfg_scale",
    ),
    Family(
        "Qwen-Image",
        ("QwenImagePipeline", "QwenImageImg2Img", "QwenImageInpaint"),
        "QwenImageInpaintPipeline",
        own_guidance=4,
        steered_by="true_cfg_scale",
    ),
    Family(
        "Z-Image",
        ("ZImagePipeline", "ZImageImg2Img", "ZImageInpaint"),
        "ZImageInpaintPipeline",
        own_guidance=5,
    ),
)


def family_of(index: Mapping[str, Any], model: str) -> Family:
    """Return the family of a model.

    Args:
        index: The model's model_index.json.
        model: Its name, for the sentence.

    Raises:
        EnvironmentProblem: nothing here inpaints with it.
    """
    kind = str(index.get("_class_name", ""))
    if "ControlNet" not in kind:
        for family in FAMILIES:
            if kind.startswith(family.prefixes):
                return family
    if "unet" in index:
        raise EnvironmentProblem(
            f"{model} is a {kind or 'model with a UNet'}, which the engine `diffusion` "
            "paints with; leave out --engine transformer"
        )
    known = ", ".join(family.words for family in FAMILIES)
    raise EnvironmentProblem(
        f"{model} is a {kind or 'model of an unknown kind'}, and nothing here inpaints "
        f"with that; the engine `transformer` knows {known}"
    )
