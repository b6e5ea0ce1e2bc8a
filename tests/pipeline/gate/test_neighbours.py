"""What is wrong with pictures only beside each other."""

import time

import cv2
import numpy as np
import pytest

from detectors.geometry import Size
from pipeline.gate.likes import nearest_before
from pipeline.gate.neighbours import problems_between
from pipeline.records import Outcome
from pipeline.settings import GateSettings
from pipeline.stages.liken import liken
from tests.support.checks_made import liked, seen
from tests.support.pictures import draw_scene

LOOK = "0123456789abcdef" * 2


def told(*outcomes: Outcome, **gate: float) -> list[tuple[str, str, str]]:
    settings = GateSettings.model_validate(gate)
    found = problems_between(sorted(outcomes, key=lambda one: one.key), settings)
    return [(one.key, one.rule.code, one.message) for one in found]


def with_bits(look: str, *bits: int) -> str:
    number = int(look, 16)
    for bit in bits:
        number ^= 1 << bit
    return f"{number:032x}"


def test_a_file_that_lies_there_twice_is_a_duplicate_of_the_first() -> None:
    outcomes = [liked(seen(key, content="same"), "p1", LOOK) for key in "cab"]

    assert [f"{key}.{code}" for key, code, _ in told(*outcomes)] == [
        "b.NM221",
        "c.NM221",
    ]
    assert told(*outcomes)[0][2] == "same file as a"


def test_the_same_pixels_in_another_file_are_a_duplicate_too() -> None:
    outcomes = [liked(seen("a.png"), "p1", LOOK), liked(seen("b.webp"), "p1", LOOK)]

    assert told(*outcomes) == [("b.webp", "NM221", "same pixels as a.png")]


def test_looks_that_differ_in_a_few_bits_are_near_duplicates() -> None:
    near, far = with_bits(LOOK, 3, 77, 100), with_bits(LOOK, *range(9))
    outcomes = [
        liked(seen("a.png"), "p1", LOOK),
        liked(seen("b.png"), "p2", near),
        liked(seen("c.png"), "p3", far),
    ]

    assert told(*outcomes) == [
        ("b.png", "NM222", "looks like a.png (3 of 128 bits differ)")
    ]
    assert told(*outcomes, near_duplicate_bits=2) == []


def test_pictures_that_show_nothing_are_not_like_each_other() -> None:
    outcomes = [liked(seen(key), key, "") for key in "ab"]

    assert told(*outcomes) == []


def test_hostile_names_cannot_steer_the_message() -> None:
    outcomes = [liked(seen("a\x1b[2J.png"), "p", LOOK), liked(seen("b.png"), "p", LOOK)]

    assert told(*outcomes)[0][2] == "same pixels as a\\u001b[2J.png"


def test_a_thumbnail_among_pictures_is_an_outlier() -> None:
    group = [liked(seen(f"in/{n}.png"), str(n)) for n in range(9)]
    thumb = liked(seen("in/t.png", size=Size(160, 120)), "t")

    assert told(*group, thumb) == [
        (
            "in/t.png",
            "NM213",
            "160x120, 4.0 times smaller than is usual in its folder",
        )
    ]


@pytest.mark.parametrize("size", [Size(600, 480), Size(480, 640)])
def test_a_crop_or_another_aspect_is_no_outlier(size: Size) -> None:
    group = [liked(seen(f"{n}.png"), str(n)) for n in range(9)]

    assert told(*group, liked(seen("t.png", size=size), "t")) == []


def test_another_folder_may_hold_pictures_of_another_size() -> None:
    large = [liked(seen(f"large/{n}.png"), f"l{n}") for n in range(9)]
    small = [
        liked(seen(f"small/{n}.png", size=Size(64, 64)), f"s{n}") for n in range(9)
    ]

    assert told(*large, *small) == []


def test_a_few_pictures_have_no_usual_size() -> None:
    group = [liked(seen(f"{n}.png"), str(n)) for n in range(4)]

    assert told(*group, liked(seen("t.png", size=Size(64, 64)), "t")) == []


def test_names_that_tools_take_for_one_are_noted() -> None:
    outcomes = [seen("a/x.jpg"), seen("a/x.png"), seen("b/x.png"), seen("A/X.png")]

    assert [(key, code) for key, code, _ in told(*outcomes)] == [
        ("a/x.png", "NM308"),
        ("a/x.png", "NM309"),
    ]


@pytest.mark.parametrize("bits", [0, 1, 8, 32])
def test_the_index_finds_what_comparing_all_with_all_finds(bits: int) -> None:
    rng = np.random.default_rng(bits)
    hashes = [rng.bytes(16) for _ in range(40)]
    numbers = [int.from_bytes(one) for one in hashes]
    for _ in range(160):
        flips = rng.choice(128, int(rng.integers(0, 14)), replace=False)
        numbers.append(numbers[int(rng.integers(40))] ^ sum(1 << int(f) for f in flips))
    expected = {}
    for later, number in enumerate(numbers):
        near = [
            ((number ^ other).bit_count(), earlier)
            for earlier, other in enumerate(numbers[:later])
        ]
        if near and min(near)[0] <= bits:
            expected[later] = (min(near)[1], min(near)[0])

    assert nearest_before([f"{one:032x}" for one in numbers], bits) == expected


def test_ten_thousand_looks_are_compared_in_seconds() -> None:
    rng = np.random.default_rng(3)
    looks = [rng.bytes(16).hex() for _ in range(10_000)]
    looks[9_000] = with_bits(looks[17], 1, 64, 127)
    began = time.process_time()

    found = nearest_before(looks, 8)

    assert found == {9_000: (17, 3)}
    assert time.process_time() - began < 5


def test_a_smaller_copy_and_a_jpeg_look_alike_and_another_scene_does_not() -> None:
    scene = draw_scene(320, 240, seed=1)
    half = cv2.resize(scene, (160, 120), interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", scene, [cv2.IMWRITE_JPEG_QUALITY, 50])
    coarse = cv2.imdecode(jpeg, cv2.IMREAD_UNCHANGED)
    assert coarse is not None
    other = draw_scene(320, 240, seed=2)

    def apart(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> int:
        look = int(liken(np.ascontiguousarray(pixels)).look, 16)
        return (look ^ int(liken(scene).look, 16)).bit_count()

    assert apart(half.astype(np.uint8)) <= 8
    assert apart(coarse.astype(np.uint8)) <= 8
    assert apart(other) > 16


def test_what_is_equal_depends_on_pixels_and_shape_only() -> None:
    flat = np.zeros((32, 64, 3), np.uint8)

    assert liken(flat).pixels == liken(flat.copy()).pixels
    assert liken(flat).pixels != liken(flat.reshape(64, 32, 3)).pixels
    assert liken(flat).look == ""
