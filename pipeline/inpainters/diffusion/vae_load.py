"""Load a VAE in place of the model's own.

Many models that people share come with a VAE that washes colours out, or none of their
own, and are used with one beside them.
"""

from pathlib import Path
from typing import Any, Final

import diffusers
import torch
from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint
from safetensors.torch import load_file

from pipeline.errors import EnvironmentProblem
from pipeline.inpainters.diffusion.trouble import WHAT_LOADING_RAISES, first_line
from pipeline.model_files import half_variant
from pipeline.model_networks import locate_network

SETTING: Final = "inpaint.vae"


def load_vae(name: str, own: Any, dtype: torch.dtype) -> Any:
    """Load a VAE that stands in for a model's own.

    Args:
        name: A folder, a hub id or one .safetensors file, in diffusers' layout or the
            original one. A file has no configuration, and takes that of the own VAE.
        own: The model's own AutoencoderKL.
        dtype: Number format of its weights.

    Returns:
        diffusers' AutoencoderKL, in main memory.

    Raises:
        ModelMissing: it is not on this machine.
        EnvironmentProblem: it is damaged, or made for another family.
    """
    path = locate_network(name, setting=SETTING)
    try:
        vae = _loaded(path, own, dtype)
    except WHAT_LOADING_RAISES as error:
        raise EnvironmentProblem(
            f"the VAE {name!r} in {path} cannot be loaded: {first_line(error)}; see "
            f"{SETTING}"
        ) from error
    mine, its = own.config, vae.config
    same = (
        mine.latent_channels == its.latent_channels
        and len(mine.block_out_channels) == len(its.block_out_channels)
        and mine.scaling_factor == its.scaling_factor
    )
    if not same:
        raise EnvironmentProblem(
            f"the VAE {name!r} is made for another family than the model; see {SETTING}"
        )
    return vae


def _loaded(path: Path, own: Any, dtype: torch.dtype) -> Any:
    if path.is_dir():
        return diffusers.AutoencoderKL.from_pretrained(
            path,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            variant=half_variant(path),
        )
    tensors = load_file(path)
    if not any(".down_blocks." in key for key in tensors):
        tensors = convert_ldm_vae_checkpoint(tensors, dict(own.config))
    vae = diffusers.AutoencoderKL.from_config(own.config)
    vae.load_state_dict(tensors)
    return vae.to(dtype)
