"""What a region costs, before and after."""

from functools import partial

import numpy as np
import pytest

from detectors.arrays import CoverArray, RgbArray
from detectors.errors import DetectorFailed
from detectors.findings import Finding, Kind, Remedy, Severity
from detectors.geometry import Box, Size
from pipeline.grain import Grain
from pipeline.records import Cost, Inspection, Patch
from pipeline.settings import ScoreSettings
from pipeline.stages import blend
from pipeline.stages.mask import USER_KIND, USER_KINDS
from pipeline.stages.score import Original, Scale, Sharp, measure, measure_original
from tests.support.fakes import (
    BLUE,
    GREEN,
    GREY,
    HAND_KINDS,
    ORANGE,
    RED,
    YELLOW,
    Colour,
    FakeDetector,
    draw,
    mask_of,
)

SIZE = Size(120, 100)
HAND = Box(40, 40, 60, 60)
BESIDE = Box(90, 40, 110, 60)
VIEW = Box(100, 200, 220, 300)
"""Where the cut-out lies in the picture; findings of a patch are in its pixels."""


def _look(pixels: RgbArray) -> Inspection:
    return Inspection(tuple(FakeDetector().inspect(pixels)), ("hands",))


SCALE = Scale(_look, {**HAND_KINDS, **USER_KINDS}, ScoreSettings())


def _patch(
    *kinds: str, remedy: Remedy = "redraw", confidence: float = 0.9, at: Box = HAND
) -> Patch:
    box = at.shifted(VIEW.x0, VIEW.y0)
    findings = tuple(
        Finding(
            "user" if k == USER_KIND else "hands", k, box, confidence, remedy=remedy
        )
        for k in kinds
    )
    grown = box.grown(6)
    mask = np.ones((grown.height, grown.width), dtype=np.bool_)
    return Patch(0, grown, mask, findings, remedy)


def _cover(patch: Patch) -> CoverArray:
    mask = mask_of(SIZE, patch.box.shifted(-VIEW.x0, -VIEW.y0))
    return blend.cover_for(mask, 2, "only-masked")


def _original(patch: Patch, pixels: RgbArray) -> Original:
    return measure_original(patch, VIEW, pixels, _cover(patch), SCALE)


def _costs(
    patch: Patch, before: dict[Box, Colour], after: dict[Box, Colour]
) -> tuple[Cost, Cost]:
    original = _original(patch, draw(SIZE, before))
    return original.cost, measure(original, draw(SIZE, after), SCALE)


MALFORMED = _patch("hand/malformed")


def test_a_repaired_hand_costs_less_than_a_flawed_one() -> None:
    before, after = _costs(MALFORMED, {HAND: RED}, {HAND: GREEN})

    assert before == Cost(0.9, 0.0, 0.0, 0.9)
    assert after.flaw == pytest.approx(0.75 * 0.1)


def test_a_better_hand_that_is_still_flawed_costs_less() -> None:
    before, after = _costs(MALFORMED, {HAND: RED}, {HAND: ORANGE})

    assert after.flaw == pytest.approx(0.6)
    assert after.flaw < before.flaw


def _noise(depth: int) -> RgbArray:
    """Return a grey picture whose pixels differ from their mean by up to `depth`."""
    rng = np.random.default_rng(4)
    grey = rng.integers(128 - depth, 129 + depth, (SIZE.height, SIZE.width, 1))
    return np.repeat(grey, 3, axis=2).astype(np.uint8)


def test_lost_detail_costs_where_something_is_redrawn() -> None:
    original = _original(MALFORMED, _noise(80))

    same, softer = (measure(original, _noise(depth), SCALE) for depth in (80, 20))

    assert same.blur == 0.0
    assert softer.blur == pytest.approx(2.0, abs=0.1)
    rest = softer.flaw + 0.15 * softer.seam + 0.10 * softer.drift
    assert softer.total == pytest.approx(rest + 0.10 * softer.blur)


@pytest.mark.parametrize(
    "patch",
    [
        _patch("hand/malformed", remedy="remove"),
        _patch(USER_KIND),
    ],
)
def test_what_is_removed_or_marked_by_the_user_may_become_as_smooth_as_it_likes(
    patch: Patch,
) -> None:
    assert measure(_original(patch, _noise(80)), _noise(0), SCALE).blur == 0.0


