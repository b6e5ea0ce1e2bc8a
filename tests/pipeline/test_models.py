"""Find, fetch and verify models, with a hub that lies in a folder."""

import json
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import pytest

from pipeline.errors import EnvironmentProblem, ModelMissing, UsageError
from pipeline.model_files import chosen_files, missing_parts
from pipeline.model_hub import HubFile, HubListing, HuggingFaceHub
from pipeline.model_lock import ModelLock, data_folder
from pipeline.model_presets import PRESETS, by_name, preset_for
from pipeline.models import fetch, locate, states, verify, weights_of

SD15 = "stable-diffusion-v1-5/stable-diffusion-inpainting"
COMMIT = "a" * 40
INDEX = json.dumps({"unet": ["diffusers", "U"], "vae": ["diffusers", "V"]})
MODEL = {
    "model_index.json": INDEX,
    "README.md": "read me",
    "unet/config.json": "{}",
    "unet/diffusion_pytorch_model.safetensors": "whole unet",
    "unet/diffusion_pytorch_model.fp16.safetensors": "half unet",
    "unet/diffusion_pytorch_model.bin": "a pickle",
    "vae/config.json": "{}",
    "vae/diffusion_pytorch_model.fp16.safetensors": "half vae",
    "safety_checker/model.safetensors": "blackens pictures",
    "model.safetensors": "one file",
}


@dataclass
class FakeHub:
    """A hub with one model, and a cache in a folder."""

    cache: Path
    contents: dict[str, str] = field(default_factory=lambda: dict(MODEL))
    commit: str = COMMIT
    online: bool = True
    downloaded: list[str] = field(default_factory=list)

    def listing(self, hub_id: str, revision: str, gated: bool) -> HubListing:
        if not self.online:
            raise EnvironmentProblem(f"{hub_id} cannot be fetched; connect")
        return HubListing(
            self.commit,
            tuple(
                HubFile(name, len(text), sha256(text.encode()).hexdigest())
                for name, text in self.contents.items()
            ),
        )

    def download(self, hub_id: str, commit: str, file: str, gated: bool) -> Path:
        path = self._place(hub_id, commit, file)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.contents[file])
            self.downloaded.append(file)
        return path

    def cached(self, hub_id: str, revision: str, file: str) -> Path | None:
        commit = self.commit if revision == "main" else revision
        path = self._place(hub_id, commit, file)
        return path if path.exists() else None

    def _place(self, hub_id: str, commit: str, file: str) -> Path:
        return self.cache / hub_id.replace("/", "--") / commit / file


@pytest.fixture
def hub(tmp_path: Path) -> FakeHub:
    return FakeHub(tmp_path / "cache")


@pytest.fixture
def lock(tmp_path: Path) -> ModelLock:
    return ModelLock(tmp_path / "data" / "models.lock.json")


def test_a_model_that_is_not_here_names_the_two_ways_on(
    hub: FakeHub, lock: ModelLock
) -> None:
    with pytest.raises(ModelMissing) as told:
        locate("sd15-inpaint", "", None, hub, lock)

    assert "nightmend models fetch sd15-inpaint" in str(told.value)
    assert "--engine classical" in str(told.value)
    assert "\n" not in str(told.value)


def test_nothing_is_downloaded_when_a_model_is_looked_for(
    hub: FakeHub, lock: ModelLock
) -> None:
    with pytest.raises(ModelMissing):
        locate("sd15-inpaint", "", None, hub, lock)

    assert hub.downloaded == []


def test_only_what_is_needed_is_fetched_in_half_precision(
    hub: FakeHub, lock: ModelLock
) -> None:
    folder = fetch("sd15-inpaint", "", False, hub, lock)

    assert sorted(hub.downloaded) == [
        "model_index.json",
        "unet/config.json",
        "unet/diffusion_pytorch_model.fp16.safetensors",
        "vae/config.json",
        "vae/diffusion_pytorch_model.fp16.safetensors",
    ]
    assert locate("sd15-inpaint", "", None, hub, lock).path == folder
    assert locate("sd15-inpaint", "", None, hub, lock).commit == COMMIT


def test_whole_precision_is_fetched_where_a_part_has_no_half() -> None:
    names = [
        "model_index.json",
        "unet/m.safetensors",
        "unet/m.fp16.safetensors",
        "vae/m.safetensors",
    ]
    listed = tuple(HubFile(name, 1, "") for name in names)

    chosen = chosen_files(listed, preset_for("sd15"))

    assert [file.name for file in chosen] == [names[0], names[1], names[3]]


def test_a_model_without_safetensors_is_refused() -> None:
    listed = tuple(HubFile(n, 1, "") for n in ("model_index.json", "unet/m.bin"))

    with pytest.raises(EnvironmentProblem, match="no safetensors"):
        chosen_files(listed, preset_for("sd15"))


def test_the_first_fetch_pins_the_commit_and_later_ones_keep_it(
    hub: FakeHub, lock: ModelLock
) -> None:
    fetch("sd15-inpaint", "", False, hub, lock)
    hub.commit = "b" * 40

    located = locate("sd15-inpaint", "", None, hub, lock)

    assert located.commit == COMMIT
    fetch("sd15-inpaint", "", True, hub, lock)
    assert lock.read()[SD15].commit == "b" * 40


def test_a_download_that_differs_from_the_hubs_digest_is_refused(
    hub: FakeHub, lock: ModelLock
) -> None:
    path = hub.download(SD15, COMMIT, "vae/config.json", False)
    path.write_text("something else")

    with pytest.raises(EnvironmentProblem, match="damaged or was replaced"):
        fetch("sd15-inpaint", "", False, hub, lock)

    assert lock.read() == {}


