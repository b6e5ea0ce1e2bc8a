"""No model is loaded twice in a run, however many pictures it has."""

import shutil
from pathlib import Path

import pytest

from pipeline.cli.main import main
from tests.support.loads import counted_loads
from tests.support.photographs import installed
from tests.support.pictures import draw_scene, encoded
from tests.support.runs import fill

ALL = "hands,faces,people,quality"


def folder_of(path: Path, count: int) -> Path:
    """Return a folder with a person on one picture, and drawn scenes beside it."""
    scenes = {
        f"{n}.png": encoded(draw_scene(96, 64, seed=n), "PNG") for n in range(count - 1)
    }
    folder = fill(path, scenes)
    person = installed().get("astronaut.png")
    if person is None:
        pytest.skip("scikit-image is not installed with its pictures")
    folder.mkdir(exist_ok=True)
    shutil.copyfile(person, folder / "person.png")
    return folder


@pytest.mark.parametrize("detectors", ["hands", "faces", "people", ALL])
def test_every_model_is_loaded_once_in_a_check(detectors: str, tmp_path: Path) -> None:
    source = folder_of(tmp_path / "in", 3)

    with counted_loads() as counts:
        main(["check", str(source), "--detect", detectors, "--exit-zero"])

    assert counts
    assert {name: n for name, n in counts.items() if n > 1} == {}


def test_rescoring_many_variations_loads_nothing_more(tmp_path: Path) -> None:
    source = folder_of(tmp_path / "in", 1)
    white = encoded(draw_scene(512, 512) * 0 + 255, "PNG")
    masks = fill(tmp_path / "masks", {"person.png": white})
    words = ["repair", str(source), "--out", str(tmp_path / "out"), "--masks"]
    words += [str(masks), "--engine", "classical", "--variations", "1"]
    words += ["--passes", "1", "--set", "choose.retry_steps=[]"]
    words += ["--set", "mask.max_area_share=1"]

    with counted_loads() as counts:
        main(words)

    assert counts
    assert {name: n for name, n in counts.items() if n > 1} == {}


def test_a_model_that_is_loaded_twice_would_be_seen(tmp_path: Path) -> None:
    source = folder_of(tmp_path / "in", 1)
    words = ["check", str(source), "--detect", "hands", "--exit-zero", "--no-cache"]

    with counted_loads() as counts:
        main(words)
        main(words)

    assert set(counts.values()) == {2}
