"""The whole flow of one picture, with detectors and engines that do as told."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detectors.arrays import MaskArray, RgbArray
from detectors.contract import Detector
from detectors.findings import Kind, Remedy, Severity
from detectors.geometry import Box, Size
from pipeline import wire
from pipeline.files import digest_bytes
from pipeline.flow import check, mend
from pipeline.metadata import read_provenance
from pipeline.records import (
    ImageRef,
    Outcome,
    PaintRequest,
    Picture,
    Recipe,
    Status,
    Workplace,
)
from pipeline.runner.drive import drive
from pipeline.settings import Settings
from pipeline.stages.mask import USER_KIND
from pipeline.toolbox import Toolbox
from tests.support.checks import assert_same_outside, decoded
from tests.support.fakes import (
    BLUE,
    GREEN,
    HANDS,
    ORANGE,
    RED,
    YELLOW,
    BrokenDetector,
    Colour,
    DarkDetector,
    FakeAlbum,
    FakeDetector,
    FakeInpainter,
    Result,
    draw,
    mask_of,
)
from tests.support.pictures import encoded

SIZE = Size(333, 257)
HAND = Box(60, 60, 84, 84)
OTHER = Box(230, 150, 254, 174)


def _settings(**sections: dict[str, Any]) -> Settings:
    quick = {"plan": {"variations": 2}, "score": {"context_px": 40}}
    merged = {
        name: {**quick.get(name, {}), **sections.get(name, {})}
        for name in {*quick, *sections}
    }
    return Settings.model_validate(merged)


def _picture(hands: Mapping[Box, Colour], **changes: Any) -> Picture:
    pixels = draw(SIZE, hands)
    data = encoded(pixels, "PNG")
    picture = Picture(
        ref=ImageRef(Path("/in"), "sub/a.png", digest_bytes(data)),
        pixels=pixels,
        alpha=None,
        format="PNG",
        mode="RGB",
        orientation=1,
        encoded=data,
        recipe=Recipe("a woman waving", "blurry", "AUTOMATIC1111"),
    )
    return replace(picture, **changes)


@dataclass
class Run:
    """One picture through the flow."""

    hands: Mapping[Box, Colour]
    result_for: Callable[[PaintRequest, int], Result] = lambda _request, _number: GREEN
    settings: Settings = field(default_factory=_settings)
    detectors: tuple[Detector, ...] = field(default_factory=lambda: (FakeDetector(),))
    user_mask: MaskArray | None = None
    past_passes: int = 0
    gives_up_on: frozenset[int] = frozenset()
    draws: bool = True
    grain: float = 0.0
    """Standard deviation of the picture's grain, which the engine then loses."""

    def __call__(self, output: Path) -> Outcome:
        self.output = output
        output.mkdir(exist_ok=True)
        self.album = FakeAlbum()
        self.inpainter = FakeInpainter(
            self.result_for,
            gives_up_on=self.gives_up_on,
            draws=self.draws,
            smooths=self.grain > 0,
        )
        self.picture = _picture(self.hands, past_passes=self.past_passes)
        if self.grain:
            self.picture = replace(
                self.picture, pixels=_grainy(self.picture.pixels, self.grain)
            )
        flow = mend(
            self.picture,
            Toolbox(self.detectors, self.inpainter),
            Workplace(output, output / ".nightmend", "run-1"),
            self.album,
            self.settings,
            user_mask=self.user_mask,
        )
        self.outcome = drive(flow, self.inpainter)
        return self.outcome

    @property
    def data(self) -> bytes:
        """The finished file."""
        return (self.output / "sub" / self.outcome.staged).read_bytes()

    @property
    def pixels(self) -> RgbArray:
        return decoded(self.data)


def _grainy(pixels: RgbArray, sigma: float) -> RgbArray:
    noise = sigma * np.random.default_rng(5).standard_normal(pixels.shape)
    grainy: RgbArray = np.rint(pixels + noise).clip(0, 255).astype(np.uint8)
    return grainy


def _by_number(*results: Result) -> Callable[[PaintRequest, int], Result]:
    return lambda _request, number: results[min(number, len(results) - 1)]


def test_a_clean_picture_is_handed_on_byte_for_byte(tmp_path: Path) -> None:
    run = Run({HAND: GREEN})

    outcome = run(tmp_path)

    assert outcome.status is Status.CLEAN
    assert run.data == run.picture.encoded
    assert outcome.output == "sub/a.png"
    assert outcome.output_digest == digest_bytes(run.picture.encoded)
    assert outcome.choices == ()
    assert outcome.attempts == ()
    assert [row.kind for row in outcome.findings] == ["hand/ok"]
    assert run.album.kept == {}
    assert run.album.thumbs == [("sub/a.png", outcome.digest)]


