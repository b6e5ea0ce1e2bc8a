"""What the denoise loop needs of a loaded checkpoint."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """Vectors that stand for a word, as textual inversion finds them."""

    trigger: str
    """The word, in small letters."""

    vectors: tuple[torch.Tensor, ...]
    """(count, width) for each text encoder, in main memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """The networks of one Stable Diffusion model, ready to run."""

    name: str
    unet: Any
    """diffusers' UNet2DConditionModel with 4 or 9 input channels."""

    vae: Any
    """diffusers' AutoencoderKL."""

    tokenizers: tuple[Any, ...]
    text_encoders: tuple[Any, ...]
    """One CLIP text model, or two for SDXL; in the order of `tokenizers`."""

    scheduler_config: Mapping[str, Any]
    device: torch.device
    dtype: torch.dtype
    """Of weights and activations; latents and scheduler steps are always float32."""

    xl: bool
    """Whether pooled text and picture sizes condition the UNet too, as in SDXL."""

    empty_means_zeros: bool = False
    """An empty negative prompt is all zeros rather than encoded (an SDXL setting)."""

    aesthetic: bool = False
    """The time ids end in an aesthetic score instead of a target size (refiners)."""

    embeddings: tuple[Embedding, ...] = ()

    rests: bool = False
    """The networks lie in main memory: the device has room for one at a time."""

    @property
    def channels(self) -> int:
        """Input channels of the UNet: 4 plain, 9 made for inpainting."""
        return int(self.unet.config.in_channels)

    @property
    def latent_channels(self) -> int:
        return int(self.vae.config.latent_channels)

    @property
    def scale(self) -> int:
        """Pixels per latent, along each side."""
        return int(2 ** (len(self.vae.config.block_out_channels) - 1))

    @property
    def native_px(self) -> int:
        """The side of the squares that the model was trained on, in pixels."""
        sample = self.unet.config.sample_size
        side = sample if isinstance(sample, int) else min(sample)
        return int(side) * self.scale
