"""A model that comes along: found without a hub, checked file by file, or told of."""

from collections.abc import Callable
from pathlib import Path

import pytest

from detectors import weights
from pipeline.cli.main import main
from pipeline.errors import EnvironmentProblem, ExitCode, ModelMissing, UsageError
from pipeline.model_lock import ModelLock
from pipeline.model_networks import locate_network
from pipeline.model_presets import preset_for
from pipeline.model_shipped import shipped_digest
from pipeline.models import fetch, locate, states, verify
from pipeline.records import Workplace
from pipeline.runner.contract import Task
from pipeline.runner.resume import run_basis
from pipeline.settings import InpaintSettings, Settings
from tests.pipeline.test_models import FakeHub
from tests.support.runs import fill, picture
from tests.support.shipped import FILES, NAME, POSE_FILES, POSE_NAME, lay_stand_in

Captured = pytest.CaptureFixture[str]
WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that stands for that of this project's weights."""
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setattr("detectors.weights.own_folder", lambda: folder)
    monkeypatch.setenv("NIGHTMEND_HOME", str(tmp_path / "home"))
    return folder


@pytest.fixture
def folder(models: Path) -> Path:
    """The folder of a whole stand-in."""
    return lay_stand_in(models)


def lose_a_file(folder: Path) -> None:
    (folder / "model_index.json").unlink()


