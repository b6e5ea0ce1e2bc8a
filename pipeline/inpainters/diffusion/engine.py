"""The engine `diffusion`: regions in, candidates out."""

import logging
from collections.abc import Iterator

import torch

from pipeline.devices import choose_device, choose_dtype
from pipeline.errors import PaintFailed
from pipeline.inpainters.ahead import Ahead
from pipeline.inpainters.contract import Batch
from pipeline.inpainters.diffusion.careful import Careful
from pipeline.inpainters.diffusion.checkpoint import Checkpoint
from pipeline.inpainters.diffusion.compiled import FixedShapes
from pipeline.inpainters.diffusion.control import ControlNet
from pipeline.inpainters.diffusion.control_load import load_control
from pipeline.inpainters.diffusion.denoise import Denoiser, Guidance
from pipeline.inpainters.diffusion.finishing import Finishing
from pipeline.inpainters.diffusion.latents import LatentCodec
from pipeline.inpainters.diffusion.load import load_checkpoint
from pipeline.inpainters.diffusion.memory import Ladder
from pipeline.inpainters.diffusion.placing import groups_of
from pipeline.inpainters.diffusion.region import Preparation, Region, check_request
from pipeline.inpainters.diffusion.schedule import plan_steps
from pipeline.inpainters.diffusion.slots import SlotBatch, Tools
from pipeline.inpainters.diffusion.turns import Turns
from pipeline.models import locate
from pipeline.records import Candidate, PaintRequest
from pipeline.settings import InpaintSettings

log = logging.getLogger(__name__)

OWN_GUIDANCE = 7.0
"""Guidance scale where the settings name none; what AUTOMATIC1111 starts with."""


class DiffusionInpainter:
    """Paints by Stable Diffusion 1.x, 2.x and XL, plain or made for inpainting."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        settings: InpaintSettings,
        *,
        control: ControlNet | None = None,
        compile_backend: str = "inductor",
    ) -> None:
        """Wrap a loaded checkpoint.

        Args:
            checkpoint: The networks.
            control: A ControlNet that steers them, where `settings.control` wants one.
            compile_backend: What torch.compile hands the UNet to, with
                `settings.compile`.
            settings: Steps, scheduler, guidance, clip skip, batch and compile are
                read.
        """
        self._model: Checkpoint | None = checkpoint
        self._name = f"diffusion/{checkpoint.name}"
        codec = LatentCodec(checkpoint)
        turns = _turns(checkpoint, control)
        ladder = Ladder(checkpoint.vae, settings.batch, checkpoint.scale, turns)
        if checkpoint.rests or (control is not None and control.rests):
            ladder.take_turns()
        guidance = Guidance(
            OWN_GUIDANCE
            if settings.guidance_scale is None
            else settings.guidance_scale,
            settings.guidance_from_sigma,
            settings.guidance_to_sigma,
        )
        unet = checkpoint.unet
        if settings.compile:
            unet = FixedShapes(unet, 2 * settings.batch, backend=compile_backend)
        self._tools = Tools(
            preparation=Preparation(checkpoint, codec, settings),
            careful=Careful(
                Denoiser(checkpoint, guidance, unet, control),
                Finishing(codec, match_colours=settings.match_colours),
                ladder,
            ),
            ladder=ladder,
            slots=settings.batch,
            speculates=checkpoint.device.type != "cpu",
        )
        # Planned once here, so that a scheduler that cannot run these steps stops the
        # run before its first picture.
        plan_steps(
            settings.scheduler,
            checkpoint.scheduler_config,
            settings.steps,
            0.5,
            settings.schedule,
        )

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
        check_request(request, self._loaded().scale)
        return self._candidates(request)

    @property
    def tools(self) -> Tools:
        """What its batches work with."""
        self._loaded()
        return self._tools

    def open(self, *, sparing: bool) -> Batch:
        """Open a batch of `settings.batch` slots, for any number of requests.

        On an accelerator it paints on while its caller judges with the processor.
        """
        batch = self.slots(sparing=sparing)
        return batch if self._loaded().device.type == "cpu" else Ahead(batch)

    def slots(self, *, sparing: bool) -> SlotBatch:
        """Open a batch that paints only when it is told to."""
        return SlotBatch(self.tools, sparing=sparing)

    def prepare(self, request: PaintRequest) -> Region:
        """Encode what the candidates of a request share: its text and its picture."""
        return self.tools.preparation.prepare(request)

    def close(self) -> None:
        """Let go of the networks."""
        if self._model is None:
            return
        cuda = self._model.device.type == "cuda"
        self._model = None
        del self._tools
        if cuda:
            torch.cuda.empty_cache()

    def _candidates(self, request: PaintRequest) -> Iterator[Candidate]:
        batch, ended = self.slots(sparing=False), False
        batch.submit(request)
        while not ended:
            for made in batch.advance():
                ended = ended or made.last
                if made.candidate is not None:
                    yield made.candidate

    def _loaded(self) -> Checkpoint:
        if self._model is None:
            raise PaintFailed("the engine has been closed")
        return self._model


def _turns(checkpoint: Checkpoint, control: ControlNet | None) -> Turns | None:
    """Say which networks can take turns; None where all are in main memory anyway."""
    if checkpoint.device.type == "cpu":
        return None
    steering = () if control is None else (control.network,)
    return Turns(groups_of(checkpoint, steering), checkpoint.device)


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
    checkpoint = load_checkpoint(
        located,
        settings.loras,
        device,
        dtype,
        vae=settings.vae,
        embeddings=settings.embeddings,
    )
    control = load_control(settings, checkpoint)
    return DiffusionInpainter(checkpoint, settings, control=control)