def test_a_flawed_hand_is_repaired_and_nothing_else_changes(tmp_path: Path) -> None:
    run = Run({HAND: RED}, _by_number(ORANGE, GREEN))

    outcome = run(tmp_path)

    (choice,) = outcome.choices
    assert outcome.status is Status.REPAIRED
    assert choice.winner == 1
    assert choice.cost_after.total < choice.cost_before.total
    assert [row.kind for row in outcome.findings] == ["hand/malformed"]
    assert [row.kind for row in outcome.remaining] == ["hand/ok"]
    assert outcome.passes == 1
    mask = mask_of(SIZE, choice.box.grown(10).clipped(SIZE))
    assert_same_outside(mask, run.picture.pixels, run.pixels)
    np.testing.assert_array_equal(run.pixels[70, 70], GREEN)


@pytest.mark.parametrize("match_grain", [True, False])
def test_a_repair_has_the_grain_of_its_picture(
    tmp_path: Path, match_grain: bool
) -> None:
    settings = _settings(inpaint={"match_grain": match_grain})
    run = Run({HAND: RED}, settings=settings, grain=2.0)

    outcome = run(tmp_path)

    hand = run.pixels[HAND.rows, HAND.columns][4:-4, 4:-4]
    grain = hand.astype(float).std(axis=(0, 1)).mean()
    assert outcome.status is Status.REPAIRED
    assert 1.4 < grain < 2.4 if match_grain else grain < 0.5
    (choice,) = outcome.choices
    mask = mask_of(SIZE, choice.box.grown(10).clipped(SIZE))
    assert_same_outside(mask, run.picture.pixels, run.pixels)


def test_the_input_is_not_changed(tmp_path: Path) -> None:
    run = Run({HAND: RED})

    run(tmp_path)

    np.testing.assert_array_equal(run.picture.pixels, draw(SIZE, {HAND: RED}))


def test_the_repaired_file_says_what_was_done(tmp_path: Path) -> None:
    run = Run({HAND: RED}, past_passes=2)

    outcome = run(tmp_path)

    entry = read_provenance(run.data)
    assert entry is not None
    (repair,) = entry.repairs
    (choice,) = outcome.choices
    winner = next(a for a in outcome.attempts if a.number == choice.winner)
    assert entry.passes == repair.pass_number == 3
    assert repair.kinds == ("hand/malformed",)
    assert repair.seed == winner.seed
    assert repair.engine == "fake"
    assert repair.cost_after < repair.cost_before


def test_provenance_can_be_left_out(tmp_path: Path) -> None:
    run = Run({HAND: RED}, settings=_settings(save={"provenance": False}))

    run(tmp_path)

    assert read_provenance(run.data) is None


def test_a_hand_that_nothing_improves_stays_as_it_is(tmp_path: Path) -> None:
    run = Run({HAND: RED}, _by_number(RED))

    outcome = run(tmp_path)

    assert outcome.status is Status.KEPT
    assert run.data == run.picture.encoded
    assert [choice.winner for choice in outcome.choices] == [None]
    assert outcome.remaining == outcome.findings
    assert outcome.passes == 0


def test_a_vanished_hand_is_not_accepted(tmp_path: Path) -> None:
    run = Run({HAND: RED}, _by_number("gone"))

    assert run(tmp_path).status is Status.KEPT


def test_a_hand_too_many_is_removed_with_an_empty_prompt(tmp_path: Path) -> None:
    run = Run({HAND: BLUE}, _by_number("gone"))

    outcome = run(tmp_path)

    (request,) = run.inpainter.requests
    assert outcome.status is Status.REPAIRED
    assert outcome.remaining == ()
    assert (request.prompt, request.content) == ("", "fill")
    assert outcome.choices[0].remedy == "remove"


def test_an_engine_that_only_fills_is_not_asked_to_draw(tmp_path: Path) -> None:
    run = Run({HAND: RED}, draws=False)

    outcome = run(tmp_path)

    assert run.inpainter.requests == []
    assert outcome.status is Status.KEPT
    assert "redrawing needs a diffusion model" in outcome.problem


