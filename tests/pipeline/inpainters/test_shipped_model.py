"""The model that comes along is loaded and run like any other diffusers folder."""

import json
from pathlib import Path

import numpy as np
import pytest
from workshop.tiny_hands.export import export

from detectors.geometry import Size
from pipeline.errors import EnvironmentProblem
from pipeline.inpainters import catalogue
from pipeline.inpainters.contract import Inpainter
from pipeline.settings import InpaintSettings
from tests.pipeline.inpainters.requests import hole, request, stripes
from tests.pipeline.inpainters.tiny import save_like_tiny_hands
from tests.support.shipped import NAME, real_model

WEIGHTS = "diffusion_pytorch_model.safetensors"


def build(model: str) -> Inpainter:
    return catalogue.build(
        InpaintSettings(model=model, device="cpu", dtype="float32", steps=2)
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_like_tiny_hands(tmp_path_factory.mktemp("trained"))


@pytest.fixture
def folder(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the workshop writes of random networks, where the real ones would lie."""
    models = tmp_path / "models"
    export(trained, models / NAME)
    monkeypatch.setattr("detectors.weights.own_folder", lambda: models)
    return models / NAME


def test_it_paints_to_the_last_bit_what_its_folder_paints(folder: Path) -> None:
    asked = request(
        stripes(192, 192), hole(192, 192), seeds=(3,), working=Size(192, 192)
    )

    by_name, by_folder = (
        next(iter(build(model).paint(asked))).pixels for model in (NAME, str(folder))
    )

    assert by_name is not None
    assert by_folder is not None
    np.testing.assert_array_equal(by_name, by_folder)


def test_its_own_size_is_that_of_its_configuration(folder: Path) -> None:
    engine = build(NAME)

    assert engine.name == f"diffusion/{NAME}"
    assert (engine.native_px, engine.size_multiple) == (192, 8)


def test_damaged_weights_are_refused_before_they_are_opened(folder: Path) -> None:
    (folder / "unet" / WEIGHTS).write_bytes(b"no weights at all")

    with pytest.raises(EnvironmentProblem, match="is not as it was shipped"):
        build(NAME)


def test_the_real_one_is_made_for_inpainting_at_192_pixels() -> None:
    unet = json.loads((real_model() / "unet" / "config.json").read_text())

    engine = build(NAME)

    assert unet["in_channels"] == 9
    assert (engine.native_px, engine.size_multiple) == (192, 8)
