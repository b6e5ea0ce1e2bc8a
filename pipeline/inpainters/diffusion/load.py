"""Load a checkpoint: a diffusers folder or one .safetensors file, and its additions.

Only safetensors are read, nothing is downloaded, and no code that comes with a model is
run. A safety checker is never loaded: it would turn cut-outs black without a word.
"""

import json
import logging
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers.utils import logging as diffusers_logging
from transformers.utils import logging as transformers_logging

from pipeline.errors import EnvironmentProblem, UsageError
from pipeline.inpainters.diffusion.checkpoint import Checkpoint
from pipeline.inpainters.diffusion.embeddings import load_embeddings
from pipeline.inpainters.diffusion.latents import cast, overflows
from pipeline.inpainters.diffusion.placing import groups_of, move_to
from pipeline.inpainters.diffusion.prediction import check_noise, marked
from pipeline.inpainters.diffusion.trouble import WHAT_LOADING_RAISES, first_line
from pipeline.inpainters.diffusion.vae_load import load_vae
from pipeline.model_files import half_variant
from pipeline.models import LocatedModel

log = logging.getLogger(__name__)

FIRST_LAYER = "model.diffusion_model.input_blocks.0.0.weight"
"""The UNet's first convolution in a single file; its second axis counts channels."""

_UNUSED: Mapping[str, Any] = {
    "safety_checker": None,
    "feature_extractor": None,
    "requires_safety_checker": False,
}


def load_checkpoint(
    located: LocatedModel,
    loras: Sequence[str],
    device: torch.device,
    dtype: torch.dtype,
    *,
    vae: str = "",
    embeddings: Sequence[Path] = (),
) -> Checkpoint:
    """Load a checkpoint onto a device; it rests in main memory where it does not fit.

    Args:
        located: Where it lies on this machine.
        loras: LoRA files, each `path` or `path:weight`; merged into the weights.
        device: Where it will run.
        dtype: Number format of weights and activations.
        vae: A VAE in place of its own, see `load_vae`; "" keeps its own.
        embeddings: See `load_embeddings`.

    Raises:
        ModelMissing: the VAE is not on this machine.
        EnvironmentProblem: it is damaged, of a family that this engine cannot run, or
            too large for the device.
        UsageError: a LoRA file or an embedding does not exist or does not fit.
    """
    with quiet():
        try:
            whole = _whole(located, dtype)
        except WHAT_LOADING_RAISES as error:
            raise EnvironmentProblem(
                f"the model {located.name!r} in {located.path} cannot be loaded: "
                f"{first_line(error)}"
            ) from error
        for place, lora in enumerate(loras):
            merge_lora(whole, lora, f"lora{place}")
        if vae:
            whole.register_modules(vae=load_vae(vae, whole.vae, dtype))
        checkpoint = _parts(whole, located, device, dtype)
        _check_channels(checkpoint)
        vectors = load_embeddings(embeddings, checkpoint)
        # Here, where it takes no room on the device beside what was loaded.
        if overflows(checkpoint):
            cast(checkpoint.vae, torch.float32)
        what = f"the model {located.name!r}"
        rests = move_to(groups_of(checkpoint), device, what, rests=False)
    return replace(checkpoint, rests=rests, embeddings=vectors)


def split_lora(text: str) -> tuple[Path, float]:
    """Split `path` or `path:weight`; the weight is 1.0 where none is given."""
    head, _, tail = text.rpartition(":")
    try:
        return (Path(head), float(tail)) if head else (Path(text), 1.0)
    except ValueError:
        return Path(text), 1.0


def header_of(file: Path) -> dict[str, Any]:
    """Read the table of contents of a .safetensors file, without its tensors.

    Raises:
        EnvironmentProblem: the file is not in that format.
    """
    try:
        with file.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > min(100_000_000, file.stat().st_size):
                raise ValueError("its header is longer than the file")
            header: dict[str, Any] = json.loads(stream.read(length))
    except (OSError, ValueError, struct.error) as error:
        raise EnvironmentProblem(
            f"{file} is not a safetensors file ({first_line(error)})"
        ) from error
    return header


def _whole(located: LocatedModel, dtype: torch.dtype) -> Any:
    if located.path.is_dir():
        return _from_folder(located.path, dtype)
    return _from_file(located, dtype)


def _from_folder(folder: Path, dtype: torch.dtype) -> Any:
    family, xl = _family_of(folder)
    return family.from_pretrained(
        folder,
        dtype=dtype,
        use_safetensors=True,
        local_files_only=True,
        variant=half_variant(folder / "unet"),
        **({} if xl else _UNUSED),
    )


