"""Settings of what is repainted, how it is asked for, and what is kept of it."""

from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from detectors.findings import Remedy
from pipeline.records import MaskedContent
from pipeline.settings.basics import Pixels, Section, Share


class MaskSettings(Section):
    """How findings become masks."""

    grow_px: Pixels = 8
    """Symmetric dilation by a disc of this radius."""

    margin_share: Share = 0.12
    """Boxes without an outline grow by this share of their longer side first."""

    merge_px: Pixels = 24
    """Regions nearer than this are repainted together."""

    min_area_px: Annotated[int, Field(ge=1)] = 64
    """Smaller regions are ignored; in square pixels."""

    max_area_share: Share = 0.65
    """Larger regions are not repainted; share of the picture's area."""

    user_remedy: Remedy = "redraw"
    """What your own masks ask for: "redraw" what they cover, or "remove" it."""

    use_people: bool = True
    """Cut masks of hands and faces back to the outline of the person where known."""


PlanMode = Literal["auto", "only-masked", "whole-picture"]
MaskBlur = Annotated[int, Field(ge=0, le=64)]
Strength = Annotated[float, Field(gt=0, le=1)]
Variations = Annotated[int, Field(ge=1, le=64)]


class KindPlan(Section):
    """What one kind of flaw has otherwise than `plan` says; None is as there."""

    mode: PlanMode | None = None
    padding_px: Pixels | None = None
    mask_blur_px: MaskBlur | None = None
    masked_content: MaskedContent | None = None
    strength: Strength | None = None
    variations: Variations | None = None

    @model_serializer(mode="wrap")
    def _what_differs(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        plain: dict[str, Any] = write(self)
        return {name: value for name, value in plain.items() if value is not None}


class PlanSettings(Section):
    """Only masked or whole picture, and what the engine is told."""

    mode: PlanMode = "auto"
    """Paint a region alone, with the whole picture, or decide by its size."""

    whole_above_share: Share = 0.35
    """From this share of the picture's area, a region is painted with the whole."""

    whole_min_scale: Share = 0.6
    """But only when it is then painted at this share of a cut-out's resolution."""

    padding_px: Pixels = 32
    """Context around an only-masked region, as in AUTOMATIC1111."""

    mask_blur_px: MaskBlur = 4
    """Standard deviation of the mask's soft edge, as in AUTOMATIC1111."""

    masked_content: MaskedContent = "original"
    """What the model finds under the mask when it begins."""

    strength: Strength = 0.75
    """Denoising strength."""

    variations: Variations = 4
    """Candidates per region and attempt."""

    working_px: Annotated[int, Field(ge=0, le=4096)] = 0
    """Side of the working square; 0 takes the model's native size."""

    removal_content: MaskedContent = "fill"
    """Masked content where something is to be removed."""

    by_kind: dict[str, KindPlan] = Field(default_factory=dict)
    """Kind, or the part before the slash, to what it has otherwise: mode, padding_px,
    mask_blur_px, masked_content, strength or variations, as in `{ face = { strength =
    0.4 } }`. Of flaws joined to one region the surest that has an entry decides."""


class PromptSettings(Section):
    """What the model is asked for."""

    prompt: str | None = None
    """Replaces the picture's own prompt; None reads it from the metadata. Weights as
    in AUTOMATIC1111, `(word:1.3)`, and BREAK are read by engine diffusion."""

    negative_prompt: str | None = None
    """Replaces the picture's own negative prompt; None reads it from the metadata."""

    before: dict[str, str] = Field(
        default_factory=lambda: {
            "hand": "perfect hand, five fingers, natural pose, detailed skin",
            "face": "detailed face, symmetrical eyes, natural skin",
        }
    )
    """Kind, or the part before the slash, to the words put before the own prompt."""

    negative_before: dict[str, str] = Field(
        default_factory=lambda: {
            "hand": "extra fingers, missing fingers, fused fingers, malformed hand",
            "face": "deformed face, crossed eyes, blurry",
        }
    )
    """The same for the negative prompt."""

    max_words: Annotated[int, Field(ge=0, le=1000)] = 60
    """Words taken from the own prompt; engine diffusion reads 300 tokens in all."""


class ScoreSettings(Section):
    """What a region costs; see `pipeline.stages.score` for the definitions."""

    seam_weight: Annotated[float, Field(ge=0, le=10)] = 0.15
    """What one unit of seam adds to the total cost."""

    drift_weight: Annotated[float, Field(ge=0, le=10)] = 0.10
    """What one unit of drift adds to the total cost."""

    blur_weight: Annotated[float, Field(ge=0, le=10)] = 0.10
    """What one unit of blur, half of the detail lost, adds to the total cost."""

    context_px: Pixels = 96
    """Surroundings that the detectors see when they judge a region again."""


class ChooseSettings(Section):
    """When a candidate replaces the original."""

    min_gain: Annotated[float, Field(ge=0, le=10)] = 0.10
    """The least by which the total cost must fall."""

    min_flaw_drop: Share = 0.3
    """The least share of the flaw cost that has to be gone: what is redrawn and called
    flawed nearly as surely as before costs sharpness, and is no repair."""

    max_blur: Annotated[float, Field(ge=0, le=10)] = 1.0
    """The most blur that a redrawn part may show against the picture as it came: at 1
    half of its detail is gone, as by a Gaussian of 2 px; grain that `match_grain` draws
    is no detail. Removals may smooth freely."""

    stop: Literal["first-pass", "margin", "never"] = "never"
    """When to stop painting variations of a region: "first-pass" at the first that
    passes, "margin" at the first that passes with `min_gain` to spare, "never" before
    all are done."""

    pass_below: Share = 0.25
    """A candidate whose flaw cost is below this passes."""

    retry_steps: tuple[float, ...] = (0.1, -0.1)
    """Changes of the denoising strength tried in turn when nothing was better."""

    min_strength: Share = 0.3
    """The least denoising strength that a retry may use."""

    max_strength: Share = 1.0
    """The greatest denoising strength that a retry may use."""


class PassSettings(Section):
    """How often a picture is gone over."""

    limit: Annotated[int, Field(ge=1, le=20)] = 3
    """Passes in one run."""

    lifetime: Annotated[int, Field(ge=1, le=50)] = 8
    """Passes over a picture's life; repeated inpainting collapses it after about 8."""


class SaveSettings(Section):
    """What is written."""

    keep_variations: bool = True
    """Keep each variation's cut-out for the report."""

    keep_checkpoints: bool = True
    """Keep the picture as it stood after each pass."""

    provenance: bool = True
    """Add one entry to repaired pictures that says what was done."""
