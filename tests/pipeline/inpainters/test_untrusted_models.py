"""A model that comes with code or pickles is refused, and nothing of it is run."""

import contextlib
import json
import pickle
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import EnvironmentProblem, UsageError
from pipeline.inpainters.diffusion.engine import build
from pipeline.settings import InpaintSettings
from tests.support.bomb import Bomb

ATTACK = """
from pathlib import Path
Path({mark!r}).touch()
from diffusers import UNet2DConditionModel as Evil
"""


def settings(folder: Path) -> InpaintSettings:
    return InpaintSettings(model=str(folder), device="cpu", dtype="float32", steps=2)


@pytest.fixture
def folder(families: Mapping[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(families["sd-4"], tmp_path / "model"))


def listing(folder: Path, **changes: Any) -> None:
    """Change what the model says that it is made of."""
    file = folder / "model_index.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_code_that_lies_beside_a_part_is_not_run(folder: Path) -> None:
    mark = folder / "ran"
    (folder / "unet" / "evil.py").write_text(ATTACK.format(mark=str(mark)))
    listing(folder, unet=["evil", "Evil"])

    with pytest.raises(EnvironmentProblem):
        build(settings(folder))

    assert not mark.exists()


def test_code_that_replaces_the_whole_is_not_run(folder: Path) -> None:
    mark = folder / "ran"
    (folder / "pipeline.py").write_text(ATTACK.format(mark=str(mark)))
    listing(folder, _class_name=["pipeline", "Evil"])

    _build_or_refuse(folder)

    assert not mark.exists()


@pytest.mark.parametrize(
    "name", ["tokenizer/tokenizer_config.json", "unet/config.json"]
)
def test_code_that_a_configuration_points_at_is_not_run(
    folder: Path, name: str
) -> None:
    mark = folder / "ran"
    (folder / name).parent.joinpath("evil.py").write_text(ATTACK.format(mark=str(mark)))
    file = folder / name
    points_at = {"AutoTokenizer": ["evil.Evil", None], "AutoModel": "evil.Evil"}
    file.write_text(json.dumps(json.loads(file.read_text()) | {"auto_map": points_at}))

    _build_or_refuse(folder)

    assert not mark.exists()


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
@pytest.mark.parametrize("beside", [True, False], ids=["beside", "alone"])
def test_no_part_is_ever_unpickled(folder: Path, part: str, beside: bool) -> None:
    mark = folder / "ran"
    names = {"text_encoder": "pytorch_model.bin"}
    target = folder / part / names.get(part, "diffusion_pytorch_model.bin")
    target.write_bytes(pickle.dumps(Bomb(mark)))
    if not beside:
        for file in (folder / part).glob("*.safetensors"):
            file.unlink()

    if beside:
        build(settings(folder)).close()
    else:
        with pytest.raises(EnvironmentProblem):
            build(settings(folder))

    assert not mark.exists()


@pytest.mark.parametrize("name", ["lora.bin", "lora.pt", "lora.safetensors"])
def test_a_lora_is_never_unpickled(folder: Path, tmp_path: Path, name: str) -> None:
    mark, lora = tmp_path / "ran", tmp_path / name
    lora.write_bytes(pickle.dumps(Bomb(mark)))

    with pytest.raises(UsageError, match="LoRA"):
        build(settings(folder).model_copy(update={"loras": (str(lora),)}))

    assert not mark.exists()


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_a_part_that_is_cut_short_is_one_sentence(
    folder: Path, part: str, share: float
) -> None:
    (weights,) = (folder / part).glob("*.safetensors")
    data = weights.read_bytes()
    weights.write_bytes(data[: int(share * len(data))])

    with pytest.raises(EnvironmentProblem, match="cannot be loaded"):
        build(settings(folder))


def test_the_bomb_would_go_off(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Bomb(tmp_path / "ran")))

    assert (tmp_path / "ran").exists()


def _build_or_refuse(folder: Path) -> None:
    """Build it, or be told in a sentence; either is fine as long as no code ran."""
    with contextlib.suppress(EnvironmentProblem):
        build(settings(folder)).close()
