"""Put the trained parts together as a diffusers folder in half precision.

Run: python -m workshop.tiny_hands.export OUT data/models/tiny-hands
OUT is where train_vae and train_unet wrote. The ControlNet becomes a folder of its own
beside the model's, named like it with -pose. The digests beside them are renewed.
"""

import argparse
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel
from transformers import CLIPTextModel

from workshop.tiny_hands.networks import INPAINTING, PLAIN

DIGESTS = "SHA256SUMS"
LIMIT_MIB = 25
CLASSES = {
    INPAINTING: "StableDiffusionInpaintPipeline",
    PLAIN: "StableDiffusionPipeline",
}
INDEX = {
    "_diffusers_version": "0.42.1",
    "feature_extractor": [None, None],
    "image_encoder": [None, None],
    "requires_safety_checker": False,
    "safety_checker": [None, None],
    "scheduler": ["diffusers", "DDIMScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}


def export(trained: Path, folder: Path) -> float:
    """Write the folder anew, but for its model card.

    Returns:
        Its size in MiB.

    Raises:
        ValueError: it is larger than what may be shipped.
    """
    card = folder / "README.md"
    kept = card.read_bytes() if card.exists() else b""
    shutil.rmtree(folder, ignore_errors=True)
    for name, kind in (
        ("unet", UNet2DConditionModel),
        ("vae", AutoencoderKL),
        ("text_encoder", CLIPTextModel),
    ):
        _write_half(kind, trained / name, folder / name)
    for name in ("tokenizer", "scheduler"):
        shutil.copytree(trained / name, folder / name)
    unet = json.loads((folder / "unet" / "config.json").read_text())
    index = INDEX | {"_class_name": CLASSES[unet["in_channels"]]}
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")
    size_mib = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 2**20
    if size_mib > LIMIT_MIB:
        raise ValueError(f"{folder} has {size_mib:.1f} MiB, more than {LIMIT_MIB}")
    if kept:
        card.write_bytes(kept)
    renew_digests(folder)
    return size_mib


def export_control(trained: Path, folder: Path) -> None:
    """Write the ControlNet's folder anew, but for its model card."""
    _write_half(ControlNetModel, trained / "controlnet", folder)
    renew_digests(folder)


def _write_half(kind: Any, source: Path, folder: Path) -> None:
    """Write one network in half precision."""
    network = kind.from_pretrained(str(source)).to(torch.float16)
    network.save_pretrained(str(folder), safe_serialization=True)
    _forget_where(folder / "config.json")
    for file in folder.glob("*.safetensors"):
        file.chmod(0o644)


def _forget_where(config: Path) -> None:
    """Take the path that a network was read from out of its configuration."""
    values = json.loads(config.read_text())
    values.pop("_name_or_path", None)
    config.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n")


def renew_digests(folder: Path) -> None:
    """Write the digest of every file of a model into the list beside its folder."""
    listing = folder.parent / DIGESTS
    lines = listing.read_text().splitlines() if listing.exists() else []
    kept = [line for line in lines if f" {folder.name}/" not in line]
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.suffix != ".md":
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            kept.append(f"{digest}  {file.relative_to(folder.parent).as_posix()}")
    listing.write_text("".join(f"{line}\n" for line in kept))


def main() -> None:
    """Read the command line and export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trained", type=Path)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    print(f"{export(given.trained, given.folder):.1f} MiB")
    pose = given.folder.with_name(f"{given.folder.name}-pose")
    export_control(given.trained, pose)


if __name__ == "__main__":
    main()
