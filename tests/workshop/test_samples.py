"""The sample pictures are what their table says."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from workshop.samples import make
from workshop.samples.scenes import SCENES

SAMPLES = Path(__file__).parents[2] / "data" / "samples"


def _truth() -> list[dict[str, str]]:
    with (SAMPLES / "truth.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_scene_has_its_picture_of_the_right_size_and_its_lines() -> None:
    told = {row["file"] for row in _truth()}

    assert told == {scene.name for scene in SCENES}
    for scene in SCENES:
        with Image.open(SAMPLES / scene.name) as image:
            assert image.size == (scene.width, scene.height)


def test_boxes_of_the_table_lie_inside_their_pictures() -> None:
    sizes = {scene.name: (scene.width, scene.height) for scene in SCENES}

    for row in _truth():
        width, height = sizes[row["file"]]
        assert 0 <= int(row["x0"]) < int(row["x1"]) <= width
        assert 0 <= int(row["y0"]) < int(row["y1"]) <= height


def test_there_are_right_and_wrong_counts_and_clean_pictures() -> None:
    rows = _truth()
    digits = {row["digits"] for row in rows}

    assert {"4", "5", "6", "7"} <= digits
    assert sum(not row["flaws"] for row in rows) == 2


@pytest.mark.parametrize("name", ["odd-size.png", "clean-still.jpg"])
def test_the_same_picture_comes_out_every_time(name: str, tmp_path: Path) -> None:
    number, scene = next((n, s) for n, s in enumerate(SCENES) if s.name == name)
    pixels, _ = make.draw_scene(scene)

    make.save(pixels, make.parameters(scene, 1000 + number), tmp_path / name)

    with Image.open(tmp_path / name) as fresh, Image.open(SAMPLES / name) as kept:
        assert fresh.mode == kept.mode
        apart = np.abs(np.asarray(fresh, np.int16) - np.asarray(kept, np.int16))
    # Another processor may round another way; it must not draw another hand.
    assert (apart > 8).mean() < 0.002
