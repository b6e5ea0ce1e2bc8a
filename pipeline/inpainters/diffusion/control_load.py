"""Load a ControlNet: a folder, a model of the hub, or one .safetensors file.

A file may be in diffusers' layout or in the original one. Its shape is that of the
checkpoint's own UNet, so it needs no configuration beside it.
"""

import inspect
import json
import logging
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import diffusers
import safetensors.torch
import torch
from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint

from pipeline.errors import EnvironmentProblem, UsageError
from pipeline.inpainters.diffusion.checkpoint import Checkpoint
from pipeline.inpainters.diffusion.control import ControlNet
from pipeline.inpainters.diffusion.load import quiet
from pipeline.inpainters.diffusion.placing import groups_of, move_to
from pipeline.inpainters.diffusion.trouble import WHAT_LOADING_RAISES, first_line
from pipeline.model_files import half_variant
from pipeline.model_networks import locate_network
from pipeline.settings import InpaintSettings

log = logging.getLogger(__name__)

CONFIG = "config.json"
PLAIN = "ControlNetModel"
UNION = re.compile(
    r"(control_model\.)?(task_embedding|control_add_embedding\.|transformer_layes\."
    r"|spatial_ch_projs\.)"
)
"""Names of the weights that only a ControlNet Union has; one is misspelt there too."""


def load_control(
    settings: InpaintSettings, checkpoint: Checkpoint
) -> ControlNet | None:
    """Load what `inpaint.control_model` names; None when control is off.

    Raises:
        ModelMissing: it is not on this machine.
        EnvironmentProblem: it is damaged, made for another family, or too large for
            the device.
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
            network = _network(path, checkpoint, settings.control_model)
        except WHAT_LOADING_RAISES as error:
            raise EnvironmentProblem(
                f"the ControlNet {settings.control_model!r} in {path} cannot be "
                f"loaded: {first_line(error)}"
            ) from error
    _check_fits(network, checkpoint, settings.control_model)
    rests = _place(network, checkpoint, settings.control_model)
    log.info("steering by the ControlNet %s", settings.control_model)
    return ControlNet(
        settings.control_model,
        network,
        settings.control_scale,
        settings.control_from,
        settings.control_to,
        rests,
    )


def _network(path: Path, checkpoint: Checkpoint, name: str) -> Any:
    if path.is_dir():
        _check_kind(path, name)
        network, told = diffusers.ControlNetModel.from_pretrained(
            path,
            dtype=checkpoint.dtype,
            use_safetensors=True,
            local_files_only=True,
            variant=half_variant(path),
            output_loading_info=True,
        )
        _check_names(told["missing_keys"], told["unexpected_keys"], name)
        return network
    network = diffusers.ControlNetModel(**_shape_of(checkpoint))
    tensors = safetensors.torch.load_file(path)
    # The conversion drops names that it does not know.
    _check_names((), [each for each in tensors if UNION.match(each)], name)
    converted = convert_controlnet_checkpoint(tensors, dict(network.config))
    told = network.load_state_dict(converted, strict=False)
    _check_names(told.missing_keys, told.unexpected_keys, name)
    return network


def _check_kind(folder: Path, name: str) -> None:
    """Refuse what diffusers would load as a plain ControlNet although it is none."""
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    kind = str(config.get("_class_name", PLAIN))
    if kind != PLAIN:
        raise EnvironmentProblem(
            f"the ControlNet {name!r} is a {kind}, and this engine runs a {PLAIN}, "
            "which is made for one kind of picture; see inpaint.control_model"
        )


def _check_names(missing: Iterable[str], unknown: Iterable[str], name: str) -> None:
    """Refuse a network with too few or too many weights, which would run all the same.

    A ControlNet Union is a plain one and more; older ones say that they are plain.
    """
    lacks, more = sorted(missing), sorted(unknown)
    if any(UNION.match(each) for each in more):
        raise EnvironmentProblem(
            f"the ControlNet {name!r} is a ControlNet Union, and this engine runs "
            "those made for one kind of picture; see inpaint.control_model"
        )
    if lacks or more:
        what = f"lacks {lacks[0]}" if lacks else f"holds {more[0]}"
        others = f"{len(lacks) + len(more) - 1} other weights"
        raise EnvironmentProblem(
            f"the ControlNet {name!r} {what} and {others}, unlike a {PLAIN}; it is "
            "damaged or another kind of network, see inpaint.control_model"
        )


def _place(network: Any, checkpoint: Checkpoint, name: str) -> bool:
    """Move a network to where the UNet is, laid out in memory like it.

    Returns:
        Whether all networks rest in main memory, see `placing`.
    """
    plain = checkpoint.dtype == torch.float32
    layout = torch.contiguous_format if plain else torch.channels_last
    with quiet():
        network.to(checkpoint.dtype).eval().requires_grad_(False)
        network.to(memory_format=layout)
        groups = groups_of(checkpoint, (network,))
        what = f"the model {checkpoint.name!r} with the ControlNet {name!r}"
        return move_to(groups, checkpoint.device, what, rests=checkpoint.rests)


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