def test_detail_is_compared_with_the_picture_as_it_came_whatever_the_pass() -> None:
    cover = _cover(MALFORMED)
    second = measure_original(
        MALFORMED, VIEW, _noise(40), cover, SCALE, Sharp(_noise(80))
    )

    assert second.cost.blur == pytest.approx(1.0, abs=0.1)
    assert second.cost.total == pytest.approx(second.cost.flaw + 0.1 * second.cost.blur)
    assert measure(second, _noise(20), SCALE).blur == pytest.approx(2.0, abs=0.1)


def test_grain_that_variations_are_given_is_no_detail() -> None:
    cover = _cover(MALFORMED)
    grain = Grain(np.full(8, 10.0), (np.ones((16, 16, 3), np.float32),))
    bare, grainy = (
        measure_original(
            MALFORMED, VIEW, _noise(80), cover, SCALE, Sharp(_noise(80), given)
        )
        for given in (None, grain)
    )

    without, beneath = (
        measure(original, _noise(40), SCALE).blur for original in (bare, grainy)
    )

    assert beneath > without


def test_a_vanished_hand_is_not_a_repaired_hand() -> None:
    before, after = _costs(MALFORMED, {HAND: RED}, {})

    assert after.flaw == 1.0
    assert after.flaw > before.flaw


def test_a_hand_that_nobody_can_judge_any_more_is_not_a_repaired_hand() -> None:
    before, after = _costs(MALFORMED, {HAND: RED}, {HAND: YELLOW})

    assert after.flaw == 1.0
    assert after.flaw > before.flaw


def test_a_new_flaw_in_the_region_counts() -> None:
    second = Box(56, 40, 66, 60)
    shrunk = Box(40, 40, 52, 60)

    _, after = _costs(MALFORMED, {HAND: RED}, {shrunk: GREEN, second: RED})

    assert after.flaw == pytest.approx(0.75 * 0.1 + 0.9)


def test_a_new_flaw_beside_the_region_counts() -> None:
    _, after = _costs(MALFORMED, {HAND: RED}, {HAND: GREEN, BESIDE: ORANGE})

    assert after.flaw == pytest.approx(0.75 * 0.1 + 0.6)


def test_a_flaw_beside_the_region_that_was_there_before_does_not_count() -> None:
    before, after = _costs(
        MALFORMED, {HAND: RED, BESIDE: RED}, {HAND: GREEN, BESIDE: RED}
    )

    assert before.flaw == pytest.approx(0.9)
    assert after.flaw == pytest.approx(0.75 * 0.1)


def test_what_only_the_whole_picture_showed_still_counts_before() -> None:
    before, after = _costs(MALFORMED, {}, {HAND: GREEN})

    assert before.flaw == pytest.approx(0.9)
    assert after.flaw == pytest.approx(0.75 * 0.1)


def test_what_nobody_sees_afterwards_is_gone_even_if_the_cut_out_never_showed_it() -> (
    None
):
    before, after = _costs(MALFORMED, {}, {})

    assert after.flaw == 1.0
    assert after.flaw > before.flaw


def test_a_removed_hand_costs_nothing() -> None:
    patch = _patch("hand/surplus", remedy="remove")

    before, after = _costs(patch, {HAND: BLUE}, {})

    assert before.flaw == pytest.approx(0.9)
    assert after.flaw == 0.0


def test_a_hand_to_be_removed_that_is_redrawn_well_still_costs_as_before() -> None:
    patch = _patch("hand/surplus", remedy="remove")

    before, after = _costs(patch, {HAND: BLUE}, {HAND: GREEN})

    assert after.flaw == before.flaw


def test_a_stray_part_is_gone_only_when_no_part_is_seen_in_its_place() -> None:
    stray = Kind("A part of nobody.", Severity.WARNING, mend=True)
    scale = Scale(_look, {**SCALE.kinds, "body/stray-part": stray}, ScoreSettings())
    patch = _patch("body/stray-part", remedy="remove")
    original = measure_original(
        patch, VIEW, draw(SIZE, {HAND: GREEN}), _cover(patch), scale
    )

    redrawn = measure(original, draw(SIZE, {HAND: GREEN}), scale)
    removed = measure(original, draw(SIZE, {}), scale)

    assert original.cost.flaw == redrawn.flaw == pytest.approx(0.75 * 0.9)
    assert removed.flaw == 0.0


