"""The models that people use, by short names.

No commit is written here, because none could be checked when this table was made; the
first fetch pins the commit that it met, and the digest of every file, in the user's
lock file, and later fetches and runs keep to it.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pipeline.errors import UsageError

Use = Literal["inpainting", "plain", "parts", "transformer", "control", "detector"]


@dataclass(frozen=True, slots=True)
class Preset:
    """One model under a short name."""

    name: str
    hub_id: str
    use: Use
    """inpainting and plain: the diffusion engine paints with it. parts: tokenizer and
    configurations only, for a single .safetensors file of that family. transformer: for
    the engine of that name. control: a ControlNet for `inpaint.control_model`.
    detector: weights for `segments.weights`."""

    licence: str
    size_mib: int
    """About this much is fetched."""

    sentence: str
    revision: str = "main"
    files: tuple[str, ...] = ()
    """Exactly these files; () chooses from the listing what the use needs."""

    shipped: bool = False
    """It comes with nightmend: nothing is fetched, and `hub_id` is empty."""

    gated: bool = False
    """The hub asks for an account and for its terms to be accepted."""


_SD15 = "stable-diffusion-v1-5/stable-diffusion-v1-5"
_SDXL = "stabilityai/stable-diffusion-xl-base-1.0"

PRESETS = (
    Preset(
        "sd15-inpaint",
        "stable-diffusion-v1-5/stable-diffusion-inpainting",
        "inpainting",
        "CreativeML Open RAIL-M",
        2130,
        "Stable Diffusion 1.5 made for inpainting, 512 px; the default",
    ),
    Preset(
        "sd15",
        _SD15,
        "plain",
        "CreativeML Open RAIL-M",
        2130,
        "Stable Diffusion 1.5, 512 px",
    ),
    Preset(
        "sdxl-inpaint",
        "diffusers/stable-diffusion-xl-1.0-inpainting-0.1",
        "inpainting",
        "CreativeML Open RAIL++-M",
        6940,
        "SDXL made for inpainting, 1024 px",
    ),
    Preset("sdxl", _SDXL, "plain", "CreativeML Open RAIL++-M", 6940, "SDXL, 1024 px"),
    Preset(
        "tiny-hands",
        "",
        "inpainting",
        "Apache-2.0",
        25,
        "trained here on drawn hands, 192 px; for trying out and for tests, not for "
        "photographs",
        shipped=True,
    ),
    Preset(
        "tiny-hands-pose",
        "",
        "control",
        "Apache-2.0",
        5,
        "ControlNet of tiny-hands for inpaint.control = hand-pose",
        shipped=True,
    ),
    Preset(
        "flux-fill",
        "black-forest-labs/FLUX.1-Fill-dev",
        "transformer",
        "FLUX.1 [dev] Non-Commercial",
        34000,
        "Flux Fill, 1024 px",
        gated=True,
    ),
    Preset(
        "sd35-medium",
        "stabilityai/stable-diffusion-3.5-medium",
        "transformer",
        "Stability AI Community",
        15500,
        "Stable Diffusion 3.5 medium, 1024 px",
        gated=True,
    ),
    Preset(
        "qwen-image",
        "Qwen/Qwen-Image",
        "transformer",
        "Apache-2.0",
        55000,
        "Qwen-Image, 1024 px",
    ),
    Preset(
        "z-image-turbo",
        "Tongyi-MAI/Z-Image-Turbo",
        "transformer",
        "Apache-2.0",
        31000,
        "Z-Image Turbo, 1024 px; meant for inpaint.steps = 8",
    ),
    Preset(
        "sd15-parts",
        _SD15,
        "parts",
        "CreativeML Open RAIL-M",
        2,
        "tokenizer and configurations for a single file of SD 1.x",
    ),
    Preset(
        "sdxl-parts",
        _SDXL,
        "parts",
        "CreativeML Open RAIL++-M",
        4,
        "tokenizers and configurations for a single file of SDXL",
    ),
    *(
        Preset(
            f"control-{what}",
            f"lllyasviel/control_v11p_sd15_{what}",
            "control",
            "CreativeML Open RAIL-M",
            690,
            f"ControlNet of SD 1.x for inpaint.control = {control}",
            files=("config.json", "diffusion_pytorch_model.fp16.safetensors"),
        )
        for what, control in (("openpose", "hand-pose"), ("inpaint", "inpaint"))
    ),
    *(
        Preset(
            f"adetailer-{part}",
            "Bingsu/adetailer",
            "detector",
            "Apache-2.0; made with ultralytics, AGPL-3.0",
            size_mib,
            f"ADetailer's YOLO weights for {what}",
            files=(file,),
        )
        for part, what, file, size_mib in (
            ("face", "faces", "face_yolov8n.pt", 6),
            ("hand", "hands", "hand_yolov8n.pt", 6),
            ("person", "outlines of people", "person_yolov8n-seg.pt", 7),
        )
    ),
)


def by_name(presets: tuple[Preset, ...] = PRESETS) -> Mapping[str, Preset]:
    """Index the table.

    Raises:
        ValueError: a name is used twice.
    """
    table = {preset.name: preset for preset in presets}
    if len(table) != len(presets):
        raise ValueError("two presets have the same name")
    return table


def preset_for(name: str) -> Preset:
    """Return the preset of that name, or one made up for a hub id such as `org/model`.

    Raises:
        UsageError: it is neither.
    """
    table = by_name()
    if name in table:
        return table[name]
    owner, _, model = name.partition("/")
    if owner and model and "/" not in model and not name.startswith((".", "~")):
        return Preset(name, name, "plain", "see its page", 0, "a model of the hub")
    near = difflib.get_close_matches(name, table, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise UsageError(
        f"there is no model {name!r}; {hint}give a preset ({', '.join(table)}), a hub "
        "id such as org/model, a diffusers folder or a .safetensors file"
    )
