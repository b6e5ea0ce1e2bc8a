"""Settings of the engine that paints."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from pipeline.settings.basics import Section, Share


class InpaintSettings(Section):
    """Which engine paints, and how it is run."""

    engine: str = "diffusion"
    """"diffusion" takes Stable Diffusion 1.x, 2.x and XL, and hands Flux, SD 3,
    Qwen-Image, Z-Image and kin over to "transformer"; "classical" needs no model."""

    removal: Literal["fill", "model"] = "fill"
    """What takes away a surplus part: "fill" copies from around it (PatchMatch), and
    draws nothing new; "model" asks the model, which may draw another finger."""

    model: str = "sd15-inpaint"
    """A preset, a hub id, a local diffusers folder, or one .safetensors file."""

    revision: str = ""
    """Commit of a hub model; "" takes the preset's."""

    parts: Path | None = None
    """Diffusers folder that a single .safetensors file takes its tokenizer and its
    configurations from; None takes those of its family from the fetched models."""

    loras: tuple[str, ...] = ()
    """LoRA files (.safetensors), each `path` or `path:weight`."""

    embeddings: tuple[Path, ...] = ()
    """Embeddings of textual inversion, such as those against bad hands (.safetensors;
    also .pt and .bin, of which no code is run); a prompt names one by its file's name,
    and a picture's own prompt may too."""

    vae: str = ""
    """A VAE to use in place of the model's own: a diffusers folder, a hub id, or one
    .safetensors file; "" keeps the model's. Stable Diffusion 1.x, 2.x and XL only."""

    scheduler: Literal[
        "dpmpp-2m-karras",
        "dpmpp-2m-sde-karras",
        "ddim",
        "euler",
        "euler-a",
        "unipc",
        "lcm",
    ] = "dpmpp-2m-karras"
    """How the noise is taken away; engine transformer keeps the model's own."""

    schedule: Literal["own", "uniform", "sgm-uniform", "karras", "exponential"] = "own"
    """How noise levels are laid out over the steps, as AUTOMATIC1111's schedule types;
    own keeps what the scheduler's name and the model say. Distilled models of few steps
    (Turbo, Lightning, Hyper) want sgm-uniform. Not each scheduler has karras."""

    steps: Annotated[int, Field(ge=1, le=200)] = 28
    """Steps of the scheduler at denoising strength 1; fewer below it."""

    guidance_scale: Annotated[float | None, Field(ge=0, le=30)] = None
    """How strongly the prompt steers; 1 or less does without the negative prompt. Not
    set, it is what the model's family is used with: 7 for Stable Diffusion, 30 for Flux
    Fill, 4 for Qwen-Image, none for turbo models."""

    guidance_from_sigma: Annotated[float, Field(ge=0)] = 0.0
    """Guidance is skipped at noise levels below this sigma; 0 never skips."""

    guidance_to_sigma: Annotated[float, Field(ge=0)] = 0.0
    """Guidance is skipped at noise levels above this sigma; 0 never skips."""

    control: Literal["none", "hand-pose", "inpaint"] = "none"
    """What a ControlNet is shown beside the prompt: hand-pose draws a five-digit
    skeleton from the hand's own joints, so that a hand keeps its pose; inpaint shows
    the picture with a hole. Stable Diffusion 1.x, 2.x and XL only."""

    control_model: str = ""
    """The ControlNet: a preset such as control-openpose, a hub id, a folder, or one
    .safetensors file; it must be of the model's family."""

    control_scale: Annotated[float, Field(gt=0, le=2)] = 1.0
    """How strongly the ControlNet steers."""

    control_from: Share = 0.0
    """Share of the steps that are run before the ControlNet begins to steer."""

    control_to: Share = 1.0
    """Share of the steps after which the ControlNet no longer steers."""

    clip_skip: Annotated[int, Field(ge=0, le=11)] = 0
    """Layers of the text encoder left out at its end."""

    match_colours: bool = False
    """Take back the shift of colours that the VAE makes, as seen around the mask."""

    match_grain: bool = True
    """Draw the picture's grain over what is painted, as far as the engine lost it; the
    same seed draws the same. A picture without grain stays as it is painted."""

    batch: Annotated[int, Field(ge=1, le=64)] = 4
    """Candidates painted side by side."""

    pictures: Annotated[int, Field(ge=1, le=256)] = 8
    """Pictures worked on at a time, so that their candidates share a batch; each takes
    memory. Engines without a batch work on one."""

    preview_at: Share = 0.0
    """Share of its steps after which a candidate is previewed, and the worst dropped
    once previews have proved to tell the end; 0 never. What is painted then depends on
    the order of the pictures."""

    preview_keep: Share = 0.5
    """Share of previewed candidates that go on, once any are dropped."""

    preview_learn: Annotated[int, Field(ge=8, le=10000)] = 64
    """Finished candidates from which it is learned what a preview tells."""

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