def test_an_engine_that_only_fills_still_takes_away(tmp_path: Path) -> None:
    run = Run({HAND: BLUE}, _by_number("gone"), draws=False)

    assert run(tmp_path).status is Status.REPAIRED
    assert len(run.inpainter.requests) == 1


def test_the_prompt_is_the_kinds_words_and_the_pictures_own(tmp_path: Path) -> None:
    run = Run({HAND: RED})

    run(tmp_path)

    assert run.inpainter.requests[0].prompt.endswith(", a woman waving")
    assert "five fingers" in run.inpainter.requests[0].prompt


def test_retries_take_more_noise_and_then_less_and_go_on_counting(
    tmp_path: Path,
) -> None:
    run = Run({HAND: RED}, _by_number(RED))

    outcome = run(tmp_path)

    tried = [(number, strength) for _, number, strength in run.inpainter.painted]
    assert tried == [(0, 0.75), (1, 0.75), (2, 0.85), (3, 0.85), (4, 0.65), (5, 0.65)]
    assert [a.number for a in outcome.attempts] == [0, 1, 2, 3, 4, 5]
    first = outcome.attempts[0].seed
    assert [a.seed for a in outcome.attempts] == [(first + n) % 2**32 for n in range(6)]


def test_a_retry_that_helps_wins_and_its_strength_is_told(tmp_path: Path) -> None:
    run = Run({HAND: RED}, _by_number(RED, RED, RED, GREEN))

    (choice,) = run(tmp_path).choices

    assert (choice.winner, choice.strength) == (3, 0.85)


def test_only_regions_without_a_winner_are_tried_again(tmp_path: Path) -> None:
    def result(request: PaintRequest, number: int) -> Result:
        return GREEN if request.patch.number == 0 else RED

    run = Run({HAND: RED, OTHER: RED}, result, _settings(passes={"limit": 1}))

    outcome = run(tmp_path)

    assert [patch for patch, _, _ in run.inpainter.painted] == [0] * 2 + [1] * 6
    assert [choice.winner for choice in outcome.choices] == [0, None]
    assert outcome.status is Status.REPAIRED


def test_every_kind_is_repaired_by_its_own_settings(tmp_path: Path) -> None:
    """A face keeps its likeness at a low strength, and hands need a high one."""
    own = {"user": {"strength": 0.4, "variations": 2}}
    settings = _settings(
        plan={"strength": 0.8, "variations": 1, "by_kind": own},
        choose={"retry_steps": (0.1,)},
        passes={"limit": 1},
    )
    drawn = mask_of(SIZE, OTHER)

    run = Run({HAND: RED}, lambda _request, _number: RED, settings, user_mask=drawn)
    run(tmp_path)

    by_kind = {
        request.patch.findings[0].kind: (request.strength, len(request.seeds))
        for request in run.inpainter.requests[:2]
    }
    assert by_kind == {"hand/malformed": (0.8, 1), USER_KIND: (0.4, 2)}
    retried = [request.strength for request in run.inpainter.requests[2:]]
    assert 0.9 in retried


@pytest.mark.parametrize(
    ("stop", "paints"), [("never", 4), ("first-pass", 2), ("margin", 3)]
)
def test_a_stop_policy_paints_exactly_as_many_as_it_needs(
    tmp_path: Path, stop: str, paints: int
) -> None:
    passing: Colour = (10, 10, 90)
    hands = {**HANDS, passing: ("hand/ok", 0.28, "redraw")}
    run = Run(
        {HAND: RED},
        _by_number(ORANGE, passing, GREEN, GREEN),
        _settings(plan={"variations": 4}, choose={"stop": stop}),
        (FakeDetector(hands),),
    )

    run(tmp_path)

    assert len(run.inpainter.painted) == paints


def test_every_pass_starts_from_the_accepted_picture(tmp_path: Path) -> None:
    def result(request: PaintRequest, number: int) -> Result:
        reds = (request.pixels == np.array(RED)).all(axis=2).any()
        return ORANGE if reds else GREEN

    run = Run({HAND: RED}, result)

    outcome = run(tmp_path)

    assert [choice.pass_number for choice in outcome.choices] == [1, 2]
    assert outcome.passes == 2
    assert outcome.checkpoints == ("album/checkpoint-1", "album/checkpoint-2")
    seeds = {attempt.seed for attempt in outcome.attempts}
    assert len(seeds) == len(outcome.attempts)
    assert [row.kind for row in outcome.remaining] == ["hand/ok"]


