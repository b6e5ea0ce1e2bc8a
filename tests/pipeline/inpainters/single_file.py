"""Write a tiny checkpoint as one file, with the names that the first releases used."""

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

Tensors = Mapping[str, torch.Tensor]

UNET_PLACES = {
    "conv_in": "input_blocks.0.0",
    "down_blocks.0.resnets.0": "input_blocks.1.0",
    "down_blocks.0.attentions.0": "input_blocks.1.1",
    "down_blocks.0.downsamplers.0.conv": "input_blocks.2.0.op",
    "down_blocks.1.resnets.0": "input_blocks.3.0",
    "mid_block.resnets.0": "middle_block.0",
    "mid_block.attentions.0": "middle_block.1",
    "mid_block.resnets.1": "middle_block.2",
    "up_blocks.0.resnets.0": "output_blocks.0.0",
    "up_blocks.0.resnets.1": "output_blocks.1.0",
    "up_blocks.0.upsamplers.0": "output_blocks.1.1",
    "up_blocks.1.resnets.0": "output_blocks.2.0",
    "up_blocks.1.attentions.0": "output_blocks.2.1",
    "up_blocks.1.resnets.1": "output_blocks.3.0",
    "up_blocks.1.attentions.1": "output_blocks.3.1",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
UNET_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
VAE_ATTENTION = {
    "group_norm": "norm",
    "to_q": "q",
    "to_k": "k",
    "to_v": "v",
    "to_out.0": "proj_out",
}
OPEN_CLIP = {
    "embeddings.position_embedding.weight": "positional_embedding",
    "embeddings.token_embedding.weight": "token_embedding.weight",
    "final_layer_norm": "ln_final",
    "encoder.layers.": "transformer.resblocks.",
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    ".fc1.": ".c_fc.",
    ".fc2.": ".c_proj.",
    ".self_attn.": ".attn.",
}


def save_single_file(folder: Path, file: Path) -> Path:
    """Gather the weights of a tiny folder (two UNet blocks, three VAE blocks)."""
    tensors: dict[str, torch.Tensor] = {}
    for name, tensor in _read(folder / "unet").items():
        tensors[f"model.diffusion_model.{unet_name(name)}"] = tensor
    for name, tensor in _read(folder / "vae").items():
        renamed = _vae_name(name)
        if ".attn_1." in renamed and renamed.endswith("weight") and tensor.ndim == 2:
            tensor = tensor[..., None, None]  # noqa: PLW2901  linear as 1x1 convolution
        tensors[f"first_stage_model.{renamed}"] = tensor
    xl = (folder / "text_encoder_2").is_dir()
    home = "conditioner.embedders.0" if xl else "cond_stage_model"
    for name, tensor in _read(folder / "text_encoder").items():
        inside = name if name.startswith("text_model.") else f"text_model.{name}"
        tensors[f"{home}.transformer.{inside}"] = tensor
    if xl:
        second = _open_clip(_read(folder / "text_encoder_2"))
        tensors |= {f"conditioner.embedders.1.model.{n}": t for n, t in second.items()}
    save_file({name: each.contiguous() for name, each in tensors.items()}, file)
    return file


def _read(folder: Path) -> Tensors:
    tensors: Tensors = load_file(next(folder.glob("*.safetensors")))
    return tensors


def unet_name(name: str) -> str:
    for theirs, ours in UNET_PLACES.items():
        if name.startswith(f"{theirs}."):
            rest = name.removeprefix(f"{theirs}.")
            if ".resnets." in theirs:
                part, _, kind = rest.rpartition(".")
                rest = f"{UNET_RESNET[part]}.{kind}"
            return f"{ours}.{rest}"
    raise KeyError(name)


def _vae_name(name: str) -> str:
    name = name.replace("conv_norm_out", "norm_out").replace(
        "conv_shortcut", "nin_shortcut"
    )
    name = re.sub(r"mid_block\.attentions\.0\.", "mid.attn_1.", name)
    if ".attn_1." in name:
        for theirs, ours in VAE_ATTENTION.items():
            name = name.replace(f"attn_1.{theirs}.", f"attn_1.{ours}.")
    name = re.sub(
        r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", name
    )
    name = re.sub(r"down_blocks\.(\d)\.resnets\.(\d)", r"down.\1.block.\2", name)
    name = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", name)
    name = re.sub(
        r"up_blocks\.(\d)\.resnets\.(\d)",
        lambda m: f"up.{2 - int(m[1])}.block.{m[2]}",
        name,
    )
    return re.sub(
        r"up_blocks\.(\d)\.upsamplers\.0",
        lambda m: f"up.{2 - int(m[1])}.upsample",
        name,
    )


def _open_clip(encoder: Tensors) -> Tensors:
    """Rename to open_clip's names, which hold queries, keys and values in one."""
    tensors = {"text_projection": encoder["text_projection.weight"].T}
    for name, tensor in encoder.items():
        inside = name.removeprefix("text_model.")
        if inside.startswith("text_projection") or ".k_proj." in inside:
            continue
        if ".v_proj." in inside:
            continue
        for theirs, ours in OPEN_CLIP.items():
            inside = inside.replace(theirs, ours)
        if ".q_proj." in inside:
            three = [encoder[name.replace("q_proj", f"{k}_proj")] for k in "qkv"]
            inside = inside.replace(".q_proj.", ".in_proj_")
            tensors[inside] = torch.cat(three)
        else:
            tensors[inside] = tensor
    return tensors