def test_verify_finds_a_flipped_byte_and_a_missing_file(
    hub: FakeHub, lock: ModelLock
) -> None:
    folder = fetch("sd15-inpaint", "", False, hub, lock)
    assert verify("sd15-inpaint", hub, lock) == []

    (folder / "unet/diffusion_pytorch_model.fp16.safetensors").write_text("half uneT")
    (folder / "vae/config.json").unlink()
    missing, replaced = sorted(verify("sd15-inpaint", hub, lock), reverse=True)

    assert "vae/config.json is missing" in missing
    assert "is not the file that was fetched" in replaced


def test_verify_of_what_was_never_fetched_says_so(
    hub: FakeHub, lock: ModelLock
) -> None:
    with pytest.raises(ModelMissing, match="nightmend models fetch sdxl"):
        verify("sdxl", hub, lock)


def test_parts_alone_are_not_taken_for_the_model(hub: FakeHub, lock: ModelLock) -> None:
    fetch("sd15-parts", "", False, hub, lock)

    assert not any(name.endswith(".safetensors") for name in hub.downloaded)
    with pytest.raises(ModelMissing):
        locate("sd15", "", None, hub, lock)
    here = {state.preset.name: state.here for state in states(hub, lock)}
    assert here["sd15-parts"]
    assert not here["sd15"]


def test_a_detectors_weights_come_with_their_digest(
    hub: FakeHub, lock: ModelLock
) -> None:
    hub.contents["hand_yolov8n.pt"] = "weights"

    fetched = fetch("adetailer-hand", "", False, hub, lock)

    assert weights_of("adetailer-hand", hub, lock) == (
        fetched,
        sha256(b"weights").hexdigest(),
    )
    with pytest.raises(ModelMissing, match="adetailer-face"):
        weights_of("adetailer-face", hub, lock)


def test_offline_fetching_is_one_sentence(hub: FakeHub, lock: ModelLock) -> None:
    hub.online = False

    with pytest.raises(EnvironmentProblem, match="cannot be fetched"):
        fetch("sd15", "", False, hub, lock)


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    for name in ("unet", "vae"):
        (folder / name).mkdir(parents=True)
        (folder / name / "m.safetensors").write_text("x")
    (folder / "model_index.json").write_text(INDEX)

    assert locate(str(folder), "", None).path == folder
    (folder / "vae" / "m.safetensors").unlink()
    assert missing_parts(folder) == ["vae/*.safetensors"]
    with pytest.raises(EnvironmentProblem, match=r"lacks vae/\*\.safetensors"):
        locate(str(folder), "", None)


def test_a_checkpoint_that_could_run_code_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.ckpt"
    file.write_bytes(b"pickle")

    with pytest.raises(EnvironmentProblem, match="may run code"):
        locate(str(file), "", None)


def test_a_file_that_is_not_there_is_missing_and_no_preset(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="there is no model at"):
        locate(str(tmp_path / "none.safetensors"), "", None)


def test_a_single_file_asks_for_its_familys_parts(
    tmp_path: Path, hub: FakeHub, lock: ModelLock
) -> None:
    file = tmp_path / "dream.safetensors"
    head = json.dumps(
        {"cond_stage_model.transformer.text_model.final_layer_norm.weight": {}}
    ).encode()
    file.write_bytes(len(head).to_bytes(8, "little") + head)

    with pytest.raises(ModelMissing, match="models fetch sd15-parts"):
        locate(str(file), "", None, hub, lock)

    folder = fetch("sd15-parts", "", False, hub, lock)
    assert locate(str(file), "", None, hub, lock).parts == folder


def test_a_single_file_of_no_known_family_asks_for_a_folder(
    tmp_path: Path, hub: FakeHub, lock: ModelLock
) -> None:
    file = tmp_path / "strange.safetensors"
    file.write_bytes((2).to_bytes(8, "little") + b"{}")

    with pytest.raises(EnvironmentProblem, match=r"inpaint\.parts"):
        locate(str(file), "", None, hub, lock)


def test_an_unknown_name_names_its_nearest_neighbour() -> None:
    with pytest.raises(UsageError, match="did you mean 'sd15-inpaint'"):
        preset_for("sd15-inpait")


def test_preset_names_are_used_once() -> None:
    assert len(by_name()) == len(PRESETS)
    with pytest.raises(ValueError, match="same name"):
        by_name((PRESETS[0], PRESETS[0]))


def test_a_damaged_lock_file_says_what_to_do(lock: ModelLock) -> None:
    lock.path.parent.mkdir()
    lock.path.write_text('{"version": 1, "models": 3}')

    with pytest.raises(EnvironmentProblem, match="remove it and fetch"):
        lock.read()


def test_the_users_data_folder_follows_the_environment(tmp_path: Path) -> None:
    assert data_folder({"NIGHTMEND_HOME": str(tmp_path)}) == tmp_path


def test_the_real_hubs_cache_is_read_without_a_network(tmp_path: Path) -> None:
    home = tmp_path / f"models--{SD15.replace('/', '--')}"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text(COMMIT)
    folder = home / "snapshots" / COMMIT
    folder.mkdir(parents=True)
    (folder / "model_index.json").write_text(INDEX)
    hub = HuggingFaceHub(tmp_path)

    found = hub.cached(SD15, "main", "model_index.json")

    assert found is not None
    assert found.parent == folder
    assert hub.cached(SD15, "main", "vae/config.json") is None
