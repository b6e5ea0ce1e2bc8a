import numpy as np
import pytest

from detectors.combine import combine, find_stray_parts, join_duplicates, sharpen
from detectors.findings import Finding
from detectors.geometry import Box, Size

SCENE = Size(400, 300)


def _person(box: Box, *, filled: bool = True) -> Finding:
    outline = np.full((box.height, box.width), filled)
    return Finding("people", "person/seen", box, 0.0, outline)


def _hand(box: Box, kind: str = "hand/malformed", confidence: float = 0.8) -> Finding:
    outline = np.ones((box.height, box.width), np.bool_)
    return Finding("hands", kind, box, confidence, outline)


PERSON = _person(Box(20, 20, 140, 290))
FAR = Box(270, 120, 310, 160)


def test_a_hand_far_from_the_only_person_is_stray_and_to_be_removed() -> None:
    found = find_stray_parts([PERSON, _hand(FAR)], SCENE)

    assert [one.kind for one in found] == ["body/stray-part"]
    assert found[0].box == FAR
    assert found[0].remedy == "remove"
    assert found[0].outline is not None


def test_a_sound_hand_that_belongs_to_nobody_is_stray_too() -> None:
    assert find_stray_parts([PERSON, _hand(FAR, "hand/ok", 0.05)], SCENE)


@pytest.mark.parametrize("kind", ["hand/cannot-tell", "face/cannot-tell"])
def test_what_may_be_no_part_at_all_is_never_stray(kind: str) -> None:
    """A palm without a skeleton may be anything; the remedy would be to remove it."""
    assert find_stray_parts([PERSON, _hand(FAR, kind, 0.5)], SCENE) == ()


@pytest.mark.parametrize(
    ("where", "box"),
    [
        ("on the person", Box(60, 120, 100, 160)),
        ("beside the person, where an arm ends", Box(145, 120, 185, 160)),
        ("at the border, beyond which there may be somebody", Box(355, 120, 395, 160)),
    ],
)
def test_a_hand_that_may_belong_to_somebody_is_not_stray(where: str, box: Box) -> None:
    assert find_stray_parts([PERSON, _hand(box)], SCENE) == (), where


def test_nothing_is_stray_where_nobody_is_seen() -> None:
    assert find_stray_parts([_hand(FAR)], SCENE) == ()


def test_a_hand_at_the_end_of_an_arm_without_a_box_is_not_stray() -> None:
    arm = _person(Box(240, 100, 400, 170))

    assert find_stray_parts([PERSON, arm, _hand(FAR)], SCENE) == ()


def test_a_hand_that_alone_looks_like_a_small_person_is_still_stray() -> None:
    itself = _person(FAR)

    assert len(find_stray_parts([PERSON, itself, _hand(FAR)], SCENE)) == 1


def test_faces_of_a_crowd_whose_bodies_went_unseen_are_not_stray() -> None:
    crowd = [
        Finding("faces", "face/ok", Box(x, 60, x + 20, 84), 0.1)
        for x in (230, 270, 310)
    ]

    assert find_stray_parts([PERSON, *crowd], SCENE) == ()
    assert len(find_stray_parts([PERSON, *crowd[:2]], SCENE)) == 2


def test_what_is_stray_is_no_longer_judged_as_a_hand() -> None:
    kinds = [
        one.kind
        for one in combine(
            [PERSON, _hand(FAR)], SCENE, use_people=True, stray_parts=True
        )
    ]

    assert kinds == ["person/seen", "body/stray-part"]


def test_stray_parts_are_only_looked_for_when_asked() -> None:
    joined = combine([PERSON, _hand(FAR)], SCENE, use_people=False, stray_parts=False)

    assert [one.kind for one in joined] == ["person/seen", "hand/malformed"]


def test_two_detectors_that_mark_one_hand_are_joined_into_the_one_that_knows_more() -> (
    None
):
    own = _hand(Box(50, 50, 90, 90), confidence=0.6)
    users = Finding("segments", "segment/hand", Box(54, 54, 96, 96), 0.9)

    joined = join_duplicates([users, own])

    assert [one.kind for one in joined] == ["hand/malformed"]
    assert joined[0].box == Box(50, 50, 96, 96)
    assert joined[0].outline is not None
    assert joined[0].outline[-1, -1]
    assert joined[0].outline[0, 0]
    assert not joined[0].outline[0, -1]
    assert joined[0].message == "also seen by segments"


def test_a_users_wish_to_redraw_a_sound_hand_is_not_swallowed() -> None:
    own = _hand(Box(50, 50, 90, 90), "hand/ok", 0.1)
    users = Finding("segments", "segment/hand", Box(50, 50, 90, 90), 0.9)

    assert len(join_duplicates([users, own])) == 2


def test_a_hand_and_a_handbag_are_two_things() -> None:
    own = _hand(Box(50, 50, 90, 90))
    bag = Finding("segments", "segment/handbag", Box(50, 50, 90, 90), 0.9)

    assert len(join_duplicates([bag, own])) == 2


def test_one_detector_that_sees_two_hands_at_one_place_is_believed() -> None:
    hands = [_hand(Box(50, 50, 90, 90)), _hand(Box(52, 52, 92, 92))]

    assert len(join_duplicates(hands)) == 2


def test_a_mask_is_cut_to_its_person_with_some_room() -> None:
    person = _person(Box(0, 0, 100, 200))
    hand = _hand(Box(60, 60, 120, 120))  # two thirds of it on the person
    wide = _hand(Box(70, 60, 110, 120))  # three quarters of it on the person

    left_alone, cut = sharpen([hand, wide, person], SCENE)[:2]

    assert left_alone.outline is not None
    assert left_alone.outline.all()
    assert cut.outline is not None
    assert cut.outline[:, :30].all()
    assert cut.outline[30, 30:37].all()
    assert not cut.outline[30, 39:].any()


def test_a_mask_far_from_any_person_is_left_as_it_is() -> None:
    hand = _hand(FAR)

    assert sharpen([PERSON, hand], SCENE)[1] is hand


def test_the_order_of_the_detectors_cannot_be_seen() -> None:
    findings = [PERSON, _hand(Box(60, 60, 90, 90)), _hand(FAR)]

    one = combine(findings, SCENE, use_people=True, stray_parts=True)
    other = combine(findings[::-1], SCENE, use_people=True, stray_parts=True)

    assert [(f.kind, f.box) for f in one] == [(f.kind, f.box) for f in other]