def test_passes_end_at_their_limit(tmp_path: Path) -> None:
    run = Run({HAND: RED}, _by_number(ORANGE), _settings(passes={"limit": 1}))

    outcome = run(tmp_path)

    assert outcome.passes == 1
    assert outcome.status is Status.REPAIRED
    assert [row.kind for row in outcome.remaining] == ["hand/malformed"]


def test_a_pass_in_which_nothing_was_accepted_is_the_last(tmp_path: Path) -> None:
    run = Run({HAND: RED}, _by_number(ORANGE), _settings(passes={"limit": 5}))

    outcome = run(tmp_path)

    assert [choice.winner for choice in outcome.choices] == [0, None]
    assert outcome.passes == 1


def test_a_kept_region_is_not_tried_again_while_nothing_near_it_changes(
    tmp_path: Path,
) -> None:
    def result(request: PaintRequest, number: int) -> Result:
        if request.patch.box.y0 > 100:
            return RED
        reds = (request.pixels == np.array(RED)).all(axis=2).any()
        return ORANGE if reds else GREEN

    run = Run({HAND: RED, OTHER: RED}, result)

    outcome = run(tmp_path)

    assert [(c.pass_number, c.box.y0 > 100) for c in outcome.choices] == [
        (1, False),
        (1, True),
        (2, False),
    ]


def test_a_picture_past_its_lifetime_is_refused_with_the_reason(
    tmp_path: Path,
) -> None:
    run = Run({HAND: RED}, past_passes=8)

    outcome = run(tmp_path)

    assert outcome.status is Status.KEPT
    assert "has had 8" in outcome.problem
    assert run.inpainter.painted == []
    assert run.data == run.picture.encoded


def test_the_lifetime_is_reached_within_a_run_too(tmp_path: Path) -> None:
    def result(request: PaintRequest, number: int) -> Result:
        reds = (request.pixels == np.array(RED)).all(axis=2).any()
        return ORANGE if reds else GREEN

    run = Run({HAND: RED}, result, past_passes=7)

    outcome = run(tmp_path)

    assert outcome.status is Status.REPAIRED
    assert outcome.passes == 1
    assert "has had 8" in outcome.problem


def test_the_picture_is_no_worse_after_a_lifetime_of_passes(tmp_path: Path) -> None:
    run = Run({HAND: ORANGE}, _by_number(ORANGE, RED, "gone"))

    outcomes = [run(tmp_path / str(n)) for n in range(15)]

    assert {outcome.status for outcome in outcomes} == {Status.KEPT}


def test_a_failed_variation_costs_that_variation_only(tmp_path: Path) -> None:
    run = Run({HAND: RED}, _by_number("failed", GREEN))

    outcome = run(tmp_path)

    assert outcome.status is Status.REPAIRED
    assert outcome.attempts[0].cost is None
    assert outcome.attempts[0].problem == "came out as NaN"
    assert outcome.choices[0].winner == 1


@pytest.mark.parametrize("trouble", ["failed", "black", "shape"])
def test_a_picture_of_which_no_variation_came_out_has_failed(
    tmp_path: Path, trouble: str
) -> None:
    run = Run({HAND: RED}, _by_number(trouble))

    outcome = run(tmp_path)

    assert outcome.status is Status.FAILED
    assert outcome.staged == ""
    assert "no variation" in outcome.problem
    assert len(outcome.attempts) == 6


def test_a_region_that_the_engine_gives_up_on_does_not_stop_the_other(
    tmp_path: Path,
) -> None:
    run = Run({HAND: RED, OTHER: RED}, gives_up_on=frozenset({0}))

    outcome = run(tmp_path)

    assert outcome.status is Status.REPAIRED
    assert [choice.winner for choice in outcome.choices][:2] == [None, 0]
    assert outcome.attempts[0].problem == "there is no paint left"
    assert_same_outside(~mask_of(SIZE, HAND), run.picture.pixels, run.pixels)


def test_a_broken_detector_never_yields_clean(tmp_path: Path) -> None:
    run = Run({HAND: GREEN}, detectors=(FakeDetector(), BrokenDetector()))

    outcome = run(tmp_path)

    assert outcome.status is Status.FAILED
    assert outcome.detector_failures == (("broken", "its network is on fire"),)
    assert "its network is on fire" in outcome.problem
    assert outcome.staged == ""


def test_what_another_detector_found_is_repaired_all_the_same(tmp_path: Path) -> None:
    run = Run({HAND: RED}, detectors=(BrokenDetector(), FakeDetector()))

    outcome = run(tmp_path)

    assert outcome.status is Status.REPAIRED
    assert outcome.detector_failures == (("broken", "its network is on fire"),)


