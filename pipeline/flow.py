"""One picture through every stage: read this first.

    look at the picture
    while there is something to mend, and a pass is left:
        for each region: ask for variations, and judge each as it arrives
        where nothing was better: ask again, with more noise, then with less
        lay all winners over the picture, and look at it again
    hand over the finished file

The work on one picture is a generator. It asks for what it wants painted and is told of
each candidate, so whoever drives it decides how pictures share an engine.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from functools import partial

from detectors.arrays import MaskArray, RgbArray, size_of
from detectors.combine import combine
from detectors.errors import DetectorFailed
from detectors.geometry import Box
from pipeline import finish
from pipeline.album import Keeps
from pipeline.bench import Bench
from pipeline.records import (
    Ask,
    Attempt,
    Candidate,
    Flow,
    FlowStep,
    Inspection,
    Outcome,
    Patch,
    Picture,
    Reply,
    Workplace,
)
from pipeline.settings import Settings
from pipeline.stages import blend, mask, plan, score
from pipeline.stages.detect import inspect
from pipeline.stopwatch import Stopwatch
from pipeline.toolbox import Toolbox
from pipeline.trial import Trial
from pipeline.work import Work

Pass = Generator[FlowStep, Candidate | None, Work]
SAME_PATCH = 0.5
"""Overlap (IoU) from which a patch counts as one that was already tried."""

_ONLY_FILLS = "can take something away, but redrawing needs a diffusion model"


def mend(
    picture: Picture,
    toolbox: Toolbox,
    workplace: Workplace,
    album: Keeps,
    settings: Settings,
    *,
    user_mask: MaskArray | None = None,
) -> Flow:
    """Repair one picture, and stage the finished file beside its final place.

    Args:
        picture: What is repaired; it is not changed.
        toolbox: Who looks and who paints.
        workplace: Where the finished file goes.
        album: Takes what the report shows.
        settings: Everything the result depends on.
        user_mask: (H, W) bool, True = repaint, beside what detectors find; or None.

    Raises:
        ValueError: the toolbox has no inpainter.
        OutputTrouble: something cannot be written.
    """
    watch = Stopwatch(toolbox.on_stage)
    first = _look(picture.pixels, toolbox, settings, watch)
    bench = _bench(picture, toolbox, album, settings, first)
    work = Work(picture.pixels, first)
    for _ in range(settings.passes.limit):
        with watch.stage("mask"):
            work, patches = _next_patches(work, bench, user_mask)
        if not patches:
            break
        if watch.is_past(settings.night.picture_budget_s):
            work = work.remarking(_out_of_time(settings))
            break
        lived = picture.past_passes + work.passes
        if lived >= settings.passes.lifetime:
            work = work.remarking(_worn_out(lived))
            break
        before = work
        work = yield from _one_pass(patches, work, bench, watch)
        if work.passes == before.passes:
            break
        work = replace(work, inspection=_look(work.pixels, toolbox, settings, watch))
    return finish.repaired(first, work, bench, workplace, watch)


def check(picture: Picture, toolbox: Toolbox, settings: Settings) -> Outcome:
    """Look at one picture, and change nothing."""
    watch = Stopwatch(toolbox.on_stage)
    inspection = _look(picture.pixels, toolbox, settings, watch)
    return finish.checked(picture, inspection, toolbox.kinds, settings, watch)


def _look(
    pixels: RgbArray, toolbox: Toolbox, settings: Settings, watch: Stopwatch
) -> Inspection:
    """Let every detector look, and join what they say about one place."""
    with watch.stage("detect"):
        seen = inspect(pixels, toolbox.detectors)
        joined = combine(
            seen.findings,
            size_of(pixels),
            use_people=settings.mask.use_people,
            stray_parts=settings.people.stray_parts,
        )
        counts = tuple(f for f in joined if not toolbox.passes_over(f))
        return replace(seen, findings=counts)


def _bench(
    picture: Picture,
    toolbox: Toolbox,
    album: Keeps,
    settings: Settings,
    first: Inspection,
) -> Bench:
    """Lay out what all regions need; those who judge also looked at the whole."""
    if toolbox.inpainter is None:
        raise ValueError("a repair needs a toolbox with an inpainter")
    judges = tuple(
        detector
        for detector in toolbox.detectors
        if detector.name in first.looked
        and any(kind.mend for kind in detector.kinds.values())
    )
    kinds = {**toolbox.kinds, **mask.USER_KINDS}
    scale = score.Scale(partial(inspect, detectors=judges), kinds, settings.score)
    return Bench(picture, toolbox.inpainter, album, settings, scale)


def _next_patches(
    work: Work, bench: Bench, user_mask: MaskArray | None
) -> tuple[Work, tuple[Patch, ...]]:
    """Plan what this pass repaints; the user's mask is followed once."""
    settings, findings = bench.settings, work.inspection.findings
    planned = mask.plan_patches(
        mask.mendable(findings, bench.scale.kinds, settings.detect.min_confidence),
        bench.picture.size,
        settings.mask,
        apart_px=2 * blend.reach_px(plan.widest_blur_px(settings.plan)) + 1,
        user_mask=user_mask if work.tried_passes == 0 else None,
        seen=findings,
    )
    found = (finding for patch in planned.patches for finding in patch.findings)
    asked = tuple(f for f in found if f.kind == mask.USER_KIND)
    work = replace(work, asked=work.asked + asked).remarking(*planned.remarks)
    fresh = tuple(patch for patch in planned.patches if not _is_settled(patch, work))
    able = tuple(patch for patch in fresh if _is_doable(patch, bench))
    if len(able) < len(fresh):
        work = work.remarking(f"{bench.inpainter.name} {_ONLY_FILLS}")
    return work, able


