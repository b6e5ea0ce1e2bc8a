"""From a hub comes safetensors at one commit, and nothing else unasked."""

from pathlib import Path

import pytest

from pipeline.errors import EnvironmentProblem
from pipeline.model_files import chosen_files
from pipeline.model_hub import HubFile, HubListing
from pipeline.model_lock import ModelLock
from pipeline.model_presets import PRESETS, Preset, preset_for
from pipeline.models import fetch
from tests.pipeline.test_models import COMMIT, FakeHub

PAINTING = [p for p in PRESETS if p.use in {"inpainting", "plain", "parts"}]
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".msgpack", ".h5", ".py")


class Recording(FakeHub):
    """Remembers under which revision each file was asked for."""

    def download(self, hub_id: str, commit: str, file: str, gated: bool) -> Path:
        self.asked = {*getattr(self, "asked", set()), (file, commit)}
        return super().download(hub_id, commit, file, gated)


@pytest.mark.parametrize("commit", ["main", "", "a" * 39, "refs/heads/x", "A" * 40])
def test_a_listing_without_a_commit_is_refused(commit: str) -> None:
    with pytest.raises(EnvironmentProblem, match="names no commit"):
        HubListing(commit, ())


def test_a_hub_that_names_no_commit_gets_nothing_fetched(tmp_path: Path) -> None:
    hub = Recording(tmp_path / "cache", commit="main")
    lock = ModelLock(tmp_path / "lock.json")

    with pytest.raises(EnvironmentProblem, match="names no commit"):
        fetch("sd15-inpaint", "", False, hub, lock)

    assert hub.downloaded == []
    assert not lock.path.exists()


def test_a_branch_is_turned_into_its_commit_before_anything_is_fetched(
    tmp_path: Path,
) -> None:
    hub = Recording(tmp_path / "cache")
    lock = ModelLock(tmp_path / "lock.json")

    fetch("sd15-inpaint", "main", False, hub, lock)

    assert {commit for _, commit in hub.asked} == {COMMIT}
    assert lock.read()[preset_for("sd15-inpaint").hub_id].commit == COMMIT


@pytest.mark.parametrize("preset", PAINTING, ids=lambda preset: preset.name)
def test_no_pickle_and_no_code_is_chosen_for_a_painting_model(preset: Preset) -> None:
    parts = ("unet", "vae", "text_encoder", "text_encoder_2", "tokenizer")
    names = ["model_index.json", "model.safetensors", "pipeline.py"]
    for part in parts:
        names += [f"{part}/config.json", f"{part}/model.safetensors"]
        names += [f"{part}/model{suffix}" for suffix in PICKLES]
    listed = tuple(HubFile(name, 1, "") for name in names)

    chosen = {Path(file.name).suffix for file in chosen_files(listed, preset)}

    assert chosen <= {".safetensors", ".json", ".txt", ".model"}


def test_pickles_come_only_as_named_detector_weights_that_are_pinned() -> None:
    for preset in PRESETS:
        loose = [name for name in preset.files if Path(name).suffix in PICKLES]
        assert not loose or preset.use == "detector"