def lose_the_folder(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


def lose_the_listing(folder: Path) -> None:
    (folder.parent / weights.OWN_DIGESTS).unlink()


def test_it_is_found_fetched_and_verified_without_a_hub(
    folder: Path, tmp_path: Path
) -> None:
    hub = FakeHub(tmp_path / "cache", online=False)
    lock = ModelLock(tmp_path / "models.lock.json")

    located = locate(NAME, "", None, hub, lock)

    assert (located.name, located.path) == (NAME, folder)
    assert located.commit == shipped_digest(preset_for(NAME))
    assert fetch(NAME, "", True, hub, lock) == folder
    assert verify(NAME, hub, lock) == []
    assert [s.preset.name for s in states(hub, lock) if s.here] == [NAME]
    assert not lock.path.exists()


@pytest.mark.parametrize("lose", [lose_a_file, lose_the_folder, lose_the_listing])
def test_what_is_missing_is_one_sentence_with_the_two_ways_on(
    folder: Path, lose: Callable[[Path], None]
) -> None:
    lose(folder)

    with pytest.raises(ModelMissing) as told:
        locate(NAME, "", None)

    assert "install nightmend afresh" in str(told.value)
    assert "--engine classical" in str(told.value)
    assert "\n" not in str(told.value)
    assert verify(NAME) == [str(told.value)]
    assert not any(state.here for state in states())


def test_a_file_that_was_altered_is_refused_and_named(folder: Path) -> None:
    (folder / WEIGHTS).write_text("uneT")

    with pytest.raises(EnvironmentProblem, match=f"not as it was shipped: .*{WEIGHTS}"):
        locate(NAME, "", None)

    assert len(verify(NAME)) == 1


def test_a_file_that_did_not_come_along_is_refused(folder: Path) -> None:
    (folder / "unet" / "diffusion_pytorch_model.fp16.safetensors").write_text("mine")

    with pytest.raises(
        EnvironmentProblem, match=r"fp16\.safetensors did not come with"
    ):
        locate(NAME, "", None)


def test_what_no_library_opens_may_lie_beside_it(folder: Path) -> None:
    (folder / "NOTES.md").write_text("mine")
    (folder / ".DS_Store").write_text("a file manager's")

    assert locate(NAME, "", None).path == folder


def test_a_listing_that_lacks_a_part_is_refused(models: Path) -> None:
    lay_stand_in(models, {k: v for k, v in FILES.items() if k != WEIGHTS})

    with pytest.raises(EnvironmentProblem, match=r"lacks unet/\*\.safetensors"):
        locate(NAME, "", None)


def test_there_is_one_revision_and_no_other(folder: Path) -> None:
    held = shipped_digest(preset_for(NAME))

    assert locate(NAME, held, None).commit == held
    with pytest.raises(UsageError, match="in one revision"):
        locate(NAME, "main", None)


def test_it_is_no_controlnet(folder: Path) -> None:
    with pytest.raises(UsageError, match="a whole model"):
        locate_network(NAME)


def test_its_controlnet_is_found_and_checked_like_it(models: Path) -> None:
    folder = lay_stand_in(models, POSE_FILES, POSE_NAME)

    assert locate_network(POSE_NAME) == folder
    with pytest.raises(UsageError, match="only steers"):
        locate(POSE_NAME, "", None)

    (folder / "diffusion_pytorch_model.safetensors").write_text("Control")
    with pytest.raises(EnvironmentProblem, match="not as it was shipped"):
        locate_network(POSE_NAME)


def test_a_controlnet_that_is_not_whole_is_refused(models: Path) -> None:
    lay_stand_in(models, {"config.json": "{}"}, POSE_NAME)

    with pytest.raises(EnvironmentProblem, match="is no network"):
        locate_network(POSE_NAME)


def test_another_release_of_it_redoes_what_it_painted_and_nothing_else(
    models: Path, tmp_path: Path
) -> None:
    place = Workplace(tmp_path, tmp_path, "run")

    def bases() -> tuple[str, str]:
        by_it = Settings(inpaint=InpaintSettings(model=NAME))
        tasks = (Task("repair", each, place) for each in (by_it, Settings()))
        painted, other = map(run_basis, tasks)
        return painted, other

    without = bases()
    lay_stand_in(models)
    first = bases()
    lay_stand_in(models, FILES | {WEIGHTS: "trained for longer"})
    second = bases()

    assert len({without[0], first[0], second[0]}) == 3
    assert without[1] == first[1] == second[1]


def test_the_commands_about_models_tell_of_it(folder: Path, capsys: Captured) -> None:
    codes = [main(["models", *words]) for words in (["list"], ["fetch", NAME])]
    codes.append(main(["models", "verify"]))

    told = capsys.readouterr().out
    digest = shipped_digest(preset_for(NAME))
    assert codes == [ExitCode.OK] * 3
    assert f"{NAME:16} here " in told
    assert f"comes with nightmend, digest {digest[:12]}" in told
    assert f"in {folder}" in told
    assert f"{NAME}: as it was shipped" in told


def test_verify_ends_with_code_5_where_it_is_altered(
    folder: Path, capsys: Captured
) -> None:
    (folder / WEIGHTS).write_text("uneT")

    assert main(["models", "verify"]) == ExitCode.ENVIRONMENT
    assert f"{NAME}: NOT in order" in capsys.readouterr().out


def test_a_repair_without_it_stops_before_the_first_picture(
    models: Path, tmp_path: Path, capsys: Captured
) -> None:
    source = fill(tmp_path / "in", {"a.png": picture(1)})
    out = tmp_path / "out"
    words = ["repair", str(source), "--out", str(out), "--detect", "quality"]

    code = main([*words, "--model", NAME, "--min-free", "1MB"])

    assert code == ExitCode.ENVIRONMENT
    assert f"the model {NAME} comes with nightmend" in capsys.readouterr().err
    assert not (out / "a.png").exists()


@pytest.mark.parametrize("whole", [True, False])
def test_the_doctor_tells_whether_it_can_paint(
    models: Path, capsys: Captured, whole: bool
) -> None:
    if whole:
        lay_stand_in(models)
    words = ["--set", f"inpaint.model={NAME}", "--set", "detect.detectors=['quality']"]

    code = main(["doctor", *words, "--set", "inpaint.device=cpu"])

    told = capsys.readouterr().out
    assert code == (ExitCode.OK if whole else ExitCode.ENVIRONMENT)
    assert f"diffusion (in use): {'ready' if whole else 'not ready'}" in told
    count = sum(not name.endswith(".md") for name in FILES)
    line = f"{NAME}: ok, {count} files, this project, Apache-2.0"
    assert (line in told) == whole
    assert ("this installation lacks it" in told) != whole


def test_the_doctor_names_the_file_that_is_not_as_shipped(
    folder: Path, capsys: Captured
) -> None:
    (folder / WEIGHTS).write_text("uneT")

    main(["doctor"])

    told = capsys.readouterr().out
    assert f"! {NAME}/{WEIGHTS}: " in told
    assert f"{NAME}/model_index.json: ok" in told


def test_the_doctor_tells_whether_what_steers_is_there(
    folder: Path, capsys: Captured
) -> None:
    words = [f"inpaint.model={NAME}", "inpaint.control=hand-pose"]
    words += [f"inpaint.control_model={POSE_NAME}", "detect.detectors=['quality']"]

    code = main(["doctor", *(part for word in words for part in ("--set", word))])

    assert code == ExitCode.ENVIRONMENT
    assert f"the model {POSE_NAME} comes with nightmend" in capsys.readouterr().out
