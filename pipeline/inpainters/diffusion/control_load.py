"""Load a ControlNet: a folder, a model of the hub, or one .safetensors file.

A file may be in diffusers' layout or in the original one. Its shape is that of the
checkpoint's own UNet, so it needs no configuration beside it.
"""

import inspect
import logging
from pathlib import Path
from typing import Any

import diffusers
import safetensors.torch
import torch
from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint

from pipeline.errors import EnvironmentProblem, UsageError
from pipeline.inpainters.diffusion.checkpoint import Checkpoint
from pipeline.inpainters.diffusion.control import ControlNet
from pipeline.inpainters.diffusion.load import WHAT_LOADING_RAISES, quiet
from pipeline.inpainters.diffusion.trouble import first_line
from pipeline.model_networks import locate_network
from pipeline.settings import InpaintSettings

log = logging.getLogger(__name__)


def load_control(
    settings: InpaintSettings, checkpoint: Checkpoint
) -> ControlNet | None:
    """Load what `inpaint.control_model` names; None when control is off.

    Raises:
        ModelMissing: it is not on this machine.
        EnvironmentProblem: it is damaged, or made for another family.
        UsageError: none is named, or its steps end before they begin.
    """
    if settings.control == "none":
        return None
    if not settings.control_model:
        raise UsageError(
            f"inpaint.control is {settings.control!r}, and inpaint.control_model names "
            "no ControlNet; give a folder, a hub id, a .safetensors file or a preset "
            "such as control-openpose"
        )
    if settings.control_from >= settings.control_to:
        raise UsageError("inpaint.control_from must be smaller than inpaint.control_to")
    path = locate_network(settings.control_model)
    with quiet():
        try:
            network = _network(path, checkpoint)
        except WHAT_LOADING_RAISES as error:
            raise EnvironmentProblem(
                f"the ControlNet {settings.control_model!r} in {path} cannot be "
                f"loaded: {first_line(error)}"
            ) from error
    _check_fits(network, checkpoint, settings.control_model)
    _place(network, checkpoint)
    log.info("steering by the ControlNet %s", settings.control_model)
    return ControlNet(
        settings.control_model,
        network,
        settings.control_scale,
        settings.control_from,
        settings.control_to,
    )


def _network(path: Path, checkpoint: Checkpoint) -> Any:
    if path.is_dir():
        names = {file.name for file in path.glob("*.safetensors")}
        half = bool(names) and all(".fp16." in name for name in names)
        return diffusers.ControlNetModel.from_pretrained(
            path,
            dtype=checkpoint.dtype,
            use_safetensors=True,
            local_files_only=True,
            variant="fp16" if half else None,
        )
    network = diffusers.ControlNetModel(**_shape_of(checkpoint))
    tensors = safetensors.torch.load_file(path)
    converted = convert_controlnet_checkpoint(tensors, dict(network.config))
    network.load_state_dict(converted)
    return network


def _place(network: Any, checkpoint: Checkpoint) -> None:
    """Move a network to where the UNet is, laid out in memory like it."""
    plain = checkpoint.dtype == torch.float32
    layout = torch.contiguous_format if plain else torch.channels_last
    with quiet():
        network.to(checkpoint.device, checkpoint.dtype).eval().requires_grad_(False)
        network.to(memory_format=layout)


def _shape_of(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the configuration of a ControlNet for a UNet; it reads plain latents."""
    config = dict(checkpoint.unet.config)
    known = inspect.signature(diffusers.ControlNetModel.__init__).parameters
    shared = {name: value for name, value in config.items() if name in known}
    return shared | {"in_channels": checkpoint.latent_channels}


def _check_fits(network: Any, checkpoint: Checkpoint, name: str) -> None:
    mine, its = checkpoint.unet.config, network.config
    if bool(getattr(its, "global_pool_conditions", False)):
        raise EnvironmentProblem(
            f"the ControlNet {name!r} steers by content, not by place, which has no "
            "meaning for a repair"
        )
    same = (
        mine.cross_attention_dim == its.cross_attention_dim
        and tuple(mine.block_out_channels) == tuple(its.block_out_channels)
        and checkpoint.latent_channels == its.in_channels
    )
    if not same:
        raise EnvironmentProblem(
            f"the ControlNet {name!r} is made for another family than the model "
            f"{checkpoint.name!r}; see inpaint.control_model"
        )
