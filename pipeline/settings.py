"""Every setting, its default, its bounds and its unit; the only home of a default."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from pipeline.records import MaskedContent

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Pixels = Annotated[int, Field(ge=0, le=4096)]


class Section(BaseModel):
    """Frozen; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LoadSettings(Section):
    """Which files are opened."""

    max_megapixels: Annotated[float, Field(gt=0, le=1000)] = 100.0
    """Larger pictures are skipped before they are decoded; in millions of pixels."""

    max_file_mib: Annotated[int, Field(ge=1, le=4096)] = 256
    """Larger files are skipped before they are read; in MiB."""


class DetectSettings(Section):
    """Who looks."""

    detectors: tuple[str, ...] = ("hands", "faces", "quality")
    """Names from `nightmend detectors`, in the order in which they look."""

    min_confidence: Share = 0.5
    """A finding below this is not acted on; it is still shown."""


class HandsSettings(Section):
    """The detector `hands`."""

    min_side_px: Pixels = 24
    """Smaller hands are not judged; the short side of the hand's box."""

    suspect_above: Share = 0.5
    """Calibrated probability of a flaw from which a hand counts as malformed."""

    cannot_tell_margin: Share = 0.0
    """Hands within this distance of `suspect_above` are reported as "cannot tell"."""

    second_look: bool = True
    """Look again at enlarged cut-outs around people and arms, for small hands."""

    max_hands: Annotated[int, Field(ge=1, le=64)] = 16
    """The most hands that are judged in one picture."""


class FacesSettings(Section):
    """The detector `faces`."""

    confidence: Share = 0.5
    """Faces that the finder is less sure of are ignored."""

    min_side_px: Pixels = 96
    """Short side that a 512 px model needs to draw a face; scaled with the model."""

    malformed_above: Share = 0.5
    """Probability of damage from which a face counts as malformed."""

    max_faces: Annotated[int, Field(ge=1, le=256)] = 64
    """The most faces that are judged in one picture."""


class SegmentsSettings(Section):
    """The detector `segments`: Ultralytics weights that the user names."""

    weights: Path | None = None
    """A .pt file with a pinned digest or in safe format, or an .onnx file."""

    sha256: str = ""
    """Digest the weights must have, in hex; "" refuses files that need unpickling."""

    classes: tuple[str, ...] = ()
    """Class names that count as findings; () means all."""

    confidence: Share = 0.3
    """Detections that the weights are less sure of are ignored."""

    min_area_share: Share = 0.0
    """Smaller findings are dropped; share of the picture's area."""

    max_area_share: Share = 1.0
    """Larger findings are dropped; share of the picture's area."""

    severity: Literal["note", "warning", "error"] = "warning"
    """How much its findings weigh."""


class PeopleSettings(Section):
    """The detector `people`."""

    confidence: Share = 0.4
    """People that the finder is less sure of are ignored."""

    stray_parts: bool = False
    """Report hands and faces that belong to nobody as `body/stray-part`."""


class QualitySettings(Section):
    """The detector `quality`: the picture as a whole."""

    dark_below: Share = 0.06
    """Mean lightness (L*/100) under which a picture counts as very dark."""

    bright_above: Share = 0.94
    """Mean lightness (L*/100) above which a picture counts as very bright."""

    uniform_below: Annotated[float, Field(ge=0, le=64)] = 3.0
    """Standard deviation of lightness under which a picture is uniform; of 255."""

    blurred_above: Share = 0.85
    """Estimated probability of blur from which a picture counts as blurred."""

    size_multiple: Annotated[int, Field(ge=1, le=128)] = 8
    """Sides that are no multiple of this count as odd; in pixels."""

    max_aspect: Annotated[float, Field(ge=1, le=100)] = 3.0
    """Long side over short side beyond which the aspect counts as odd."""


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

    use_people: bool = True
    """Cut masks of hands and faces back to the outline of the person where known."""


class PlanSettings(Section):
    """Only masked or whole picture, and what the engine is told."""

    mode: Literal["auto", "only-masked", "whole-picture"] = "auto"
    """Paint a region alone, with the whole picture, or decide by its size."""

    whole_above_share: Share = 0.35
    """From this share of the picture's area, a region is painted with the whole."""

    whole_min_scale: Share = 0.6
    """But only when it is then painted at this share of a cut-out's resolution."""

    padding_px: Pixels = 32
    """Context around an only-masked region, as in AUTOMATIC1111."""

    mask_blur_px: Annotated[int, Field(ge=0, le=64)] = 4
    """Standard deviation of the mask's soft edge, as in AUTOMATIC1111."""

    masked_content: MaskedContent = "original"
    """What the model finds under the mask when it begins."""

    strength: Annotated[float, Field(gt=0, le=1)] = 0.75
    """Denoising strength."""

    variations: Annotated[int, Field(ge=1, le=64)] = 4
    """Candidates per region and attempt."""

    working_px: Annotated[int, Field(ge=0, le=4096)] = 0
    """Side of the working square; 0 takes the model's native size."""

    removal_content: MaskedContent = "fill"
    """Masked content where something is to be removed."""


