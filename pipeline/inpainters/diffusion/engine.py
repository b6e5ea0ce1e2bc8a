"""The engine `diffusion`: regions in, candidates out."""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import torch

from detectors.arrays import RgbArray, check_mask, check_rgb, size_of
from pipeline.devices import choose_device, choose_dtype
from pipeline.errors import PaintFailed
from pipeline.inpainters.cutouts import to_window
from pipeline.inpainters.diffusion.checkpoint import Checkpoint
from pipeline.inpainters.diffusion.denoise import Denoiser, Guidance
from pipeline.inpainters.diffusion.latent_mask import rounded
from pipeline.inpainters.diffusion.latents import LatentCodec
from pipeline.inpainters.diffusion.load import load_checkpoint
from pipeline.inpainters.diffusion.memory import Ladder, attempt
from pipeline.inpainters.diffusion.quality_gate import problem_of
from pipeline.inpainters.diffusion.region import Preparation, Region
from pipeline.inpainters.diffusion.schedule import plan_steps
from pipeline.inpainters.diffusion.trajectory import Trajectory, start
from pipeline.models import locate
from pipeline.records import Candidate, PaintRequest
from pipeline.settings import InpaintSettings

log = logging.getLogger(__name__)


class DiffusionInpainter:
    """Paints by Stable Diffusion 1.x, 2.x and XL, plain or made for inpainting."""

    def __init__(self, checkpoint: Checkpoint, settings: InpaintSettings) -> None:
        """Wrap a loaded checkpoint.

        Args:
            checkpoint: The networks.
            settings: Steps, scheduler, guidance, clip skip and batch are read.
        """
        self._model: Checkpoint | None = checkpoint
        self._settings = settings
        self._name = f"diffusion/{checkpoint.name}"
        self._codec = LatentCodec(checkpoint)
        self._ladder = Ladder(checkpoint.vae)
        self._preparation = Preparation(checkpoint, self._codec, settings)
        self._denoiser = Denoiser(
            checkpoint,
            Guidance(
                settings.guidance_scale,
                settings.guidance_from_sigma,
                settings.guidance_to_sigma,
            ),
        )
        # Planned once here, so that a scheduler that cannot run these steps stops the
        # run before its first picture.
        plan_steps(settings.scheduler, checkpoint.scheduler_config, settings.steps, 0.5)

    @property
    def name(self) -> str:
        return self._name

    @property
    def draws(self) -> bool:
        return True

    @property
    def native_px(self) -> int | None:
        return self._loaded().native_px

    @property
    def size_multiple(self) -> int:
        return self._loaded().scale

    def paint(self, request: PaintRequest) -> Iterator[Candidate]:
        """Yield one candidate per seed, `settings.batch` of them side by side.

        A candidate depends on the request and its own seed only: alone, in any batch
        and in any order it is the same, to the rounding of the number format.

        Raises:
            PaintFailed: the request cannot be painted at this size.
        """
        check_rgb(request.pixels)
        check_mask(request.mask, size_of(request.pixels))
        if not request.mask.any():
            raise PaintFailed("the mask is blank, so there is nothing to paint")
        scale = self._loaded().scale
        if request.working.width % scale or request.working.height % scale:
            raise PaintFailed(
                f"the working size {request.working.width}x{request.working.height} is "
                f"not divisible by {scale}, as this model needs; see plan.working_px"
            )
        return self._candidates(request)

    def close(self) -> None:
        """Let go of the networks."""
        if self._model is None:
            return
        cuda = self._model.device.type == "cuda"
        self._model = None
        del self._codec, self._preparation, self._denoiser, self._ladder
        if cuda:
            torch.cuda.empty_cache()

    def prepare(self, request: PaintRequest) -> Region:
        """Encode what the candidates of a request share: its text and its picture."""
        return self._preparation.prepare(request)

    def finish(
        self, region: Region, done: Sequence[Trajectory], first: int, took_s: float
    ) -> list[Candidate]:
        """Decode finished trajectories and bring them back to the window's size.

        Args:
            region: What they belong to.
            done: Finished trajectories, in the order of their numbers.
            first: The number of the first of them.
            took_s: Seconds that each took to denoise.
        """
        started = time.perf_counter()
        pictures, again = self._codec.decode(
            torch.stack([each.latents for each in done])
        )
        each_took = took_s + (time.perf_counter() - started) / len(done)
        notes = region.notes + (("the VAE was run again in float32",) if again else ())
        return [
            self._candidate(
                region, painted, (first + place, trajectory.seed), each_took, notes
            )
            for place, (painted, trajectory) in enumerate(
                zip(pictures, done, strict=True)
            )
        ]

    def _candidates(self, request: PaintRequest) -> Iterator[Candidate]:
        region: Region | None = None
        waiting = list(enumerate(request.seeds, request.first_number))
        while waiting:
            rung = self._ladder.rung(request.working)
            group = waiting[: 1 if rung.one_by_one else self._settings.batch]
            if region is None:
                region = attempt(lambda: self.prepare(request))
            made = None
            if region is not None:
                made = attempt(partial(self._paint_group, region, group, rung.note))
            if made is None and self._ladder.climb_down(request.working):
                continue
            yield from made or _failed(request, group)
            waiting = waiting[len(group) :]

    def _paint_group(
        self, region: Region, group: Sequence[tuple[int, int]], note: str
    ) -> list[Candidate]:
        started = time.perf_counter()
        running = [start(region.conditions, seed) for _, seed in group]
        while not running[0].finished:
            self._denoiser.step(running)
        took_s = (time.perf_counter() - started) / len(running)
        if note:
            region = replace(region, notes=(*region.notes, note))
        return self.finish(region, running, group[0][0], took_s)

    def _candidate(
        self,
        region: Region,
        painted: RgbArray | None,
        number_and_seed: tuple[int, int],
        took_s: float,
        notes: tuple[str, ...],
    ) -> Candidate:
        problem = problem_of(painted, region.picture, rounded(region.soft))
        usable = None if painted is None or problem else painted
        number, seed = number_and_seed
        return Candidate(
            patch=region.request.patch.number,
            number=number,
            seed=seed,
            pixels=None if usable is None else to_window(usable, region.place),
            took_s=took_s,
            problem=problem,
            notes=notes,
        )

    def _loaded(self) -> Checkpoint:
        if self._model is None:
            raise PaintFailed("the engine has been closed")
        return self._model


def build(settings: InpaintSettings) -> DiffusionInpainter:
    """Load the model that the settings name.

    Raises:
        ModelMissing: it is not on this machine.
        EnvironmentProblem: it cannot be loaded, or the device is not there.
        UsageError: settings contradict each other.
    """
    located = locate(settings.model, settings.revision, settings.parts)
    device = choose_device(settings.device)
    dtype = choose_dtype(settings.dtype, device)
    log.info("loading %s on %s in %s", located.name, device, dtype)
    checkpoint = load_checkpoint(located, settings.loras, device, dtype)
    if settings.compile:
        checkpoint.unet.compile()
    return DiffusionInpainter(checkpoint, settings)


def _failed(request: PaintRequest, group: Sequence[tuple[int, int]]) -> list[Candidate]:
    size = f"{request.working.width}x{request.working.height}"
    problem = f"the device has too little memory for {size}; see plan.working_px"
    return [
        Candidate(request.patch.number, number, seed, None, 0.0, problem)
        for number, seed in group
    ]
