"""One patch in one pass: its original against its variations."""

from typing import Any

import numpy.typing as npt

from detectors.arrays import RgbArray, size_of
from detectors.errors import DetectorFailed
from detectors.geometry import Box
from pipeline import grain
from pipeline.bench import Bench
from pipeline.records import (
    Attempt,
    Candidate,
    Choice,
    Cost,
    PaintRequest,
    Patch,
    Reply,
)
from pipeline.region import Region, cut_out, moved, pasted
from pipeline.seeds import seed_for
from pipeline.settings import PlanSettings
from pipeline.stages import blend, choose, plan, prompt, score


class Trial:
    """Asks for variations of one patch, judges each, and keeps the best so far.

    Only the best variation's pixels are held: memory does not grow with their number.
    """

    def __init__(
        self, patch: Patch, pixels: RgbArray, bench: Bench, pass_number: int
    ) -> None:
        """Cut the patch out and measure what it costs as it is.

        Args:
            patch: What to repaint.
            pixels: (H, W, 3) uint8 RGB: the whole picture as accepted so far.
            bench: What stays the same.
            pass_number: The pass of this run, from 1.

        Raises:
            DetectorFailed: a detector cannot look at this region, so that nothing tried
                here could be judged.
        """
        self.patch = patch
        self.attempts: list[Attempt] = []
        self._bench = bench
        self._pass_number = pass_number
        self._best: tuple[float, int, RgbArray] | None = None
        self._plan = plan.plan_for(patch, bench.settings.plan)
        self.strengths = plan.strengths(self._plan.strength, bench.settings.choose)
        """Denoising strengths to be tried in turn while nothing is better."""

        self._grain = (
            grain.grain_of(bench.picture.pixels)
            if bench.settings.inpaint.match_grain
            else None
        )
        self._region, self._view, self._original = _measured(
            patch, pixels, bench, self._plan, self._grain
        )
        self._words = prompt.words_for(
            patch, bench.picture.recipe, bench.settings.prompt
        )
        self._strength = self._plan.strength
        self._before_at = self._keep("before", self._region.pixels)
        self._mask_at = self._keep("mask", self._region.mask)

    @property
    def decided(self) -> bool:
        """Tell whether a variation is better than the original."""
        return self._best is not None

    def ask(self, strength: float) -> PaintRequest:
        """Return a request for the next variations; their numbers go on counting."""
        region, settings = self._region, self._plan
        first = len(self.attempts)
        self._strength = strength
        return PaintRequest(
            patch=self.patch,
            mode=region.frame.mode,
            reason=region.frame.reason,
            window=region.frame.window,
            working=region.frame.working,
            pixels=region.pixels,
            mask=region.mask,
            cover=region.cover,
            strength=strength,
            content=plan.content_for(self.patch.remedy, settings),
            mask_blur_px=settings.mask_blur_px,
            prompt=self._words.prompt,
            negative_prompt=self._words.negative_prompt,
            seeds=tuple(self._seed(first + n) for n in range(settings.variations)),
            first_number=first,
        )

    def _seed(self, number: int) -> int:
        """Return a variation's seed: it depends on what and where, never on when."""
        box = self.patch.box
        place = (
            f"{self._pass_number}:{self.patch.remedy}:"
            f"{box.x0},{box.y0},{box.x1},{box.y1}"
        )
        digest = self._bench.picture.ref.digest
        return seed_for(self._bench.settings.run.seed, digest, place, number)

    def judge(self, candidate: Candidate) -> Reply:
        """Blend a variation in, measure it, and say whether that is enough."""
        region, rules = self._region, self._bench.settings.choose
        trouble = blend.trouble_with(candidate, region.pixels, region.mask)
        if trouble or candidate.pixels is None:
            self._note(candidate, None, trouble, "")
            return Reply.MORE
        mixed = self._mixed(candidate.pixels, candidate.seed)
        kept_at = self._keep_variation(candidate.number, mixed)
        try:
            cost = self._measure(mixed)
        except DetectorFailed as error:
            self._note(candidate, None, str(error), kept_at)
            return Reply.MORE
        self._note(candidate, cost, "", kept_at)
        self._remember(cost, candidate.number, mixed)
        enough = choose.is_enough(self._original.cost, cost, rules)
        return Reply.ENOUGH if enough else Reply.MORE

    def appraise(self, candidate: Candidate) -> float | None:
        """Return how much more a variation costs than the original; negative is good.

        One that was judged already is looked up. Nothing is noted; None where the
        variation cannot be measured.
        """
        before = self._original.cost.total
        for attempt in self.attempts:
            if attempt.number == candidate.number:
                return attempt.cost.total - before if attempt.cost else None
        region = self._region
        if blend.trouble_with(candidate, region.pixels, region.mask):
            return None
        if candidate.pixels is None:
            return None
        mixed = self._mixed(candidate.pixels, candidate.seed)
        try:
            return self._measure(mixed).total - before
        except DetectorFailed:
            return None

    def _mixed(self, painted: RgbArray, seed: int) -> RgbArray:
        """Blend a variation in, with the grain of the picture where it lost it."""
        original, cover = self._region.pixels, self._region.cover
        mixed = blend.blend(original, painted, cover)
        if self._grain is None:
            return mixed
        lost = grain.share_lost(original, painted, cover)
        return grain.grained(mixed, cover, self._grain, lost, seed)

    def _measure(self, mixed: RgbArray) -> Cost:
        """Measure a blended cut-out in its surroundings."""
        window = self._region.frame.window
        after = pasted(self._original.pixels, self._view, mixed, window)
        return score.measure(self._original, after, self._bench.scale)

    def _note(
        self, candidate: Candidate, cost: Cost | None, problem: str, picture: str
    ) -> None:
        self.attempts.append(
            Attempt(
                pass_number=self._pass_number,
                patch=self.patch.number,
                number=candidate.number,
                seed=candidate.seed,
                strength=self._strength,
                cost=cost,
                took_s=candidate.took_s,
                problem=problem,
                notes=candidate.notes,
                picture=picture,
            )
        )

    def _remember(self, cost: Cost, number: int, mixed: RgbArray) -> None:
        """Hold on to the best variation; of equals, to the lower number."""
        rules = self._bench.settings.choose
        if not choose.is_better(self._original.cost, cost, rules):
            return
        if self._best is None or (cost.total, number) < self._best[:2]:
            self._best = (cost.total, number, mixed)

    def conclude(self) -> Choice:
        """Return what was decided."""
        settings, frame = self._bench.settings, self._region.frame
        tried = [(attempt.number, attempt.cost) for attempt in self.attempts]
        verdict = choose.choose(self._original.cost, tried, settings.choose)
        return Choice(
            pass_number=self._pass_number,
            patch=self.patch.number,
            winner=verdict.winner,
            cost_before=self._original.cost,
            cost_after=verdict.cost,
            reason=verdict.reason,
            box=self.patch.box,
            window=frame.window,
            working=frame.working,
            mode=frame.mode,
            mode_reason=frame.reason,
            strength=self._strength_of(verdict.winner),
            content=plan.content_for(self.patch.remedy, self._plan),
            prompt=self._words.prompt,
            negative_prompt=self._words.negative_prompt,
            remedy=self.patch.remedy,
            kinds=tuple(dict.fromkeys(f.kind for f in self.patch.findings)),
            before=self._before_at,
            mask=self._mask_at,
        )

    def _strength_of(self, winner: int | None) -> float:
        used = (a.strength for a in self.attempts if a.number == winner)
        return next(used, self._plan.strength)

    def paste(self, picture: RgbArray) -> None:
        """Write the winner into a picture, and nothing where its cover is 0.

        Args:
            picture: (H, W, 3) uint8 RGB, changed in place.
        """
        if self._best is None:
            return
        window, touched = self._region.frame.window, self._region.cover > 0
        picture[window.rows, window.columns][touched] = self._best[2][touched]

    def _keep_variation(self, number: int, mixed: RgbArray) -> str:
        """Keep a blended cut-out to be seen, and what changed in it to be taken."""
        if not self._bench.settings.save.keep_variations:
            return ""
        kept_at = self._keep(f"v{number}", mixed)
        self._keep(f"v{number}-exact", blend.lifted(mixed, self._region.cover))
        return kept_at

    def _keep(self, name: str, array: npt.NDArray[Any]) -> str:
        full_name = f"p{self._pass_number}-r{self.patch.number}-{name}"
        return self._bench.album.keep(self._bench.picture.ref.key, full_name, array)


def _measured(
    patch: Patch,
    pixels: RgbArray,
    bench: Bench,
    settings: PlanSettings,
    given: grain.Grain | None,
) -> tuple[Region, Box, score.Original]:
    """Cut a patch out, and measure it in the surroundings that detectors need."""
    engine = plan.Engine(bench.inpainter.native_px, bench.inpainter.size_multiple)
    region = cut_out(patch, pixels, settings, engine)
    context_px = bench.settings.score.context_px
    view = region.touched.grown(context_px).clipped(size_of(pixels))
    cover = moved(region.cover, region.frame.window, view)
    seen = pixels[view.rows, view.columns].copy()
    came = bench.picture.pixels[view.rows, view.columns]
    original = score.measure_original(
        patch, view, seen, cover, bench.scale, score.Sharp(came, given)
    )
    return region, view, original