def test_a_region_that_cannot_be_judged_is_left_as_it_is(tmp_path: Path) -> None:
    picky = BrokenDetector(name="hands", works_from_px=SIZE.width)
    run = Run({HAND: RED}, detectors=(picky,))

    outcome = run(tmp_path)

    assert outcome.status is Status.KEPT
    assert "could not judge" in outcome.problem
    assert run.inpainter.painted == []


def test_two_detectors_that_mark_one_place_make_one_finding(tmp_path: Path) -> None:
    less_sure: Mapping[Colour, tuple[str, float, Remedy]] = {
        **HANDS,
        RED: ("hand/malformed", 0.8, "redraw"),
    }
    second = FakeDetector(less_sure, name="more")
    run = Run({HAND: RED}, detectors=(FakeDetector(), second))

    outcome = run(tmp_path)

    (row,) = outcome.findings
    assert row.confidence == 0.9
    assert "also seen by more" in row.message
    assert outcome.status is Status.REPAIRED


def test_a_part_of_nobody_is_removed_where_that_is_asked_for(tmp_path: Path) -> None:
    person = Box(200, 20, 320, 240)
    brown: Colour = (120, 70, 30)
    kinds = {
        "person/seen": Kind("A person.", Severity.FINE, mend=False),
        "body/stray-part": Kind("A part of nobody.", Severity.WARNING, mend=True),
    }
    people = FakeDetector({brown: ("person/seen", 0.0, "redraw")}, kinds, "people")
    settings = _settings(people={"stray_parts": True})
    run = Run(
        {person: brown, HAND: GREEN},
        _by_number("gone"),
        settings,
        (FakeDetector(), people),
    )

    outcome = run(tmp_path)

    assert outcome.choices[0].kinds == ("body/stray-part",)
    assert outcome.choices[0].remedy == "remove"
    assert outcome.status is Status.REPAIRED
    assert {row.kind for row in outcome.remaining} == {"person/seen"}


def test_a_dark_picture_is_reported_and_not_inpainted(tmp_path: Path) -> None:
    dark = draw(SIZE, {Box.whole(SIZE): (8, 8, 8)})
    run = Run({Box.whole(SIZE): (8, 8, 8)}, detectors=(DarkDetector(),))

    outcome = run(tmp_path)

    assert dark.mean() < 40
    assert outcome.status is Status.KEPT
    assert "image/dark" in outcome.problem
    assert run.inpainter.painted == []


def test_a_region_too_large_to_repaint_is_told(tmp_path: Path) -> None:
    run = Run({HAND: RED}, settings=_settings(mask={"max_area_share": 0.001}))

    outcome = run(tmp_path)

    assert outcome.status is Status.KEPT
    assert "mask.max_area_share" in outcome.problem


def test_the_users_mask_is_repainted_once(tmp_path: Path) -> None:
    run = Run({}, user_mask=mask_of(SIZE, Box(100, 100, 140, 130)))

    outcome = run(tmp_path)

    assert outcome.status is Status.REPAIRED
    assert [row.kind for row in outcome.findings] == [USER_KIND]
    assert [choice.pass_number for choice in outcome.choices] == [1]
    assert outcome.remaining == () or all(
        row.kind == "hand/ok" for row in outcome.remaining
    )


def test_a_blank_users_mask_asks_for_nothing(tmp_path: Path) -> None:
    run = Run({}, user_mask=mask_of(SIZE))

    assert run(tmp_path).status is Status.CLEAN
    assert run.inpainter.requests == []


def test_the_same_seed_gives_the_same_file(tmp_path: Path) -> None:
    files = []
    for name in ("one", "two"):
        run = Run({HAND: RED, OTHER: RED}, _by_number(ORANGE, GREEN))
        run(tmp_path / name)
        files.append(run.data)

    assert files[0] == files[1]


def test_another_run_seed_gives_other_seeds(tmp_path: Path) -> None:
    one = Run({HAND: RED})(tmp_path / "one")
    two = Run({HAND: RED}, settings=_settings(run={"seed": 1}))(tmp_path / "two")

    assert one.attempts[0].seed != two.attempts[0].seed


