"""Which files of a diffusers model are needed, and which are missing from a folder."""

import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from pipeline.errors import EnvironmentProblem
from pipeline.model_hub import HubFile
from pipeline.model_presets import Preset

INDEX = "model_index.json"
NETWORK = "config.json"
"""What a lone network has in place of an index."""

LONE_WEIGHTS = (
    "diffusion_pytorch_model.fp16.safetensors",
    "diffusion_pytorch_model.safetensors",
)
"""Weights of a lone network; the smaller form first."""

WEIGHTED = (
    *("unet", "transformer", "vae"),
    *("text_encoder", "text_encoder_2", "text_encoder_3"),
)
"""Folders of a diffusers model that hold weights; those its index lists must have."""

SKIPPED = ("safety_checker", "feature_extractor", "image_encoder")
SMALL = (".json", ".txt", ".model", ".jinja")
_SINGLE_FILE_PARTS = {
    "conditioner.embedders.1.model.ln_final.weight": "sdxl-parts",
    "cond_stage_model.transformer.text_model.final_layer_norm.weight": "sd15-parts",
}
"""A tensor that only a family's single files have, and whose parts they need."""


def chosen_files(files: tuple[HubFile, ...], preset: Preset) -> list[HubFile]:
    """Choose from a hub listing what a preset needs, smallest form first.

    Weights come as safetensors only; in half precision where every part has it, since
    that is what they are run in.

    Raises:
        EnvironmentProblem: something that is needed is not there.
    """
    if preset.files:
        found = [file for file in files if file.name in preset.files]
        if len(found) != len(preset.files):
            raise EnvironmentProblem(
                f"{preset.hub_id} no longer holds {', '.join(preset.files)}"
            )
        return found
    small = [file for file in files if is_small(file.name)]
    names = {file.name for file in files}
    if INDEX not in names and is_lone_network(names):
        weights_name = next(name for name in LONE_WEIGHTS if name in names)
        return [file for file in files if file.name in (NETWORK, weights_name)]
    if INDEX not in names:
        raise EnvironmentProblem(
            f"{preset.hub_id} is not a diffusers model: it has no {INDEX}"
        )
    if preset.use == "parts":
        return small
    weights = [file for file in files if is_weight(file.name)]
    folders = {_folder(file.name) for file in weights}
    half = [file for file in weights if ".fp16" in file.name]
    if {_folder(file.name) for file in half} != folders:
        half = [file for file in weights if ".fp16" not in file.name]
    if not half:
        raise EnvironmentProblem(f"{preset.hub_id} holds no safetensors weights")
    kept = {file.name for file in (*small, *half)}
    return [file for file in files if file.name in kept]


def missing_parts(folder: Path) -> list[str]:
    """Return what a diffusers folder lacks: its index, or weights of listed parts."""
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return [INDEX]
    listed = [part for part in WEIGHTED if (index.get(part) or [None])[0]]
    return [
        f"{part}/*.safetensors"
        for part in listed
        if not any((folder / part).glob("*.safetensors"))
    ]


def is_lone_network(names: Iterable[str]) -> bool:
    """Tell the files of one network, such as a ControlNet, by their names."""
    found = set(names)
    return NETWORK in found and any(name in found for name in LONE_WEIGHTS)


def is_small(name: str) -> bool:
    """Tell a configuration or vocabulary of a part that is used."""
    inside = PurePosixPath(name).parts
    if name == INDEX:
        return True
    wanted = len(inside) == 2 and inside[0] not in SKIPPED
    return wanted and PurePosixPath(name).suffix in SMALL


def is_weight(name: str) -> bool:
    """Tell safetensors weights of a part that is used."""
    inside = PurePosixPath(name).parts
    return (
        len(inside) == 2
        and inside[0] in WEIGHTED
        and name.endswith(".safetensors")
        and "non_ema" not in name
    )


def _folder(name: str) -> str:
    return name.split("/", maxsplit=1)[0]


def parts_preset(file: Path) -> str:
    """Return the preset with the parts that a single .safetensors file lacks.

    Args:
        file: Its table of contents is searched, its tensors are not read.

    Returns:
        The preset's name, or "" when the file does not tell its family.
    """
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        head = stream.read(min(length, 16 * 2**20))
    found = (
        name
        for tensor, name in _SINGLE_FILE_PARTS.items()
        if f'"{tensor}"'.encode() in head
    )
    return next(found, "")


def check_suffix(path: Path) -> None:
    """Refuse a file that may run code.

    Raises:
        EnvironmentProblem: it is no .safetensors file.
    """
    if path.suffix != ".safetensors":
        raise EnvironmentProblem(
            f"{path} may run code when it is opened, so only .safetensors files are; "
            "convert it, or use the model's safetensors release"
        )


def half_variant(folder: Path) -> str | None:
    """Return "fp16" where a network's folder holds half-precision files only."""
    names = [file.name for file in folder.glob("*.safetensors")]
    return "fp16" if names and all(".fp16." in name for name in names) else None


def check_network(folder: Path) -> None:
    """Refuse a folder that is not one network, such as a ControlNet.

    Raises:
        EnvironmentProblem: it is none, or a part of it is missing.
    """
    if not is_lone_network(file.name for file in folder.iterdir()):
        raise EnvironmentProblem(
            f"the folder {folder} is no network: it lacks {NETWORK}, or weights as "
            "diffusion_pytorch_model.safetensors"
        )


def check_whole(folder: Path, model: str) -> None:
    """Refuse a folder that is not a whole diffusers model.

    Raises:
        EnvironmentProblem: something is missing.
    """
    missing = missing_parts(folder)
    if missing:
        raise EnvironmentProblem(
            f"the folder {model} is not a whole diffusers model: it lacks "
            f"{', '.join(missing)}"
        )
