"""The sample pictures of the demo: what is known of them, and what comes of them."""

import csv
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from detectors.geometry import Box, Size
from pipeline.errors import ExitCode
from pipeline.metadata import read_recipe
from pipeline.metadata.texts import read_texts
from pipeline.records import Outcome, Status
from tests.support.photographs import ROOT
from tests.support.promises import (
    Repaired,
    assert_each_has_one_outcome,
    assert_metadata_carried,
    assert_never_costs_more,
    assert_page_stands_alone,
    assert_same_where_nothing_was_covered,
    loses_nothing,
    repair,
    snapshot,
)
from tests.support.runs import tree

SAMPLES = ROOT / "data" / "samples"
ODD = "odd-size.png"
"""The sample whose sides are no multiple of anything; it gets a mask of the user's, so
that it is repaired whatever the detectors say."""


pytestmark = pytest.mark.timeout(900)  # a busy machine is no failure


@dataclass(frozen=True)
class Truth:
    """One line of the table of ground truth."""

    file: str
    what: str
    box: Box
    flaws: tuple[str, ...]


def truths() -> list[Truth]:
    with (SAMPLES / "truth.csv").open(newline="", encoding="utf-8") as file:
        return [
            Truth(
                row["file"],
                row["what"],
                Box(*(int(row[name]) for name in ("x0", "y0", "x1", "y1"))),
                tuple(row["flaws"].split()),
            )
            for row in csv.DictReader(file)
        ]


def flaws_by_file() -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = {}
    for truth in truths():
        found.setdefault(truth.file, set()).update(truth.flaws)
    return found


FLAWS = flaws_by_file()
CLEAN = sorted(name for name, flaws in FLAWS.items() if not flaws)


def pictures() -> list[Path]:
    suffixes = {".png", ".jpg", ".webp"}
    return sorted(path for path in SAMPLES.iterdir() if path.suffix in suffixes)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    for path in pictures():
        shutil.copyfile(path, folder / path.name)
    return folder


@pytest.fixture(scope="module")
def run(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Repaired:
    """What `make demo` does, with fewer variations and one pass."""
    masks = tmp_path_factory.mktemp("masks")
    with Image.open(source / ODD) as picture:
        drawn = np.zeros((picture.height, picture.width), np.uint8)
    drawn[20:60, 440:490] = 255
    cv2.imwrite(str(masks / ODD), drawn)
    words = ["--config", str(ROOT / "configs" / "demo.toml"), "--masks", str(masks)]
    words += [
        "--engine",
        "diffusion",
        "--variations",
        "2",
        "--passes",
        "1",
        "--set",
        "choose.retry_steps=[]",
    ]
    return repair(source, tmp_path_factory.mktemp("mended"), *words)


@pytest.fixture(scope="module")
def ended(run: Repaired) -> dict[str, Outcome]:
    return run.outcomes()


def test_the_table_of_truth_is_about_these_pictures_and_within_them() -> None:
    assert set(FLAWS) == {path.name for path in pictures()}
    assert 8 <= len(FLAWS) <= 12
    assert len(CLEAN) == 2
    for truth in truths():
        with Image.open(SAMPLES / truth.file) as picture:
            size = Size(*picture.size)
        assert 512 <= max(size) <= 1024
        assert truth.box.clipped(size) == truth.box
        assert truth.box.area > 0


@pytest.mark.parametrize("name", sorted(FLAWS))
def test_the_prompt_is_read_from_the_metadata(name: str) -> None:
    recipe = read_recipe((SAMPLES / name).read_bytes())

    assert recipe.generator == "AUTOMATIC1111"
    assert recipe.prompt
    assert recipe.negative_prompt


def test_every_sample_ends_once_and_none_fails(run: Repaired, source: Path) -> None:
    assert run.code in {ExitCode.OK, ExitCode.FLAWS}
    assert_each_has_one_outcome(run, set(tree(source)))
    assert_page_stands_alone(run.page)


def test_samples_are_not_changed(run: Repaired, source: Path) -> None:
    assert run.output.is_dir()
    assert tree(source) == {path.name: tree(SAMPLES)[path.name] for path in pictures()}
    assert snapshot(SAMPLES).keys() >= FLAWS.keys()


@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_sample_comes_out_byte_for_byte(
    name: str, run: Repaired, ended: dict[str, Outcome]
) -> None:
    assert ended[name].status is Status.CLEAN
    assert (run.output / name).read_bytes() == (SAMPLES / name).read_bytes()


def test_a_picture_of_513_by_513_stays_one(
    run: Repaired, ended: dict[str, Outcome]
) -> None:
    assert ended[ODD].status is Status.REPAIRED
    assert ended[ODD].size == (513, 513)
    with Image.open(run.output / ODD) as picture:
        assert picture.size == (513, 513)


def test_generation_parameters_are_kept_byte_for_byte(
    run: Repaired, ended: dict[str, Outcome]
) -> None:
    repaired = [key for key, o in ended.items() if o.status is Status.REPAIRED]

    assert repaired
    for name in repaired:
        before = (SAMPLES / name).read_bytes()
        after = (run.output / name).read_bytes()
        assert_metadata_carried(before, after)
        texts = read_texts(after)
        assert read_texts(before).items() <= texts.items()


def test_nothing_is_worse_and_nothing_beside_a_mask_changes(
    run: Repaired, ended: dict[str, Outcome]
) -> None:
    for outcome in ended.values():
        assert_never_costs_more(outcome)
        changed = outcome.status is Status.REPAIRED
        if changed and loses_nothing(SAMPLES / outcome.key):
            assert_same_where_nothing_was_covered(run, outcome)


def test_hands_and_faces_are_seen_where_they_are(ended: dict[str, Outcome]) -> None:
    missed = [
        f"{truth.what} on {truth.file}"
        for truth in truths()
        if truth.what in {"hand", "face"}
        and not any(
            row.kind.startswith(f"{truth.what}/")
            and row.box.intersection(truth.box).area >= 0.25 * row.box.area
            for row in ended[truth.file].findings
        )
    ]

    assert missed == []