def test_a_removed_digit_must_leave_the_hand() -> None:
    digit = Box(54, 40, 60, 47)
    patch = _patch("hand/surplus", remedy="remove", at=digit)

    before, after = _costs(patch, {HAND: ORANGE}, {HAND: GREEN})
    _, gone = _costs(patch, {HAND: ORANGE}, {})

    assert before.flaw == pytest.approx(0.6 + 0.9)
    assert after.flaw == pytest.approx(0.75 * 0.1)
    assert gone.flaw == pytest.approx(1.0)


def test_a_place_that_the_user_marked_is_a_flaw_until_it_is_repainted() -> None:
    patch = _patch(USER_KIND)

    before, after = _costs(patch, {}, {})

    assert before.flaw == 1.0
    assert after.flaw == 0.0


def test_a_flaw_painted_into_the_users_mask_counts() -> None:
    _, after = _costs(_patch(USER_KIND), {}, {HAND: ORANGE})

    assert after.flaw == pytest.approx(0.6)


def test_nothing_is_missed_where_the_user_drew_the_mask() -> None:
    _, after = _costs(_patch(USER_KIND), {HAND: GREEN}, {})

    assert after.flaw == 0.0


def test_where_detectors_report_flaws_alone_seeing_nothing_is_the_success() -> None:
    kinds = {"segment/melted": Kind("Something melted.", Severity.WARNING, mend=True)}
    detector = FakeDetector({RED: ("segment/melted", 0.8, "redraw")}, kinds, "segments")

    def look(pixels: RgbArray) -> Inspection:
        return Inspection(tuple(detector.inspect(pixels)), ("segments",))

    scale = Scale(look, kinds, ScoreSettings())
    patch = _patch("segment/melted", confidence=0.8)
    cover = _cover(patch)
    original = measure_original(patch, VIEW, draw(SIZE, {HAND: RED}), cover, scale)

    assert original.cost.flaw == pytest.approx(0.75 * 0.8)
    assert measure(original, draw(SIZE, {}), scale).flaw == 0.0


def test_seam_and_drift_are_weighed_into_the_total() -> None:
    original = _original(MALFORMED, draw(SIZE, {HAND: RED}))
    after = draw(SIZE, {})
    after[original.cover > 0] = (90, 90, 150)
    after[HAND.rows, HAND.columns] = GREEN
    weights = ScoreSettings(seam_weight=2.0, drift_weight=3.0)

    cost = measure(original, after, Scale(_look, SCALE.kinds, weights))

    assert cost.seam > 0
    assert cost.drift > 0
    assert cost.total == pytest.approx(cost.flaw + 2 * cost.seam + 3 * cost.drift)


def test_the_same_cut_out_always_costs_the_same() -> None:
    rng = np.random.default_rng(3)
    before = rng.integers(0, 256, (SIZE.height, SIZE.width, 3), dtype=np.uint8)
    after = rng.integers(0, 256, (SIZE.height, SIZE.width, 3), dtype=np.uint8)
    original = _original(MALFORMED, before)

    assert measure(original, after, SCALE) == measure(original, after.copy(), SCALE)


def test_a_detector_that_cannot_look_costs_nothing_but_an_error() -> None:
    def broken(pixels: RgbArray) -> Inspection:
        return Inspection((), (), (("hands", "its network is on fire"),))

    scale = Scale(broken, HAND_KINDS, ScoreSettings())

    with pytest.raises(DetectorFailed, match="on fire"):
        measure_original(MALFORMED, VIEW, draw(SIZE, {}), _cover(MALFORMED), scale)


def test_outlines_of_people_and_whole_pictures_are_no_parts() -> None:
    kinds = {
        **HAND_KINDS,
        "person/seen": Kind("A person.", Severity.FINE, mend=False),
        "image/dark": Kind("Dark.", Severity.WARNING, mend=False),
    }
    whole = Box.whole(SIZE)

    def look(pixels: RgbArray) -> Inspection:
        extra = [
            Finding("people", "person/seen", whole, 0.9),
            Finding("quality", "image/dark", whole, 0.9),
        ]
        return Inspection((*FakeDetector().inspect(pixels), *extra), ("all",))

    scale = Scale(look, kinds, ScoreSettings())
    original = measure_original(
        MALFORMED, VIEW, draw(SIZE, {HAND: RED}), _cover(MALFORMED), scale
    )

    assert original.cost.flaw == pytest.approx(0.9)
    assert measure(original, draw(SIZE, {HAND: GREEN}), scale).flaw < 0.1


def test_grey_is_no_hand() -> None:
    assert partial(_look)(draw(SIZE, {HAND: GREY})).findings == ()