def _is_doable(patch: Patch, bench: Bench) -> bool:
    """Tell whether the engine can do it: one that only fills draws no better hand."""
    asked = any(finding.kind == mask.USER_KIND for finding in patch.findings)
    return bench.inpainter.draws or asked or patch.remedy == "remove"


def _is_settled(patch: Patch, work: Work) -> bool:
    return any(patch.box.overlap(box) >= SAME_PATCH for box in work.settled)


def _one_pass(
    patches: Sequence[Patch], work: Work, bench: Bench, watch: Stopwatch
) -> Pass:
    """Try every patch on the picture as accepted so far, and keep the winners."""
    work = replace(work, tried_passes=work.tried_passes + 1)
    trials: list[Trial] = []
    with watch.stage("score"):
        for patch in patches:
            try:
                trials.append(Trial(patch, work.pixels, bench, work.tried_passes))
            except DetectorFailed as error:
                work = work.remarking(str(error))
    for turn in range(max((len(trial.strengths) for trial in trials), default=0)):
        undecided = [
            (trial, trial.strengths[turn])
            for trial in trials
            if turn < len(trial.strengths) and not trial.decided
        ]
        if undecided:
            budget_s = bench.settings.night.picture_budget_s
            in_time = yield from _paint(undecided, watch, budget_s)
            if not in_time:
                work = work.remarking(_out_of_time(bench.settings))
                break
    return _concluded(trials, work, bench)


def _paint(
    trials: Sequence[tuple[Trial, float]], watch: Stopwatch, budget_s: float
) -> Generator[FlowStep, Candidate | None, bool]:
    """Ask for variations of several patches, and answer each as it arrives.

    Args:
        trials: Each with the denoising strength of its turn.
        watch: Learns what takes time.
        budget_s: The picture's time in seconds.

    Returns:
        False when the picture's time is used up: no more was asked for.
    """
    if watch.is_past(budget_s):
        return False
    in_time = True
    by_patch = {trial.patch.number: trial for trial, _ in trials}
    watch.begin("paint")

    def appraise(shown: Candidate) -> float | None:
        with watch.stage("score"):
            change = by_patch[shown.patch].appraise(shown)
        watch.begin("paint")
        return change

    asked = Ask(tuple(trial.ask(strength) for trial, strength in trials), appraise)
    with watch.painting():
        candidate = yield asked
    while candidate is not None:
        watch.add("paint", candidate.took_s)
        with watch.stage("score"):
            reply = by_patch[candidate.patch].judge(candidate)
        if reply is Reply.MORE and watch.is_past(budget_s):
            reply, in_time = Reply.ENOUGH, False
        watch.begin("paint")
        with watch.painting():
            candidate = yield reply
    return in_time


def _concluded(trials: Sequence[Trial], work: Work, bench: Bench) -> Work:
    """Decide for every patch, and lay the winners over the picture."""
    work = replace(
        work,
        attempts=work.attempts + tuple(_in_order(trials)),
        choices=work.choices + tuple(trial.conclude() for trial in trials),
        settled=_settled(work.settled, trials, bench.settings.score.context_px),
    )
    if not any(trial.decided for trial in trials):
        return work
    pixels = work.pixels.copy()
    for trial in trials:
        trial.paste(pixels)
    checkpoints = work.checkpoints
    if bench.settings.save.keep_checkpoints:
        name = f"checkpoint-{work.tried_passes}"
        checkpoints += (bench.album.keep(bench.picture.ref.key, name, pixels),)
    return replace(work, pixels=pixels, passes=work.passes + 1, checkpoints=checkpoints)


def _in_order(trials: Sequence[Trial]) -> Iterator[Attempt]:
    """Return all attempts by number, in whatever order they arrived."""
    for trial in trials:
        yield from sorted(trial.attempts, key=lambda attempt: attempt.number)


def _settled(
    before: tuple[Box, ...], trials: Sequence[Trial], context_px: int
) -> tuple[Box, ...]:
    """Return the patches to leave alone, unless something near them just changed."""
    changed = [trial.patch.box for trial in trials if trial.decided]
    kept = (*before, *(trial.patch.box for trial in trials if not trial.decided))
    return tuple(
        box
        for box in kept
        if not any(box.grown(context_px).intersection(c).area for c in changed)
    )


def _out_of_time(settings: Settings) -> str:
    budget_s = settings.night.picture_budget_s
    return (
        f"the time budget of {budget_s:g} s (night.picture_budget_s) is used up; no "
        "more was tried, and the best so far is kept"
    )


def _worn_out(lived: int) -> str:
    return (
        f"refused another pass: this picture has had {lived}, the limit of "
        "passes.lifetime; repeated inpainting wears a picture out"
    )
