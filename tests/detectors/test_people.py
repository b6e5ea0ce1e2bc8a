from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from skimage import data
from workshop.faces.stray_parts import scenes, stray_parts

from detectors import faces, people
from detectors.arrays import RgbArray
from detectors.contract import Detector
from detectors.geometry import Box
from detectors.people import KINDS, PeopleDetector
from pipeline.settings import FacesSettings, PeopleSettings


@pytest.fixture(scope="module")
def finder() -> Iterator[PeopleDetector]:
    detector = people.build(**PeopleSettings().model_dump())
    yield detector
    detector.close()


def _astronaut() -> RgbArray:
    picture: RgbArray = data.astronaut()
    return picture


def test_a_person_is_outlined_and_is_no_flaw(finder: PeopleDetector) -> None:
    found = finder.inspect(_astronaut())

    assert [one.kind for one in found] == ["person/seen"]
    one = found[0]
    assert one.confidence == 0.0
    assert one.outline is not None
    whole = np.zeros((512, 512), np.bool_)
    whole[one.box.rows, one.box.columns] = one.outline
    assert whole[70:160, 190:250].all()  # the face
    assert whole[300:480, 100:300].mean() > 0.95  # the suit
    assert not whole[20:120, 0:80].any()  # the wall
    assert not whole[:, 430:].any()  # the rocket


def test_a_far_person_in_a_large_picture_is_found_by_the_second_look(
    finder: PeopleDetector,
) -> None:
    scene = np.repeat(cv2.resize(data.grass(), (1400, 1000))[..., None], 3, axis=2)
    small = cv2.resize(
        _astronaut()[:, :400], None, fx=0.35, fy=0.35, interpolation=cv2.INTER_AREA
    )
    scene[700 : 700 + small.shape[0], 1100 : 1100 + small.shape[1]] = small
    scene = np.asarray(scene, np.uint8)

    found = finder.inspect(scene)

    pasted = Box(1100, 700, 1100 + small.shape[1], 700 + small.shape[0])
    assert any(one.box.overlap(pasted) > 0.5 for one in found)


@pytest.mark.parametrize("texture", [data.grass, data.gravel, data.brick])
def test_nobody_is_seen_in_a_texture(finder: PeopleDetector, texture: object) -> None:
    assert callable(texture)
    pixels = np.repeat(texture()[..., None], 3, axis=2)

    assert finder.inspect(pixels) == []


def test_a_stray_face_is_found_in_a_composed_scene_and_none_where_there_is_none(
    finder: PeopleDetector,
) -> None:
    both: list[Detector] = [finder, faces.build(**FacesSettings().model_dump())]
    four = list(scenes(2, None))

    found = [stray_parts(scene.pixels, both) for scene in four]

    assert [scene.stray is not None for scene in four] == [False, True, False, True]
    for scene, boxes in zip(four, found, strict=True):
        if scene.stray is None:
            assert boxes == []
        else:
            assert len(boxes) == 1
            assert boxes[0].intersection(scene.stray).area > 0.5 * boxes[0].area


def test_only_stray_parts_are_for_repair() -> None:
    assert [kind for kind, about in KINDS.items() if about.mend] == ["body/stray-part"]
