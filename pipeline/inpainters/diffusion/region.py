"""Get a request ready to be painted: everything its candidates share, encoded once."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import torch

from detectors.arrays import RgbArray, check_mask, check_rgb, size_of
from detectors.geometry import Size
from pipeline.errors import PaintFailed
from pipeline.inpainters.cutouts import Fit, GreyArray, fit, soft_mask, to_working
from pipeline.inpainters.diffusion.checkpoint import Checkpoint
from pipeline.inpainters.diffusion.control_picture import (
    ControlPicture,
    hand_poses,
    picture_with_hole,
)
from pipeline.inpainters.diffusion.latent_mask import (
    blending_mask,
    channel_mask,
    rounded,
)
from pipeline.inpainters.diffusion.latents import (
    ENCODED_AT_ONCE,
    LatentCodec,
    to_signal,
)
from pipeline.inpainters.diffusion.masked_content import base_picture
from pipeline.inpainters.diffusion.schedule import Schedule, plan_steps
from pipeline.inpainters.diffusion.text import TextCode, TextEncoding
from pipeline.inpainters.diffusion.trajectory import Conditions
from pipeline.records import MaskedContent, PaintRequest
from pipeline.settings import InpaintSettings

XL_STRENGTH = 0.99
"""SDXL started from noise alone forgets the picture's colours; 0.99 keeps them."""

AESTHETIC_SCORES = (2.5, 6.0)
"""What diffusers tells refiners about the negative prompt and the prompt."""

ENCODED_KEPT = 64
"""Encoded regions held at a time; one of 1024 px takes about 0.6 MB. A region that is
asked for again with another strength is not encoded again."""


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


class Preparation:
    """Turns requests into regions."""

    def __init__(
        self, checkpoint: Checkpoint, codec: LatentCodec, settings: InpaintSettings
    ) -> None:
        """Keep what encodes.

        Args:
            checkpoint: The networks.
            codec: Encodes the pictures.
            settings: Scheduler, steps, clip skip and control are read.
        """
        self._model = checkpoint
        self._codec = codec
        self._settings = settings
        self._text = TextEncoding(checkpoint, settings.clip_skip)
        self._schedules: dict[float, Schedule] = {}
        self._encoded: OrderedDict[bytes, tuple[torch.Tensor, torch.Tensor | None]] = (
            OrderedDict()
        )

    @property
    def pictures(self) -> int:
        """How many pictures of a region are encoded."""
        return 1 if self._model.channels == self._model.latent_channels else 2

    def read(self, request: PaintRequest) -> tuple[TextCode, TextCode]:
        """Encode the prompt and the negative prompt; each distinct one once."""
        return (
            self._text.encode(request.prompt),
            self._text.encode(request.negative_prompt, negative=True),
        )

    def prepare(
        self,
        request: PaintRequest,
        working: Size | None = None,
        at_once: int = ENCODED_AT_ONCE,
    ) -> Region:
        """Encode what the candidates of a request share: its text and its picture.

        Args:
            request: What to paint.
            working: The size to paint it at; None for the one that is asked for.
            at_once: How many pictures the encoder may hold; its peak memory grows
                with it.

        Raises:
            PaintFailed: the request cannot be painted at this size.
        """
        model = self._model
        check_request(request, model.scale)
        working = working or request.working
        place = fit(size_of(request.pixels), working, request.mode)
        picture = to_working(request.pixels, place)
        soft = to_working(soft_mask(request.mask, request.mask_blur_px), place)
        strength, notes = self._strength(request.strength)
        positive, negative = self.read(request)
        encoded, extra = self._encode(picture, soft, request.content, at_once)
        shown = self._control_picture(request, place, picture, soft)
        conditions = Conditions(
            positive=positive,
            negative=negative,
            time_ids=time_ids(model, working),
            encoded=encoded,
            mask=blending_mask(soft, model.scale).to(model.device),
            extra=extra,
            content=request.content,
            schedule=self._schedule(strength),
            control=None if shown.values is None else shown.values.to(model.device),
        )
        notes = (*notes, *_cut_notes(positive), *shown.notes)
        return Region(request, place, picture, soft, conditions, notes)

    def _control_picture(
        self, request: PaintRequest, place: Fit, picture: RgbArray, soft: GreyArray
    ) -> ControlPicture:
        """Make what the ControlNet is shown of this region."""
        if self._settings.control == "hand-pose":
            return hand_poses(request, place)
        if self._settings.control == "inpaint":
            return picture_with_hole(picture, rounded(soft))
        return ControlPicture(None)

    def _encode(
        self, picture: RgbArray, soft: GreyArray, content: MaskedContent, at_once: int
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Encode what the UNet needs, or return what was encoded of it before."""
        digest = hashlib.blake2b(content.encode(), digest_size=16)
        digest.update(repr(picture.shape).encode())
        digest.update(picture.tobytes())
        digest.update(soft.tobytes())
        key = digest.digest()
        if key not in self._encoded:
            self._encoded[key] = self._encoded_anew(picture, soft, content, at_once)
            while len(self._encoded) > ENCODED_KEPT:
                self._encoded.popitem(last=False)
        self._encoded.move_to_end(key)
        return self._encoded[key]

    def _encoded_anew(
        self, picture: RgbArray, soft: GreyArray, content: MaskedContent, at_once: int
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Encode, in one call of the VAE where that holds all pictures."""
        model = self._model
        signals = [to_signal(base_picture(picture, soft, content))]
        if self.pictures == 1:
            return self._codec.encode_signal(np.stack(signals))[0], None
        signals.append(to_signal(picture) * ~rounded(soft)[..., None])
        encoded, masked = self._codec.encode_signal(np.stack(signals), at_once)
        channel = channel_mask(soft, model.scale).to(masked.device)
        return encoded, torch.cat([channel, masked])

    def _schedule(self, strength: float) -> Schedule:
        """Return the steps of a strength; a run has few strengths."""
        if strength not in self._schedules:
            self._schedules[strength] = plan_steps(
                self._settings.scheduler,
                self._model.scheduler_config,
                self._settings.steps,
                strength,
                self._settings.schedule,
            )
        return self._schedules[strength]

    def _strength(self, asked: float) -> tuple[float, tuple[str, ...]]:
        if self._model.xl and asked >= 1.0:
            return XL_STRENGTH, (
                f"strength {asked:g} was run at {XL_STRENGTH}, because SDXL started "
                "from noise alone loses the picture's colours",
            )
        return asked, ()


def check_request(request: PaintRequest, scale: int) -> None:
    """Check that a request can be painted.

    Args:
        request: What to paint.
        scale: Pixels per latent of the model.

    Raises:
        PaintFailed: its mask is blank, or its size does not fit the model.
    """
    check_rgb(request.pixels)
    check_mask(request.mask, size_of(request.pixels))
    if not request.mask.any():
        raise PaintFailed("the mask is blank, so there is nothing to paint")
    if request.working.width % scale or request.working.height % scale:
        raise PaintFailed(
            f"the working size {request.working.width}x{request.working.height} is "
            f"not divisible by {scale}, as this model needs; see plan.working_px"
        )


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
