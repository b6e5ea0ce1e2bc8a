"""Lone networks, such as ControlNets: fetched, pinned and found again."""

from pathlib import Path

import pytest

from pipeline.errors import EnvironmentProblem, ModelMissing
from pipeline.model_lock import ModelLock
from pipeline.model_networks import locate_network
from pipeline.models import fetch, verify
from tests.pipeline.test_models import FakeHub

FILES = {
    "config.json": "{}",
    "diffusion_pytorch_model.safetensors": "whole",
    "diffusion_pytorch_model.fp16.safetensors": "half",
    "diffusion_pytorch_model.bin": "pickle",
    "README.md": "words",
}


@pytest.fixture
def hub(tmp_path: Path) -> FakeHub:
    return FakeHub(tmp_path / "cache", contents=dict(FILES))


@pytest.fixture
def lock(tmp_path: Path) -> ModelLock:
    return ModelLock(tmp_path / "models.lock")


@pytest.mark.parametrize("name", ["some/controlnet", "control-openpose"])
def test_a_network_is_fetched_once_and_found_without_asking(
    hub: FakeHub, lock: ModelLock, name: str
) -> None:
    fetch(name, "", False, hub, lock)
    hub.online = False

    folder = locate_network(name, hub, lock)

    assert sorted(file.name for file in folder.iterdir()) == [
        "config.json",
        "diffusion_pytorch_model.fp16.safetensors",
    ]
    assert verify(name, hub, lock) == []


def test_a_network_that_was_not_fetched_names_the_two_ways_on(
    hub: FakeHub, lock: ModelLock
) -> None:
    with pytest.raises(
        ModelMissing, match=r"models fetch some/net.*control = \"none\""
    ):
        locate_network("some/net", hub, lock)

    assert hub.downloaded == []


def test_a_folder_or_file_is_taken_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "net"
    folder.mkdir()
    for name in ("config.json", "diffusion_pytorch_model.safetensors"):
        (folder / name).write_text("x")
    file = folder / "diffusion_pytorch_model.safetensors"

    assert locate_network(str(folder)) == folder
    assert locate_network(str(file)) == file


def test_what_could_run_code_or_is_not_whole_is_refused(tmp_path: Path) -> None:
    pickled = tmp_path / "net.ckpt"
    pickled.write_text("x")
    with pytest.raises(EnvironmentProblem, match="may run code"):
        locate_network(str(pickled))
    with pytest.raises(EnvironmentProblem, match="is no network"):
        locate_network(str(tmp_path))
