from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from detectors import weights
from detectors.arrays import RgbArray
from detectors.errors import DetectorFailed
from detectors.face_finding import FaceFinder

ASTRONAUT_FACE_PX = 88


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder(weights.find("centerface"))


def _far_away(face_px: float) -> RgbArray:
    """Paste the astronaut, shrunk, into a picture of 1280x960 gravel."""
    scale = face_px / ASTRONAUT_FACE_PX
    small = cv2.resize(
        data.astronaut(), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA
    )
    gravel = cv2.resize(data.gravel(), (1280, 960))
    scene: RgbArray = np.repeat(gravel[..., None], 3, axis=2)
    scene[300 : 300 + small.shape[0], 500 : 500 + small.shape[1]] = small
    return scene


@pytest.mark.parametrize("face_px", [88, 48, 24, 17, 11])
def test_a_face_in_a_wide_scene_is_found_down_to_11_px(
    finder: FaceFinder, face_px: int
) -> None:
    found = finder.find(_far_away(face_px), above=0.5)

    scale = face_px / ASTRONAUT_FACE_PX
    assert len(found) == 1
    assert found[0].box.holds(500 + 222 * scale, 300 + 115 * scale)
    assert abs(found[0].box.width - face_px) <= max(4, 0.3 * face_px)


def test_the_five_points_stand_where_the_features_are(finder: FaceFinder) -> None:
    points = finder.find(data.astronaut(), above=0.5)[0].points

    eyes, nose, mouth = points[:2], points[2], points[3:]
    assert eyes[0, 0] < nose[0] < eyes[1, 0]
    assert eyes[:, 1].max() < nose[1] < mouth[:, 1].min()


def test_a_face_in_a_big_picture_is_found_at_its_place(finder: FaceFinder) -> None:
    scene = np.full((2000, 3000, 3), 90, np.uint8)
    scene[1300:1812, 2200:2712] = data.astronaut()

    found = finder.find(scene, above=0.5)

    assert len(found) == 1
    assert found[0].box.holds(2200 + 222, 1300 + 115)
    assert 70 < found[0].box.width < 120


def test_the_answer_does_not_depend_on_the_picture_before(finder: FaceFinder) -> None:
    picture = data.astronaut()
    alone = FaceFinder(weights.find("centerface")).find(picture, above=0.5)

    finder.find(_far_away(48), above=0.5)
    after_another = finder.find(picture, above=0.5)

    assert [one.box for one in after_another] == [one.box for one in alone]


def test_textures_hold_no_face(finder: FaceFinder) -> None:
    for texture in (data.gravel(), data.grass(), data.brick()):
        assert finder.find(np.repeat(texture[..., None], 3, axis=2), above=0.3) == []


def test_a_file_that_is_no_network_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no network")

    with pytest.raises(DetectorFailed, match=r"broken\.onnx"):
        FaceFinder(tmp_path / "broken.onnx")
