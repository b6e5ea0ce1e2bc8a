import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from detectors import weights
from detectors.arrays import RgbArray
from detectors.errors import DetectorFailed
from detectors.mediapipe_tasks import ObjectFinder, Segmenter


@pytest.fixture
def people() -> Iterator[ObjectFinder]:
    finder = ObjectFinder(
        weights.find("object_detector"), threshold=0.3, labels=("person",)
    )
    yield finder
    finder.close()


@pytest.fixture
def astronaut() -> RgbArray:
    picture: RgbArray = data.astronaut()
    return picture


def test_the_one_person_of_a_portrait_is_found_inside_the_picture(
    people: ObjectFinder, astronaut: RgbArray
) -> None:
    seen = people.find(astronaut)

    assert [one.label for one in seen] == ["person"]
    assert seen[0].box.holds(220, 120)
    assert seen[0].confidence > 0.6


def test_nobody_is_found_on_a_lawn(people: ObjectFinder) -> None:
    lawn = np.repeat(data.grass()[..., None], 3, axis=2)

    assert people.find(lawn) == []


def test_a_segmenter_separates_a_person_from_the_wall(astronaut: RgbArray) -> None:
    segmenter = Segmenter(weights.find("deeplab_v3"), channel=15)

    share = segmenter.probability(astronaut)

    segmenter.close()
    assert share.shape == (512, 512)
    assert share.dtype == np.float32
    assert share[100:160, 200:250].mean() > 0.9
    assert share[20:120, 20:100].mean() < 0.1


def test_a_picture_that_is_cut_out_without_a_copy_gives_the_same_answer(
    people: ObjectFinder, astronaut: RgbArray
) -> None:
    framed = np.pad(astronaut, ((3, 5), (7, 9), (0, 0)))
    view = framed[3:-5, 7:-9]

    assert people.find(view) == people.find(astronaut)


def test_finders_with_other_thresholds_share_a_network_and_not_its_answers(
    people: ObjectFinder, astronaut: RgbArray
) -> None:
    sure = people.find(astronaut)[0].confidence
    stricter = ObjectFinder(
        weights.find("object_detector"), threshold=sure + 0.01, labels=("person",)
    )

    assert stricter.find(astronaut) == []
    stricter.close()
    stricter.close()

    assert [one.confidence for one in people.find(astronaut)] == [sure]
    with pytest.raises(DetectorFailed, match="closed"):
        stricter.find(astronaut)


def test_a_broken_file_is_a_failure_that_names_the_file(tmp_path: Path) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"x" * 100)

    with pytest.raises(DetectorFailed, match=r"broken\.tflite"):
        ObjectFinder(broken, threshold=0.3, labels=())


def test_a_closed_network_fails_and_does_not_see_nothing(astronaut: RgbArray) -> None:
    finder = ObjectFinder(
        weights.find("object_detector"), threshold=0.3, labels=("person",)
    )
    finder.close()
    finder.close()

    with pytest.raises(DetectorFailed, match="closed"):
        finder.find(astronaut)


def test_nothing_is_written_to_standard_error_even_when_nobody_closes() -> None:
    code = (
        "import numpy as np\n"
        "from detectors import weights\n"
        "from detectors.mediapipe_tasks import Segmenter\n"
        "one = Segmenter(weights.find('deeplab_v3'), channel=15)\n"
        "one.probability(np.zeros((40, 30, 3), np.uint8))\n"
    )

    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert shown.stderr == ""
