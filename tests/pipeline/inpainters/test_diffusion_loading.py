"""Checkpoints from folders, single files and LoRA files; and what is refused."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from detectors.arrays import RgbArray
from detectors.geometry import Size
from pipeline.errors import EnvironmentProblem, UsageError
from pipeline.inpainters.diffusion.engine import DiffusionInpainter, build
from pipeline.inpainters.diffusion.load import header_of, load_checkpoint, split_lora
from pipeline.models import LocatedModel
from pipeline.settings import InpaintSettings
from tests.pipeline.inpainters.requests import hole, request, stripes
from tests.pipeline.inpainters.single_file import save_single_file

CPU = torch.device("cpu")


def painted(engine: DiffusionInpainter) -> RgbArray:
    asked = request(
        stripes(64, 64), hole(64, 64), seeds=(3,), working=Size(64, 64), prompt="hand"
    )
    pixels = next(iter(engine.paint(asked))).pixels
    assert pixels is not None
    return pixels


def settings(model: Path, **more: object) -> InpaintSettings:
    return InpaintSettings.model_validate(
        {"model": str(model), "dtype": "float32", "steps": 3, "device": "cpu", **more}
    )


@pytest.fixture
def lora(tmp_path: Path) -> Path:
    """A LoRA of rank 2 for one projection of the tiny UNet."""
    torch.manual_seed(5)
    place = "unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_k"
    file = tmp_path / "hands.safetensors"
    save_file(
        {
            f"{place}.lora_A.weight": torch.randn(2, 16),
            f"{place}.lora_B.weight": torch.randn(32, 2),
        },
        file,
    )
    return file


@pytest.mark.parametrize("family", ["sd-4", "sd-9", "xl-4", "xl-9"])
def test_a_single_file_paints_like_the_folder_it_was_made_from(
    families: Mapping[str, Path], tmp_path: Path, family: str
) -> None:
    folder = families[family]
    file = save_single_file(folder, tmp_path / "model.safetensors")

    from_file = build(settings(file, parts=families[f"{family[:2]}-4"]))

    np.testing.assert_array_equal(painted(from_file), painted(build(settings(folder))))
    assert from_file.name == "diffusion/model"


@pytest.mark.parametrize(
    ("marks", "predicts", "down_to_zero"),
    [
        ((), "epsilon", False),
        (("v_pred",), "v_prediction", False),
        (("v_pred", "ztsnr"), "v_prediction", True),
        (("ztsnr",), "epsilon", False),
    ],
)
def test_a_single_file_says_what_its_unet_predicts(
    families: Mapping[str, Path],
    tmp_path: Path,
    marks: tuple[str, ...],
    predicts: str,
    down_to_zero: bool,
) -> None:
    file = save_single_file(families["xl-4"], tmp_path / "model.safetensors")
    save_file(load_file(file) | {mark: torch.tensor([]) for mark in marks}, file)
    located = LocatedModel("model", file, parts=families["xl-4"])

    config = load_checkpoint(located, (), CPU, torch.float32).scheduler_config

    assert config.get("prediction_type", "epsilon") == predicts
    assert config.get("rescale_betas_zero_snr", False) == down_to_zero


@pytest.mark.parametrize("mark", ["edm_mean", "edm_vpred.sigma_max"])
def test_a_single_file_trained_for_other_noise_is_refused(
    families: Mapping[str, Path], tmp_path: Path, mark: str
) -> None:
    file = save_single_file(families["xl-4"], tmp_path / "model.safetensors")
    save_file(load_file(file) | {mark: torch.zeros(4)}, file)
    located = LocatedModel("model", file, parts=families["xl-4"])

    with pytest.raises(EnvironmentProblem, match=r"'model' .* trained for EDM noise"):
        load_checkpoint(located, (), CPU, torch.float32)


def test_a_folder_trained_for_other_noise_is_refused(
    families: Mapping[str, Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(families["xl-4"], tmp_path / "edm"))
    index = folder / "model_index.json"
    told = json.loads(index.read_text())
    told["scheduler"] = ["diffusers", "EDMEulerScheduler"]
    index.write_text(json.dumps(told))

    with pytest.raises(EnvironmentProblem, match="trained for EDM noise"):
        load_checkpoint(LocatedModel("edm", folder), (), CPU, torch.float32)


def test_half_precision_files_alone_are_found(
    families: Mapping[str, Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(families["sd-4"], tmp_path / "half"))
    for file in folder.glob("*/*.safetensors"):
        halved = {name: each.half() for name, each in load_file(file).items()}
        save_file(halved, file.with_suffix(".fp16.safetensors"), {"format": "pt"})
        file.unlink()

    engine = build(settings(folder))

    assert painted(engine).shape == (64, 64, 3)


def test_a_lora_file_is_merged_with_its_weight(
    families: Mapping[str, Path], lora: Path
) -> None:
    located = LocatedModel("tiny", families["sd-4"])
    plain = load_checkpoint(located, (), CPU, torch.float32)
    merged = load_checkpoint(located, (f"{lora}:0.5",), CPU, torch.float32)

    def weight(checkpoint: object) -> torch.Tensor:
        unet = checkpoint.unet  # type: ignore[attr-defined]
        found: torch.Tensor = (
            unet.mid_block.attentions[0].transformer_blocks[0].attn2.to_k.weight
        )
        return found

    factors = list(load_file(lora).values())
    down, up = sorted(factors, key=lambda each: each.shape[0])
    expected = weight(plain) + 0.5 * up @ down
    torch.testing.assert_close(weight(merged), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a/b.safetensors", (Path("a/b.safetensors"), 1.0)),
        ("a/b.safetensors:0.6", (Path("a/b.safetensors"), 0.6)),
        ("C:/b.safetensors", (Path("C:/b.safetensors"), 1.0)),
    ],
)
def test_a_lora_may_be_given_a_weight(text: str, expected: tuple[Path, float]) -> None:
    assert split_lora(text) == expected


def test_a_missing_lora_is_named(families: Mapping[str, Path]) -> None:
    with pytest.raises(UsageError, match=r"no LoRA file .*none\.safetensors"):
        build(settings(families["sd-4"], loras=("none.safetensors",)))


def test_a_lora_for_another_family_is_refused(
    families: Mapping[str, Path], tmp_path: Path
) -> None:
    file = tmp_path / "other.safetensors"
    save_file({"something.else": torch.zeros(2)}, file)

    with pytest.raises(UsageError, match="does not fit this model"):
        build(settings(families["sd-4"], loras=(str(file),)))


def test_pickled_weights_are_never_opened(
    families: Mapping[str, Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(families["sd-4"], tmp_path / "pickled"))
    for file in folder.glob("unet/*.safetensors"):
        file.rename(file.with_suffix(".bin"))

    with pytest.raises(EnvironmentProblem, match=r"unet/\*\.safetensors"):
        build(settings(folder))


def test_a_damaged_file_is_one_clear_error(
    families: Mapping[str, Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(families["sd-4"], tmp_path / "cut"))
    file = next(folder.glob("vae/*.safetensors"))
    file.write_bytes(file.read_bytes()[:-100])

    with pytest.raises(EnvironmentProblem, match="cannot be loaded"):
        build(settings(folder))


def test_a_model_of_another_kind_says_what_can_be_run(tmp_path: Path) -> None:
    folder = tmp_path / "flux"
    (folder / "transformer").mkdir(parents=True)
    save_file({"a": torch.zeros(1)}, folder / "transformer" / "a.safetensors")
    (folder / "model_index.json").write_text(
        '{"_class_name": "FluxFillPipeline", "transformer": ["diffusers", "Flux"]}'
    )

    with pytest.raises(
        EnvironmentProblem, match=r"FluxFillPipeline.*1\.x, 2\.x and XL"
    ):
        build(settings(folder))


def test_a_steps_count_that_a_scheduler_cannot_run_stops_at_the_start(
    families: Mapping[str, Path],
) -> None:
    with pytest.raises(UsageError, match=r"'lcm' cannot run 60 steps"):
        build(settings(families["sd-4"], scheduler="lcm", steps=60))


def test_a_header_that_lies_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    file.write_bytes((10**12).to_bytes(8, "little") + b"{}")

    with pytest.raises(EnvironmentProblem, match="not a safetensors file"):
        header_of(file)


@pytest.mark.parametrize("family", ["sd-4", "xl-9"])
def test_bfloat16_paints_too(families: Mapping[str, Path], family: str) -> None:
    engine = build(settings(families[family], dtype="bfloat16"))

    assert np.isfinite(painted(engine)).all()
    assert engine.size_multiple == 4
