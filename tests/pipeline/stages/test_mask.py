"""Findings become masks that cover the flaw and never meet."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.findings import Finding, Remedy
from detectors.geometry import Box, Size
from pipeline.settings import MaskSettings
from pipeline.stages import blend
from pipeline.stages.mask import USER_KIND, dilate, mendable, plan_patches
from tests.support.fakes import HAND_KINDS, mask_of

SIZE = Size(200, 160)
BARE = MaskSettings(grow_px=0, margin_share=0.0, merge_px=0, min_area_px=1)


def _finding(
    box: Box,
    kind: str = "hand/malformed",
    confidence: float = 0.9,
    remedy: Remedy = "redraw",
) -> Finding:
    return Finding("hands", kind, box, confidence, remedy=remedy)


@pytest.mark.parametrize("radius_px", [0, 1, 4, 9])
def test_dilation_grows_equally_on_all_sides(radius_px: int) -> None:
    grown = dilate(np.ones((1, 1), dtype=np.bool_), radius_px)

    np.testing.assert_array_equal(grown, grown[::-1])
    np.testing.assert_array_equal(grown, grown[:, ::-1])
    np.testing.assert_array_equal(grown, grown.T)
    assert grown[radius_px].all()


def test_dilation_is_by_a_disc() -> None:
    rows, columns = np.mgrid[-6:7, -6:7]

    grown = dilate(np.ones((1, 1), dtype=np.bool_), 6)

    np.testing.assert_array_equal(grown, rows**2 + columns**2 <= 36)


def test_a_box_grows_by_its_margin_and_by_the_disc() -> None:
    settings = MaskSettings(grow_px=5, margin_share=0.1, merge_px=0)

    plan = plan_patches([_finding(Box(60, 60, 100, 80))], SIZE, settings, apart_px=0)

    (patch,) = plan.patches
    assert patch.box == Box(60 - 9, 60 - 9, 100 + 9, 80 + 9)
    assert not patch.mask[0, 0]
    assert patch.mask[patch.mask.shape[0] // 2].all()


def test_an_outline_is_grown_without_a_margin() -> None:
    outline = np.zeros((20, 20), dtype=np.bool_)
    outline[:, :10] = True
    finding = Finding("hands", "hand/malformed", Box(50, 50, 70, 70), 0.9, outline)
    settings = MaskSettings(grow_px=3, margin_share=0.5, merge_px=0)

    (patch,) = plan_patches([finding], SIZE, settings, apart_px=0).patches

    assert patch.box == Box(47, 47, 63, 73)


def test_a_mask_is_clipped_to_the_picture() -> None:
    finding = _finding(Box(-10, 150, 8, 170))

    (patch,) = plan_patches([finding], SIZE, MaskSettings(), apart_px=0).patches

    assert patch.box.clipped(SIZE) == patch.box
    assert patch.box.x0 == 0
    assert patch.box.y1 == SIZE.height


def test_near_places_become_one_patch_and_far_ones_stay_two() -> None:
    settings = MaskSettings(grow_px=0, margin_share=0.0, merge_px=10)
    one, near, far = Box(10, 10, 30, 30), Box(38, 10, 50, 30), Box(90, 10, 110, 30)

    plan = plan_patches(
        [_finding(b) for b in (one, near, far)], SIZE, settings, apart_px=0
    )

    assert [patch.box for patch in plan.patches] == [Box(10, 10, 50, 30), far]
    assert [len(patch.findings) for patch in plan.patches] == [2, 1]


boxes = st.builds(
    lambda x, y, w, h: Box(x, y, x + w, y + h),
    st.integers(-20, 190),
    st.integers(-20, 150),
    st.integers(1, 60),
    st.integers(1, 60),
)


@given(
    places=st.lists(boxes, max_size=6),
    merge_px=st.integers(0, 30),
    blur_px=st.integers(0, 6),
)
def test_soft_edges_of_two_patches_never_overlap(
    places: list[Box], merge_px: int, blur_px: int
) -> None:
    settings = BARE.model_copy(update={"merge_px": merge_px, "max_area_share": 1.0})
    apart_px = 2 * blend.reach_px(blur_px) + 1

    plan = plan_patches(
        [_finding(b) for b in places], SIZE, settings, apart_px=apart_px
    )

    covered = np.zeros((SIZE.height, SIZE.width), dtype=np.int64)
    union = np.zeros((SIZE.height, SIZE.width), dtype=np.bool_)
    for patch in plan.patches:
        full = mask_of(SIZE)
        full[patch.box.rows, patch.box.columns] = patch.mask
        assert patch.mask[0].any()
        assert patch.mask[-1].any()
        union |= full
        covered += blend.cover_for(full, blur_px, "whole-picture") > 0
    assert covered.max(initial=0) <= 1
    inside = [box.clipped(SIZE) for box in places]
    np.testing.assert_array_equal(union, mask_of(SIZE, *inside))


def test_patches_do_not_depend_on_the_order_of_findings() -> None:
    places = [Box(120, 20, 140, 40), Box(20, 100, 40, 120), Box(20, 20, 40, 40)]
    there = plan_patches([_finding(b) for b in places], SIZE, BARE, apart_px=0)
    back = plan_patches([_finding(b) for b in places[::-1]], SIZE, BARE, apart_px=0)

    assert [p.box for p in there.patches] == [p.box for p in back.patches]
    assert [p.number for p in there.patches] == [0, 1, 2]
    assert there.patches[0].box == Box(20, 20, 40, 40)


def test_too_small_and_too_large_places_are_left_with_a_reason() -> None:
    settings = BARE.model_copy(update={"min_area_px": 64, "max_area_share": 0.5})
    small, large = Box(0, 0, 7, 7), Box(20, 0, 200, 160)

    plan = plan_patches([_finding(small), _finding(large)], SIZE, settings, apart_px=0)

    assert plan.patches == ()
    assert "under mask.min_area_px = 64" in plan.remarks[0]
    assert "90%" in plan.remarks[1]
    assert "mask.max_area_share = 50%" in plan.remarks[1]


def test_a_removal_that_touches_a_redrawing_is_redrawn_and_that_is_said() -> None:
    findings = [
        _finding(Box(20, 20, 60, 60)),
        _finding(Box(50, 20, 80, 60), "hand/surplus", remedy="remove"),
    ]

    plan = plan_patches(findings, SIZE, BARE, apart_px=0)

    assert [patch.remedy for patch in plan.patches] == ["redraw"]
    assert "so all of it is redrawn" in plan.remarks[0]


def test_what_is_to_go_is_not_redrawn_first() -> None:
    findings = [
        _finding(Box(20, 20, 60, 60)),
        _finding(Box(22, 20, 60, 58), "hand/surplus", remedy="remove"),
    ]

    (patch,) = plan_patches(findings, SIZE, BARE, apart_px=0).patches

    assert patch.remedy == "remove"
    assert [finding.kind for finding in patch.findings] == ["hand/surplus"]


def test_a_removal_on_its_own_stays_a_removal() -> None:
    finding = _finding(Box(20, 20, 60, 60), "hand/surplus", remedy="remove")

    plan = plan_patches([finding], SIZE, BARE, apart_px=0)

    assert [patch.remedy for patch in plan.patches] == ["remove"]
    assert plan.remarks == ()


def test_the_users_mask_is_a_patch_of_its_own_and_taken_as_drawn() -> None:
    drawn = mask_of(SIZE, Box(30, 30, 60, 50), Box(120, 100, 150, 140))
    settings = MaskSettings(grow_px=20)

    plan = plan_patches([], SIZE, settings, apart_px=21, user_mask=drawn)

    assert [p.box for p in plan.patches] == [
        Box(30, 30, 60, 50),
        Box(120, 100, 150, 140),
    ]
    assert [f.kind for p in plan.patches for f in p.findings] == [USER_KIND, USER_KIND]


def test_the_users_mask_on_one_finger_does_not_mean_the_hand() -> None:
    drawn = mask_of(SIZE, Box(30, 30, 60, 50))
    hand, other = _finding(Box(55, 30, 80, 50)), _finding(Box(140, 100, 160, 120))

    plan = plan_patches([hand, other], SIZE, BARE, apart_px=0, user_mask=drawn)

    assert [p.findings[0].kind for p in plan.patches] == [USER_KIND, "hand/malformed"]
    assert plan.patches[0].box == Box(30, 30, 60, 50)


def test_a_blank_mask_makes_no_patch() -> None:
    assert (
        plan_patches([], SIZE, BARE, apart_px=0, user_mask=mask_of(SIZE)).patches == ()
    )


def test_a_blank_outline_makes_no_patch() -> None:
    blank = np.zeros((20, 20), dtype=np.bool_)
    finding = Finding("hands", "hand/malformed", Box(50, 50, 70, 70), 0.9, blank)

    assert plan_patches([finding], SIZE, MaskSettings(), apart_px=0).patches == ()


def test_a_users_mask_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="user_mask"):
        plan_patches([], SIZE, BARE, apart_px=0, user_mask=mask_of(Size(8, 8)))


def test_only_sure_and_curable_findings_are_mended() -> None:
    box = Box(0, 0, 30, 30)
    sure = _finding(box)
    findings = [
        sure,
        _finding(box, confidence=0.49),
        _finding(box, "hand/ok"),
        _finding(box, "hand/cannot-tell"),
        _finding(box, "image/unheard-of"),
    ]

    assert mendable(findings, HAND_KINDS, 0.5) == (sure,)


def test_a_patch_knows_the_poses_of_the_hands_that_reach_into_it() -> None:
    """Also of a hand in order, and where the user drew the mask: over one finger, say,
    on which no joint lies."""
    inside = ((10.0, 10.0), (41.0, 41.0))
    outside = ((0.0, 0.0), (41.0, 19.0))
    hands = [
        Finding("hands", "hand/ok", Box(0, 0, 41, 41), 0.1, joints=joints)
        for joints in (inside, outside)
    ]
    drawn = mask_of(SIZE)
    drawn[20:31, 20:31] = True

    plan = plan_patches([], SIZE, BARE, apart_px=0, user_mask=drawn, seen=hands)

    assert [patch.poses for patch in plan.patches] == [(inside,)]


@pytest.mark.parametrize("remedy", ["redraw", "remove"])
def test_the_users_mask_asks_for_what_the_settings_say(remedy: Remedy) -> None:
    drawn = mask_of(SIZE)
    drawn[20:31, 20:31] = True
    settings = BARE.model_copy(update={"user_remedy": remedy})

    (patch,) = plan_patches([], SIZE, settings, apart_px=0, user_mask=drawn).patches

    assert patch.remedy == remedy
