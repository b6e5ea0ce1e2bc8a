"""Keep encoded training samples, and learn from each more than once.

Encoding a picture costs about half of what learning from it costs. A sample is encoded
once, and drawn again with other noise, at another time step, until newer samples have
taken its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812  the name everybody knows
from diffusers import AutoencoderKL

from detectors.geometry import Size
from pipeline.inpainters.diffusion.control_picture import draw_hands
from workshop.precision import autocast
from workshop.tiny_hands.batches import Sample

ROOM = 40_000
"""Samples kept; each takes 20 kB at 24x24 latents."""

SCALE = 8
"""Pixels a latent, each way."""

Joints = npt.NDArray[np.float64] | None
Row = tuple[torch.Tensor, torch.Tensor, torch.Tensor, str, Joints]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Samples as the UNet is told of them."""

    latents: torch.Tensor
    """(N, 4, h, w) float32: what is to be recovered, of unit variance."""

    mask: torch.Tensor
    """(N, 1, h, w) float32: 1 = repaint."""

    masked: torch.Tensor
    """(N, 4, h, w) float32: the latents of the picture with its masked part grey."""

    captions: list[str]

    joints: list[Joints]
    """(21, 2) each, in pixels of the cut-out: the skeletons that are shown."""


def control_pictures(batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw the skeletons as the program draws them for a ControlNet.

    Returns:
        (N, 3, H, W) float32 in 0..1, and (N,) float32: 1 where one is shown.
    """
    side = SCALE * batch.latents.shape[-1]
    shown = torch.tensor([float(joints is not None) for joints in batch.joints])
    size = Size(side, side)
    hands = [[] if joints is None else [joints] for joints in batch.joints]
    drawn = np.stack([draw_hands(each, size) for each in hands])
    return torch.from_numpy(drawn).permute(0, 3, 1, 2).float() / 255, shown


@torch.no_grad()
def draw_latents(vae: AutoencoderKL, samples: Sequence[Sample]) -> Batch:
    """Encode samples."""
    pixels = torch.from_numpy(np.stack([sample.pixels for sample in samples]))
    pixels = (pixels.permute(0, 3, 1, 2).float() / 127.5 - 1).contiguous(
        memory_format=torch.channels_last
    )
    mask = torch.from_numpy(np.stack([sample.mask for sample in samples]))[:, None]
    with autocast():
        both = torch.cat([pixels, pixels * ~mask])
        latents = vae.encode(both).latent_dist.mean.float()
    latents, masked = (latents * vae.config.scaling_factor).chunk(2)
    small = F.interpolate(mask.float(), latents.shape[2:], mode="nearest")
    captions = [sample.caption for sample in samples]
    joints = [sample.joints for sample in samples]
    return Batch(latents, small, masked, captions, joints)


class Stock:
    """Encoded samples, of which the oldest are not kept for ever."""

    def __init__(self) -> None:
        self._kept: list[Row] = []

    def add(self, batch: Batch, rng: np.random.Generator) -> None:
        """Take in samples; where there is no room, some others leave."""
        parts = (batch.latents, batch.mask, batch.masked)
        rows = [[row.clone() for row in part] for part in parts]
        for row in zip(*rows, batch.captions, batch.joints, strict=True):
            if len(self._kept) < ROOM:
                self._kept.append(row)
            else:
                self._kept[int(rng.integers(ROOM))] = row

    def draw(self, count: int, rng: np.random.Generator) -> Batch:
        """Return samples drawn at random."""
        drawn = [self._kept[int(rng.integers(len(self._kept)))] for _ in range(count)]
        latents, mask, masked, captions, joints = zip(*drawn, strict=True)
        return Batch(
            torch.stack(latents),
            torch.stack(mask),
            torch.stack(masked),
            list(captions),
            list(joints),
        )
