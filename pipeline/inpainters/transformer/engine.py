"""The engine `transformer`: Flux, Stable Diffusion 3, Qwen-Image, Z-Image and kin.

Candidates are painted one after the other, each with a generator of its own on the CPU.
These pipelines draw for the VAE and for the noise from one generator per call, so in a
call for several seeds the second would not be what it is alone; and models this large
fill a device by themselves.
"""

import logging
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from PIL import Image

from detectors.arrays import RgbArray, size_of
from detectors.geometry import Size
from pipeline.devices import choose_device, choose_dtype
from pipeline.emphasis import plain
from pipeline.errors import EnvironmentProblem, PaintFailed
from pipeline.inpainters.cutouts import Fit, fit, soft_mask, to_window, to_working
from pipeline.inpainters.diffusion.latent_mask import rounded
from pipeline.inpainters.diffusion.masked_content import base_picture
from pipeline.inpainters.diffusion.quality_gate import problem_of
from pipeline.inpainters.diffusion.region import check_request
from pipeline.inpainters.diffusion.trouble import (
    attempt,
    check_device,
    first_line,
    no_room,
    too_little,
)
from pipeline.inpainters.transformer.calling import Task, call_for
from pipeline.inpainters.transformer.load import Whole, load_whole
from pipeline.inpainters.transformer.memory import Ladder
from pipeline.models import locate
from pipeline.records import Candidate, PaintRequest
from pipeline.settings import InpaintSettings

log = logging.getLogger(__name__)

Painted = tuple[RgbArray | None, tuple[str, ...]]
"""A picture at working size, None when it was not finite; and notes."""


class TransformerInpainter:
    """Paints by one of diffusers' whole pipelines."""

    def __init__(self, whole: Whole, settings: InpaintSettings) -> None:
        """Wrap a loaded pipeline.

        Args:
            whole: The pipeline.
            settings: Steps and guidance are read; the scheduler is the model's own.

        Raises:
            EnvironmentProblem: the device has no room for it, and not for parts of it.
        """
        self._whole: Whole | None = whole
        self._name = f"transformer/{whole.name}"
        self._steps = settings.steps
        self._scale = whole.family.guidance_for(settings.guidance_scale, whole.name)
        self._ladder = Ladder(whole.call, whole.device)
        if not whole.fits and not self._ladder.begin_in_parts():
            raise EnvironmentProblem(no_room(whole.device, whole.name))

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
        return self._loaded().size_multiple

    def paint(self, request: PaintRequest) -> Iterator[Candidate]:
        """Yield one candidate per seed, which depends on the request and its seed only.

        Raises:
            PaintFailed: the request cannot be painted at this size.
        """
        check_request(request, self.size_multiple)
        return self._candidates(request)

    def close(self) -> None:
        """Let go of the networks."""
        if self._whole is None:
            return
        cuda = self._whole.device.type == "cuda"
        self._whole = None
        del self._ladder
        if cuda:
            torch.cuda.empty_cache()

    def _candidates(self, request: PaintRequest) -> Iterator[Candidate]:
        place = fit(size_of(request.pixels), request.working, request.mode)
        picture = to_working(request.pixels, place)
        soft = to_working(soft_mask(request.mask, request.mask_blur_px), place)
        task = Task(
            picture=base_picture(picture, soft, request.content),
            mask=rounded(soft),
            # Their encoders would read brackets and weights as text.
            prompt=plain(request.prompt),
            negative_prompt=plain(request.negative_prompt),
            strength=request.strength,
            steps=self._steps,
        )
        notes = _content_notes(request)
        for offset, seed in enumerate(request.seeds):
            began = time.perf_counter()
            painted, problem, more = self._tried(task, seed)
            problem = problem or problem_of(painted, picture, task.mask)
            usable = None if painted is None or problem else painted
            yield Candidate(
                patch=request.patch.number,
                number=request.first_number + offset,
                seed=seed,
                pixels=_at_window(usable, place),
                took_s=time.perf_counter() - began,
                problem=problem,
                notes=(*notes, *more),
            )

    def _tried(
        self, task: Task, seed: int
    ) -> tuple[RgbArray | None, str, tuple[str, ...]]:
        """Paint one candidate, with less memory if need be.

        Returns:
            The picture, why there is none, and notes.

        Raises:
            EnvironmentProblem: the device is lost.
        """
        while True:
            try:
                made = attempt(partial(self._painted, task, seed))
            except (RuntimeError, ValueError) as error:
                check_device(error)
                return None, first_line(error), ()
            if made is not None:
                return made[0], "", made[1]
            working = size_of(task.mask)
            if not self._ladder.climb_down(working, self._loaded().size_multiple):
                return None, too_little(working), ()

    def _painted(self, task: Task, seed: int) -> Painted:
        whole = self._loaded()
        working = size_of(task.mask)
        smaller = _resized(task, self._ladder.size(working, whole.size_multiple))
        call = call_for(smaller, whole.family, self._scale, whole.takes)
        notes = (*call.notes, self._ladder.note) if self._ladder.note else call.notes
        values = _run(whole, call.arguments, seed)
        if not np.isfinite(values).all() and whole.call.dtype == torch.float16:
            # float16 ends at 65504; bfloat16 takes no more memory and does not.
            whole.call.to(torch.bfloat16)
            values = _run(whole, call.arguments, seed)
            notes = (*notes, "float16 overflowed; painted in bfloat16")
        notes = (*notes, *(whole.words.said() if whole.words else ()))
        if not np.isfinite(values).all():
            return None, notes
        pixels = np.rint(values * 255).astype(np.uint8)
        return _at_size(pixels, working), notes

    def _loaded(self) -> Whole:
        if self._whole is None:
            raise PaintFailed("the engine has been closed")
        return self._whole


def build(settings: InpaintSettings) -> TransformerInpainter:
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
    whole = load_whole(located, settings.loras, device, dtype)
    log.info("%s brings its own scheduler", whole.family.words)
    return TransformerInpainter(whole, settings)


def _run(whole: Whole, arguments: Any, seed: int) -> Any:
    """Return (H, W, 3) float32 in 0..1, or NaN where the network broke down."""
    generator = torch.Generator("cpu").manual_seed(seed)
    with torch.inference_mode():
        told = whole.call(generator=generator, **arguments)
    return np.asarray(told.images[0], dtype=np.float32)


def _content_notes(request: PaintRequest) -> tuple[str, ...]:
    if not request.content.startswith("latent-"):
        return ()
    return (
        f"masked content {request.content} is not offered by whole pipelines; the "
        "colours around were spread under the mask instead",
    )


def _resized(task: Task, size: Size) -> Task:
    if size == size_of(task.mask):
        return task
    pair = (size.width, size.height)
    mask = Image.fromarray(task.mask.astype(np.uint8) * 255)
    return Task(
        picture=_at_size(task.picture, size),
        mask=rounded(np.asarray(mask.resize(pair, Image.Resampling.BOX))),
        prompt=task.prompt,
        negative_prompt=task.negative_prompt,
        strength=task.strength,
        steps=task.steps,
    )


def _at_size(pixels: RgbArray, size: Size) -> RgbArray:
    if size_of(pixels) == size:
        return pixels
    pair = (size.width, size.height)
    picture = Image.fromarray(pixels).resize(pair, Image.Resampling.LANCZOS)
    return np.asarray(picture)


def _at_window(painted: RgbArray | None, place: Fit) -> RgbArray | None:
    return None if painted is None else to_window(painted, place)
