"""The model that comes along: a stand-in for it, and whether the real one is here."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest

from pipeline.model_presets import preset_for
from pipeline.model_shipped import shipped_digest, shipped_folder

NAME = "tiny-hands"
FILES = {
    "README.md": "a model card",
    "model_index.json": '{"unet": ["diffusers", "U"], "vae": ["diffusers", "V"]}',
    "unet/config.json": "{}",
    "unet/diffusion_pytorch_model.safetensors": "unet",
    "vae/diffusion_pytorch_model.safetensors": "vae",
}


POSE_NAME = "tiny-hands-pose"
POSE_FILES = {
    "config.json": "{}",
    "diffusion_pytorch_model.safetensors": "control",
}


def lay_stand_in(
    models: Path, files: Mapping[str, str] = FILES, name: str = NAME
) -> Path:
    """Write a shipped model of text files and the digests of them.

    Args:
        models: The folder that stands for that of this project's weights.
        files: What goes into the model's folder; a model card is not listed.
        name: Of the model; the digests of others are forgotten.

    Returns:
        The model's folder.
    """
    lines = []
    for file, text in files.items():
        path = models / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if path.suffix != ".md":
            lines.append(f"{sha256(text.encode()).hexdigest()}  {name}/{file}\n")
    (models / "SHA256SUMS").write_text("".join(lines))
    return models / name


def real_model() -> Path:
    """Return the folder of the model that comes along; skip the test without it.

    Raises:
        EnvironmentProblem: it is listed, and not here as it is listed.
    """
    preset = preset_for(NAME)
    if not shipped_digest(preset):
        pytest.skip(f"no weights of {NAME} are listed in data/models/SHA256SUMS")
    return shipped_folder(preset)
