from pathlib import Path

import numpy as np
import pytest
from skimage import data
from workshop.faces.damage import DAMAGES, Face

from detectors import weights
from detectors.arrays import RgbArray
from detectors.errors import WeightsWrong
from detectors.face_finding import FaceFinder
from detectors.face_nets import FaceNet
from detectors.face_probe import FaceProbe, load_model
from detectors.face_reading import FaceReader


@pytest.fixture(scope="module")
def probe() -> FaceProbe:
    return FaceProbe.open(FaceNet.open())


def _portrait() -> RgbArray:
    cut: RgbArray = np.ascontiguousarray(data.astronaut()[0:256, 96:352])
    return cut


def test_a_melted_face_is_stranger_than_the_sound_one(probe: FaceProbe) -> None:
    finder = FaceFinder(weights.find("centerface"))
    reader = FaceReader(FaceNet.open(), probe)
    portrait = _portrait()
    found = finder.find(portrait, above=0.5)[0]
    where = Face(found.points, found.box.width)
    odds = []
    for degree in (0.0, 0.3, 0.6, 1.0):
        hurt = np.ascontiguousarray(DAMAGES["melted"](portrait, where, degree, 1))
        odds.append(reader.read(hurt, found).strangeness)

    assert odds == sorted(odds)
    assert odds[0] < 1.0
    assert odds[-1] > 3.0


def test_a_mirrored_face_is_as_strange_as_the_face(probe: FaceProbe) -> None:
    crop = _portrait()

    odds = probe.log_odds(crop)
    mirrored = probe.log_odds(np.ascontiguousarray(crop[:, ::-1]))

    assert mirrored == pytest.approx(odds, abs=1e-4)


def test_only_cut_outs_of_the_right_size_are_read(probe: FaceProbe) -> None:
    with pytest.raises(ValueError, match="crop must be"):
        probe.features(np.zeros((64, 64, 3), np.uint8))


def test_a_file_that_holds_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.safetensors").write_bytes(b"no tensors here, really none")

    with pytest.raises(WeightsWrong, match=r"broken\.safetensors holds no face probe"):
        load_model(tmp_path / "broken.safetensors")


def test_a_task_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.task").write_bytes(b"no archive")

    with pytest.raises(WeightsWrong, match="not a face landmarker"):
        FaceNet.open(tmp_path / "broken.task")


def test_the_mean_face_is_upright_and_even() -> None:
    mean_face = FaceNet.open().mean_face

    assert mean_face.shape == (468, 3)
    assert mean_face[10, 1] > mean_face[4, 1] > mean_face[152, 1]
    assert mean_face[33, 0] == pytest.approx(-mean_face[263, 0], abs=1e-3)
