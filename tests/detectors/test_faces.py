from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import skimage
from skimage import data
from workshop.faces.damage import DAMAGES, Damage, Face

from detectors.arrays import RgbArray
from detectors.faces import KINDS, FacesDetector, build
from detectors.findings import Finding, Severity
from pipeline.settings import FacesSettings

QUICK = {"astronaut", "camera", "chelsea", "coffee", "motorcycle_left", "rocket"}
PHOTOGRAPHS = [
    pytest.param(
        path, id=path.stem, marks=() if path.stem in QUICK else pytest.mark.slow
    )
    for path in sorted((Path(skimage.__file__).parent / "data").iterdir())
    if path.suffix in {".png", ".jpg"}
]
PORTRAIT = Face(
    np.array([(107, 106), (145, 106), (124, 130), (107, 148), (142, 148)], np.float32),
    100.0,
)
"""Where the face of `_portrait` is, read off by hand."""


@pytest.fixture(scope="module")
def faces() -> Iterator[FacesDetector]:
    detector = build(**FacesSettings().model_dump())
    yield detector
    detector.close()


def _portrait() -> RgbArray:
    """Return the head of the astronaut (NASA, public domain), 256x256."""
    cut: RgbArray = np.ascontiguousarray(data.astronaut()[0:256, 96:352])
    return cut


def _the_face(found: list[Finding], pixels: RgbArray) -> Finding | None:
    """Return the finding on the face of a damaged portrait of any size."""
    scale = pixels.shape[1] / 256
    x, y = PORTRAIT.middle * scale
    return next((one for one in found if one.box.holds(float(x), float(y))), None)


def _ranks(values: list[float]) -> npt.NDArray[np.float64]:
    array = np.asarray(values)
    below = (array[None] < array[:, None]).sum(axis=1)
    same = (array[None] == array[:, None]).sum(axis=1)
    ranks: npt.NDArray[np.float64] = below + (same - 1) / 2
    return ranks


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_the_flaw_confidence_rises_with_the_degree_of_damage(
    faces: FacesDetector, damage: Damage
) -> None:
    degrees, odds = [], []
    for degree in (0.0, 0.15, 0.3, 0.45, 0.6, 0.8, 1.0):
        seeds = (1, 2, 3) if damage is DAMAGES["melted"] else (1,)
        each = []
        for seed in seeds:
            hurt = np.ascontiguousarray(damage(_portrait(), PORTRAIT, degree, seed))
            seen = _the_face(faces.inspect(hurt), hurt)
            if seen is not None:
                each.append(seen.confidence)
        if each:
            degrees.append(degree)
            odds.append(float(np.mean(each)))
    # What is ruined so far that nobody sees a face has no score, and lends none.
    assert degrees[-1] >= 0.8

    correlation = np.corrcoef(_ranks(degrees), _ranks(odds))[0, 1]
    assert correlation >= 0.9
    assert odds[-1] > odds[0] + 0.2


def test_a_sound_portrait_is_fine_and_outlined_around_its_features(
    faces: FacesDetector,
) -> None:
    found = faces.inspect(_portrait())

    assert [one.kind for one in found] == ["face/ok"]
    one = found[0]
    assert one.confidence < 0.35
    assert one.outline is not None
    assert one.outline.shape == (one.box.height, one.box.width)
    assert 0.6 < one.outline.mean() < 0.95
    assert len(one.marks) == 5
    for mark, (x, y) in zip(one.marks, PORTRAIT.points, strict=True):
        assert abs(mark.x - x) < 12
        assert abs(mark.y - y) < 12


@pytest.mark.parametrize("path", PHOTOGRAPHS)
def test_installed_pictures_raise_no_alarm(faces: FacesDetector, path: Path) -> None:
    read = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    assert read is not None

    found = faces.inspect(np.asarray(read, np.uint8))

    assert [one.kind for one in found if KINDS[one.kind].severity > Severity.NOTE] == []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_melted_face_that_is_large_is_malformed(
    faces: FacesDetector, seed: int
) -> None:
    large = cv2.resize(_portrait(), (512, 512), interpolation=cv2.INTER_CUBIC)
    where = Face(PORTRAIT.points * 2, 200.0)
    melted = DAMAGES["melted"](np.asarray(large, np.uint8), where, 0.7, seed)

    found = faces.inspect(np.ascontiguousarray(melted))

    assert "face/malformed" in [one.kind for one in found]


def test_a_melted_face_of_few_pixels_is_too_small_and_a_sound_one_is_not(
    faces: FacesDetector,
) -> None:
    small = cv2.resize(_portrait(), (160, 160), interpolation=cv2.INTER_AREA)
    where = Face(PORTRAIT.points * 0.625, 62.5)
    melted = DAMAGES["melted"](np.asarray(small, np.uint8), where, 0.7, 2)

    sound = faces.inspect(np.asarray(small, np.uint8))
    damaged = faces.inspect(np.ascontiguousarray(melted))

    assert [one.kind for one in sound] == ["face/ok"]
    assert [one.kind for one in damaged] == ["face/too-small"]


def test_a_repaired_face_of_the_same_size_is_told_from_the_damaged_one(
    faces: FacesDetector,
) -> None:
    small = np.asarray(cv2.resize(_portrait(), (180, 180)), np.uint8)
    damaged = DAMAGES["softened"](small, Face(PORTRAIT.points * 0.7, 70.0), 0.9, 0)

    before = _the_face(faces.inspect(damaged), damaged)
    after = _the_face(faces.inspect(small), small)

    assert before is not None
    assert after is not None
    assert after.confidence < before.confidence - 0.3


def test_a_face_cut_off_by_the_border_is_not_held_to_be_malformed(
    faces: FacesDetector,
) -> None:
    cut = np.ascontiguousarray(_portrait()[:, :120])

    kinds = {one.kind for one in faces.inspect(cut)}

    assert kinds <= {"face/ok", "face/cannot-tell"}


def test_an_empty_scene_has_no_face(faces: FacesDetector) -> None:
    assert faces.inspect(np.full((64, 96, 3), 120, np.uint8)) == []