class PromptSettings(Section):
    """What the model is asked for."""

    prompt: str | None = None
    """Replaces the picture's own prompt; None reads it from the metadata."""

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
    """Words taken from the own prompt; the text encoder reads 77 tokens anyway."""


class InpaintSettings(Section):
    """Which engine paints, and how it is run."""

    engine: str = "diffusion"
    """A name from `nightmend models list`: "diffusion" or "classical"."""

    model: str = "sd15-inpaint"
    """A preset, a hub id, a local diffusers folder, or one .safetensors file."""

    revision: str = ""
    """Commit of a hub model; "" takes the preset's."""

    parts: Path | None = None
    """Diffusers folder that a single .safetensors file takes its tokenizer and its
    configurations from; None takes those of its family from the fetched models."""

    loras: tuple[str, ...] = ()
    """LoRA files (.safetensors), each `path` or `path:weight`."""

    scheduler: Literal[
        "dpmpp-2m-karras", "ddim", "euler", "euler-a", "unipc", "lcm"
    ] = "dpmpp-2m-karras"
    """How the noise is taken away."""

    steps: Annotated[int, Field(ge=1, le=200)] = 28
    """Steps of the scheduler at denoising strength 1; fewer below it."""

    guidance_scale: Annotated[float, Field(ge=1, le=30)] = 7.0
    """How strongly the prompt steers; 1 does without the negative prompt."""

    guidance_from_sigma: Annotated[float, Field(ge=0)] = 0.0
    """Guidance is skipped at noise levels below this sigma; 0 never skips."""

    guidance_to_sigma: Annotated[float, Field(ge=0)] = 0.0
    """Guidance is skipped at noise levels above this sigma; 0 never skips."""

    clip_skip: Annotated[int, Field(ge=0, le=11)] = 0
    """Layers of the text encoder left out at its end."""

    batch: Annotated[int, Field(ge=1, le=64)] = 4
    """Candidates painted side by side."""

    device: str = "auto"
    """"auto", "cpu", "mps", "cuda" or "cuda:1"."""

    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Number format of the model; auto takes the fastest that the device does well."""

    compile: bool = False
    """Compile the model first; pays off over a long run on a GPU."""

    patch_radius_px: Annotated[int, Field(ge=1, le=15)] = 5
    """Engine classical: PatchMatch compares squares of side 2 * this + 1; 3 suits fine
    texture, 5 structure."""

    scratch_px: Annotated[int, Field(ge=1, le=64)] = 12
    """Engine classical: regions thinner than this are filled by Telea's method."""


class ScoreSettings(Section):
    """What a region costs; see `pipeline.stages.score` for the definitions."""

    seam_weight: Annotated[float, Field(ge=0, le=10)] = 0.15
    """What one unit of seam adds to the total cost."""

    drift_weight: Annotated[float, Field(ge=0, le=10)] = 0.10
    """What one unit of drift adds to the total cost."""

    context_px: Pixels = 96
    """Surroundings that the detectors see when they judge a region again."""


class ChooseSettings(Section):
    """When a candidate replaces the original."""

    min_gain: Annotated[float, Field(ge=0, le=10)] = 0.10
    """The least by which the total cost must fall."""

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


class RunSettings(Section):
    """What concerns the whole run."""

    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Every seed of the run is derived from this and the picture's content."""

    fail_on: Literal["note", "warning", "error"] = "warning"
    """`check` exits 1 when something at least this severe was found."""

    settle_s: Annotated[float, Field(ge=0, le=3600)] = 0.0
    """Files younger than this are left for the next run; in seconds."""

    min_free_mib: Annotated[int, Field(ge=0)] = 200
    """The run stops when the output's disk has less room than this."""


class Settings(Section):
    """Everything that a run depends on, and nothing that it works out itself."""

    load: LoadSettings = LoadSettings()
    detect: DetectSettings = DetectSettings()
    hands: HandsSettings = HandsSettings()
    faces: FacesSettings = FacesSettings()
    segments: SegmentsSettings = SegmentsSettings()
    people: PeopleSettings = PeopleSettings()
    quality: QualitySettings = QualitySettings()
    mask: MaskSettings = MaskSettings()
    plan: PlanSettings = PlanSettings()
    prompt: PromptSettings = PromptSettings()
    inpaint: InpaintSettings = InpaintSettings()
    score: ScoreSettings = ScoreSettings()
    choose: ChooseSettings = ChooseSettings()
    passes: PassSettings = PassSettings()
    save: SaveSettings = SaveSettings()
    run: RunSettings = RunSettings()
