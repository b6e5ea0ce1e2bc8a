"""A VAE in place of the model's own."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL
from safetensors.torch import load_file, save_file

from pipeline.errors import EnvironmentProblem, ModelMissing, UsageError
from pipeline.inpainters import catalogue
from pipeline.inpainters.diffusion.checkpoint import Checkpoint
from pipeline.inpainters.diffusion.load import load_checkpoint
from pipeline.models import LocatedModel
from pipeline.settings import InpaintSettings
from tests.pipeline.inpainters.single_file import save_single_file
from tests.pipeline.inpainters.tiny_whole import save_whole

CPU = torch.device("cpu")


def load(folder: Path, vae: str) -> Checkpoint:
    located = LocatedModel("tiny", folder)
    return load_checkpoint(located, (), CPU, torch.float32, vae=vae)


def weights(checkpoint: Checkpoint) -> dict[str, torch.Tensor]:
    return dict(checkpoint.vae.state_dict())


@pytest.fixture
def other(families: Mapping[str, Path], tmp_path: Path) -> Path:
    """A folder with a VAE like that of sd-4, of other weights."""
    vae = AutoencoderKL.from_pretrained(families["sd-4"] / "vae")
    with torch.no_grad():
        for weight in vae.parameters():
            weight.add_(1.0)
    vae.save_pretrained(tmp_path / "other")
    return tmp_path / "other"


@pytest.mark.parametrize("layout", ["folder", "file", "original", "within a model"])
def test_it_takes_the_place_of_the_models_own(
    families: Mapping[str, Path], other: Path, tmp_path: Path, layout: str
) -> None:
    expected = load_file(other / "diffusion_pytorch_model.safetensors")
    place = {
        "folder": other,
        "file": other / "diffusion_pytorch_model.safetensors",
    }.get(layout)
    if place is None:
        place = tmp_path / "vae.safetensors"
        model = load(families["sd-4"], str(other))
        whole = tmp_path / "whole"
        save_with_vae(families["sd-4"], model, whole)
        prefix = "first_stage_model."
        held = load_file(save_single_file(whole, tmp_path / "model.safetensors"))
        held = {name: held[name] for name in held if name.startswith(prefix)}
        if layout == "original":
            held = {name.removeprefix(prefix): each for name, each in held.items()}
        save_file(held, place)

    found = weights(load(families["sd-4"], str(place)))

    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in found)


def save_with_vae(folder: Path, model: Checkpoint, target: Path) -> None:
    target.mkdir()
    for part in folder.iterdir():
        if part.name != "vae":
            (target / part.name).symlink_to(part)
    model.vae.save_pretrained(target / "vae")


def test_one_that_is_missing_or_does_not_fit_is_one_sentence(
    families: Mapping[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(ModelMissing, match=r"inpaint\.vae"):
        load(families["sd-4"], str(tmp_path / "none.safetensors"))
    file = tmp_path / "wrong.safetensors"
    save_file({"any": torch.ones(2)}, file)
    with pytest.raises(EnvironmentProblem, match=r"cannot be loaded.*inpaint\.vae"):
        load(families["sd-4"], str(file))
    deeper = AutoencoderKL(
        block_out_channels=(8, 8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        norm_num_groups=4,
    )
    deeper.save_pretrained(tmp_path / "deeper")
    with pytest.raises(EnvironmentProblem, match="another family"):
        load(families["sd-4"], str(tmp_path / "deeper"))


def test_an_engine_that_has_no_use_for_it_says_so(tmp_path: Path) -> None:
    folder = save_whole("flux-fill", tmp_path)
    settings = InpaintSettings(model=str(folder), vae="a/b")

    with pytest.raises(UsageError, match=r"inpaint\.vae needs a Stable Diffusion"):
        catalogue.build(settings)