def _from_file(located: LocatedModel, dtype: torch.dtype) -> Any:
    if located.parts is None:
        raise EnvironmentProblem(
            f"{located.path} holds weights, and no folder with the tokenizer and the "
            "configurations of its family is known; name one by inpaint.parts"
        )
    family, xl = _family_of(located.parts)
    header = header_of(located.path)
    check_noise(header)
    shape = header.get(FIRST_LAYER, {}).get("shape")
    shared: dict[str, Any] = {"dtype": dtype, "local_files_only": True}
    # The folder may be that of the family's plain model while the file is made for
    # inpainting, so the channels come from the file.
    unet = diffusers.UNet2DConditionModel.from_single_file(
        str(located.path),
        config=str(located.parts),
        subfolder="unet",
        **shared,
        **({"in_channels": int(shape[1])} if shape else {}),
    )
    return family.from_single_file(
        str(located.path),
        config=str(located.parts),
        unet=unet,
        **shared,
        **({} if xl else _UNUSED),
    )


def _family_of(folder: Path) -> tuple[Any, bool]:
    index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    if "unet" not in index:
        raise ValueError(
            f"it is a {index.get('_class_name', 'model of another kind')}, and this "
            "engine runs Stable Diffusion 1.x, 2.x and XL"
        )
    check_noise((), index.get("scheduler", ("", ""))[1] or "")
    if "text_encoder_2" in index:
        return diffusers.StableDiffusionXLInpaintPipeline, True
    return diffusers.StableDiffusionInpaintPipeline, False


def merge_lora(whole: Any, text: str, adapter: str) -> None:
    """Merge one LoRA file into the weights of a diffusers pipeline.

    Args:
        whole: The pipeline.
        text: `path` or `path:weight`.
        adapter: A name for it, not used before.

    Raises:
        UsageError: the file does not exist or does not fit.
    """
    path, weight = split_lora(text)
    if not path.is_file():
        raise UsageError(f"there is no LoRA file {path}; see inpaint.loras")
    if path.suffix != ".safetensors":
        raise UsageError(f"the LoRA {path} must be a .safetensors file")
    try:
        whole.load_lora_weights(
            str(path.parent),
            weight_name=path.name,
            adapter_name=adapter,
            local_files_only=True,
            use_safetensors=True,
        )
        whole.set_adapters([adapter], [weight])
        whole.fuse_lora(adapter_names=[adapter])
        whole.unload_lora_weights()
    except WHAT_LOADING_RAISES as error:
        raise UsageError(
            f"the LoRA {path} does not fit this model: {first_line(error)}"
        ) from error


def _parts(
    whole: Any, located: LocatedModel, device: torch.device, dtype: torch.dtype
) -> Checkpoint:
    """Return what is needed of a diffusers pipeline, still in main memory."""
    said = {} if located.path.is_dir() else marked(header_of(located.path))
    pairs = [
        (
            getattr(whole, f"tokenizer{tail}", None),
            getattr(whole, f"text_encoder{tail}"),
        )
        for tail in ("", "_2")
        if getattr(whole, f"text_encoder{tail}", None) is not None
    ]
    # Channels last is what the convolutions of CPUs with bfloat16 units and of GPUs
    # with tensor cores are fast at.
    layout = torch.channels_last if dtype != torch.float32 else torch.contiguous_format
    for network in (whole.unet, whole.vae, *(encoder for _, encoder in pairs)):
        network.eval().requires_grad_(False)
    for network in (whole.unet, whole.vae):
        network.to(memory_format=layout)
    return Checkpoint(
        name=located.name,
        unet=whole.unet,
        vae=whole.vae,
        tokenizers=tuple(tokenizer for tokenizer, _ in pairs),
        text_encoders=tuple(encoder for _, encoder in pairs),
        scheduler_config={**whole.scheduler.config, **said},
        device=device,
        dtype=dtype,
        xl=isinstance(whole, diffusers.StableDiffusionXLInpaintPipeline),
        empty_means_zeros=bool(whole.config.get("force_zeros_for_empty_prompt", False)),
        aesthetic=bool(whole.config.get("requires_aesthetics_score", False)),
    )


def _check_channels(checkpoint: Checkpoint) -> None:
    latent = checkpoint.latent_channels
    if checkpoint.channels not in (latent, 2 * latent + 1):
        raise EnvironmentProblem(
            f"the UNet of {checkpoint.name!r} has {checkpoint.channels} input "
            f"channels; this engine runs {latent} or, for inpainting, {2 * latent + 1}"
        )


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the libraries' progress bars and advice off the terminal while loading."""
    loggers = (diffusers_logging, transformers_logging)
    levels = [each.get_verbosity() for each in loggers]
    for each in loggers:
        each.set_verbosity_error()
        each.disable_progress_bar()
    try:
        yield
    finally:
        for each, level in zip(loggers, levels, strict=True):
            each.set_verbosity(level)
