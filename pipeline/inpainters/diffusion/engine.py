"""The engine `diffusion`: regions in, candidates out."""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from detectors.arrays import RgbArray, check_mask, check_rgb, size_of
from detectors.geometry import Size
from pipeline.devices import choose_device, choose_dtype
from pipeline.errors import PaintFailed
from pipeline.inpainters.cutouts import (
    Fit,
    GreyArray,
    fit,
    soft_mask,
    to_window,
    to_working,
)
from pipeline.inpainters.diffusion.checkpoint import Checkpoint
from pipeline.inpainters.diffusion.denoise import Denoiser, Guidance
from pipeline.inpainters.diffusion.latent_mask import (
    blending_mask,
    channel_mask,
    rounded,
)
from pipeline.inpainters.diffusion.latents import LatentCodec, to_signal
from pipeline.inpainters.diffusion.load import load_checkpoint
from pipeline.inpainters.diffusion.masked_content import base_picture
from pipeline.inpainters.diffusion.quality_gate import problem_of
from pipeline.inpainters.diffusion.schedule import plan_steps
from pipeline.inpainters.diffusion.text import TextCode, TextEncoding
from pipeline.inpainters.diffusion.trajectory import Conditions, Trajectory, start
from pipeline.models import locate
from pipeline.records import Candidate, PaintRequest
from pipeline.settings import InpaintSettings

log = logging.getLogger(__name__)

XL_STRENGTH = 0.99
"""SDXL started from noise alone forgets the picture's colours; 0.99 keeps them."""

AESTHETIC_SCORES = (2.5, 6.0)
"""What diffusers tells refiners about the negative prompt and the prompt."""


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A request, ready to be painted any number of times."""

    request: PaintRequest
    place: Fit
    picture: RgbArray
    """(working H, working W, 3) uint8: the cut-out at working size."""

    soft: GreyArray
    conditions: Conditions
    notes: tuple[str, ...]


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
        self._text = TextEncoding(checkpoint, settings.clip_skip)
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
        del self._codec, self._text, self._denoiser
        if cuda:
            torch.cuda.empty_cache()

    def prepare(self, request: PaintRequest) -> Region:
        """Encode what the candidates of a request share: its text and its picture."""
        model = self._loaded()
        place = fit(size_of(request.pixels), request.working, request.mode)
        picture = to_working(request.pixels, place)
        soft = to_working(soft_mask(request.mask, request.mask_blur_px), place)
        strength, notes = self._strength(request.strength)
        positive = self._text.encode(request.prompt)
        negative = self._text.encode(request.negative_prompt, negative=True)
        encoded, extra = self._encode(picture, soft, request)
        conditions = Conditions(
            positive=positive,
            negative=negative,
            time_ids=time_ids(model, request.working),
            encoded=encoded,
            mask=blending_mask(soft, model.scale).to(model.device),
            extra=extra,
            content=request.content,
            schedule=plan_steps(
                self._settings.scheduler,
                model.scheduler_config,
                self._settings.steps,
                strength,
            ),
        )
        return Region(
            request, place, picture, soft, conditions, notes + _cut_notes(positive)
        )

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
        region = self.prepare(request)
        size = self._settings.batch
        for offset in range(0, len(request.seeds), size):
            started = time.perf_counter()
            seeds = request.seeds[offset : offset + size]
            group = [start(region.conditions, seed) for seed in seeds]
            while not group[0].finished:
                self._denoiser.step(group)
            took_s = (time.perf_counter() - started) / len(group)
            first = request.first_number + offset
            yield from self.finish(region, group, first, took_s)

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

    def _encode(
        self, picture: RgbArray, soft: GreyArray, request: PaintRequest
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Encode what the UNet needs, in one call of the VAE."""
        model = self._loaded()
        signals = [to_signal(base_picture(picture, soft, request.content))]
        if model.channels == model.latent_channels:
            return self._codec.encode_signal(np.stack(signals))[0], None
        signals.append(to_signal(picture) * ~rounded(soft)[..., None])
        encoded, masked = self._codec.encode_signal(np.stack(signals))
        channel = channel_mask(soft, model.scale).to(masked.device)
        return encoded, torch.cat([channel, masked])

    def _strength(self, asked: float) -> tuple[float, tuple[str, ...]]:
        if self._loaded().xl and asked >= 1.0:
            return XL_STRENGTH, (
                f"strength {asked:g} was run at {XL_STRENGTH}, because SDXL started "
                "from noise alone loses the picture's colours",
            )
        return asked, ()

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


def time_ids(model: Checkpoint, working: Size) -> torch.Tensor | None:
    """Return the sizes that condition an SDXL UNet; None for other families.

    Returns:
        (2, 6), or (2, 5) for refiners, in the checkpoint's number format: original
        height and width, crop at 0, 0, and target height and width or aesthetic score;
        row 0 for the negative prompt.
    """
    if not model.xl:
        return None
    size = [float(working.height), float(working.width)]
    if model.aesthetic:
        rows = [[*size, 0.0, 0.0, score] for score in AESTHETIC_SCORES]
    else:
        rows = [[*size, 0.0, 0.0, *size]] * 2
    return torch.tensor(rows, dtype=model.dtype, device=model.device)


def _cut_notes(code: TextCode) -> tuple[str, ...]:
    if not code.cut:
        return ()
    return (f"the prompt is {code.cut} tokens too long, and its end was not read",)