def test_everything_the_report_shows_is_kept(tmp_path: Path) -> None:
    run = Run({HAND: RED}, _by_number("failed", GREEN))

    outcome = run(tmp_path)

    (choice,) = outcome.choices
    assert choice.before == "album/p1-r0-before"
    assert choice.mask == "album/p1-r0-mask"
    assert [attempt.picture for attempt in outcome.attempts] == ["", "album/p1-r0-v1"]
    assert outcome.preview_before == "album/preview-before"
    assert outcome.preview_after == "album/preview-after"
    window = run.album.kept["sub/a.png", "p1-r0-before"]
    assert window.shape[:2] == (choice.window.height, choice.window.width)
    assert run.album.kept["sub/a.png", "p1-r0-mask"].shape == window.shape[:2]
    kept = run.album.kept["sub/a.png", "checkpoint-1"]
    np.testing.assert_array_equal(kept, run.pixels)


def test_variations_and_checkpoints_need_not_be_kept(tmp_path: Path) -> None:
    off = _settings(save={"keep_variations": False, "keep_checkpoints": False})
    run = Run({HAND: RED}, settings=off)

    outcome = run(tmp_path)

    assert outcome.checkpoints == ()
    assert {attempt.picture for attempt in outcome.attempts} == {""}
    assert "p1-r0-v0" not in run.album.names()


def test_the_variation_kept_for_the_report_is_what_would_be_saved(
    tmp_path: Path,
) -> None:
    run = Run({HAND: RED})

    (choice,) = run(tmp_path).choices

    kept = run.album.kept["sub/a.png", f"p1-r0-v{choice.winner}"]
    window = choice.window
    np.testing.assert_array_equal(kept, run.pixels[window.rows, window.columns])


def test_the_time_of_each_stage_is_told(tmp_path: Path) -> None:
    stages = dict(Run({HAND: RED})(tmp_path).stage_seconds)

    assert set(stages) == {"detect", "mask", "paint", "score", "save"}
    assert stages["paint"] == pytest.approx(2 * 0.25)


def test_an_outcome_can_travel_as_text(tmp_path: Path) -> None:
    outcome = Run({HAND: RED})(tmp_path)

    text = wire.to_text(outcome)
    assert json.loads(text)["status"] == "repaired"
    assert wire.from_text(Outcome, text) == outcome


def test_a_repair_without_an_engine_is_refused(tmp_path: Path) -> None:
    workplace = Workplace(tmp_path, tmp_path, "run-1")
    flow = mend(
        _picture({}), Toolbox((FakeDetector(),)), workplace, FakeAlbum(), Settings()
    )

    with pytest.raises(ValueError, match="inpainter"):
        next(flow)


def test_judges_see_the_region_only(tmp_path: Path) -> None:
    detector = FakeDetector()
    run = Run({HAND: RED}, detectors=(detector,))

    run(tmp_path)

    assert detector.looks[0] == SIZE
    assert detector.looks[-1] == SIZE
    assert max(size.width for size in detector.looks[1:-1]) < SIZE.width


def test_check_reports_and_changes_nothing() -> None:
    toolbox = Toolbox((FakeDetector(), DarkDetector()))

    flawed = check(_picture({HAND: RED}), toolbox, Settings())
    clean = check(_picture({HAND: GREEN}), toolbox, Settings())

    assert flawed.status is Status.FLAWED
    assert flawed.remaining == flawed.findings
    assert flawed.staged == flawed.output == ""
    assert clean.status is Status.CLEAN


def test_check_with_a_broken_detector_has_failed() -> None:
    toolbox = Toolbox((FakeDetector(), BrokenDetector()))

    quiet = check(_picture({HAND: GREEN}), toolbox, Settings())
    found = check(_picture({HAND: RED}), toolbox, Settings())

    assert quiet.status is Status.FAILED
    assert found.status is Status.FLAWED
    assert found.detector_failures == quiet.detector_failures != ()


def test_a_hand_that_nobody_can_judge_is_no_flaw_but_is_told() -> None:
    toolbox = Toolbox((FakeDetector(),))

    outcome = check(_picture({HAND: YELLOW}), toolbox, Settings())

    assert outcome.status is Status.CLEAN
    assert outcome.problem == "no flaw found; noted: hand/cannot-tell"


def test_what_is_flawed_follows_the_severity_asked_for() -> None:
    dark = _picture({Box.whole(SIZE): (8, 8, 8)})
    toolbox = Toolbox((DarkDetector(),))

    assert check(dark, toolbox, _settings()).status is Status.FLAWED
    assert check(dark, toolbox, _settings(run={"fail_on": "error"})).status is (
        Status.CLEAN
    )
