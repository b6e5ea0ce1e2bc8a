"""Load embeddings: words that textual inversion taught a text encoder.

Files are in one of three layouts: the vectors under any one name (diffusers), under
"emb_params" (AUTOMATIC1111), or one set per encoder under "clip_l" and "clip_g" (SDXL).
Which encoder a set is for is told by its width. The older files, .pt of AUTOMATIC1111
("string_to_param") and .bin of diffusers, are pickles, which may run code; a reader of
PyTorch's reads them that knows numbers only, and refuses all else.
"""

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from pipeline.errors import UsageError
from pipeline.inpainters.diffusion.checkpoint import Checkpoint, Embedding
from pipeline.inpainters.diffusion.trouble import WHAT_LOADING_RAISES, first_line

PICKLED = (".pt", ".bin")


def load_embeddings(
    files: Sequence[Path], checkpoint: Checkpoint
) -> tuple[Embedding, ...]:
    """Load embeddings for the text encoders of a checkpoint.

    Args:
        files: .safetensors, .pt or .bin files; a prompt names each by its file's name.
        checkpoint: Of which family they must be.

    Raises:
        UsageError: a file does not exist, is damaged, or fits another family.
    """
    loaded = tuple(_load(file.expanduser(), checkpoint) for file in files)
    triggers = [each.trigger for each in loaded]
    twice = next((name for name in triggers if triggers.count(name) > 1), None)
    if twice is not None:
        raise UsageError(
            f"two embeddings are called {twice!r}; rename a file of inpaint.embeddings"
        )
    return loaded


def _load(file: Path, checkpoint: Checkpoint) -> Embedding:
    if not file.is_file():
        raise UsageError(f"there is no embedding {file}; see inpaint.embeddings")
    held = _vectors_in(file)
    # One vector may be stored without its axis.
    vectors = [each.reshape(-1, each.shape[-1:].numel()) for each in held]
    chosen = []
    for tokenizer, encoder in zip(
        checkpoint.tokenizers, checkpoint.text_encoders, strict=True
    ):
        width, room = int(encoder.config.hidden_size), tokenizer.model_max_length - 2
        fitting = (
            each for each in vectors if each.shape[1] == width and len(each) <= room
        )
        found = next(fitting, None)
        if found is None:
            raise UsageError(
                f"the embedding {file} does not fit this model: it has no vectors of "
                f"width {width}, or more than {room}; see inpaint.embeddings"
            )
        chosen.append(found)
    return Embedding(file.stem.lower(), tuple(each.float() for each in chosen))


def _vectors_in(file: Path) -> list[torch.Tensor]:
    """Read all that a file holds, without running any of it."""
    kind = file.suffix.lower()
    try:
        if kind == ".safetensors":
            return list(load_file(file).values())
        if kind in PICKLED:
            # The first textual inversion kept its vectors in a ParameterDict.
            with torch.serialization.safe_globals([torch.nn.ParameterDict]):
                held = torch.load(file, map_location="cpu", weights_only=True)
            return _tensors_of(held)
    except pickle.UnpicklingError as error:
        raise UsageError(
            f"the embedding {file} is damaged, or holds more than vectors, which could "
            "run code; it was not opened; see inpaint.embeddings"
        ) from error
    except (*WHAT_LOADING_RAISES, EOFError, IndexError, AttributeError) as error:
        raise UsageError(
            f"the embedding {file} is damaged: {first_line(error)}"
        ) from error
    raise UsageError(
        f"the embedding {file} must be a .safetensors, .pt or .bin file; "
        "see inpaint.embeddings"
    )


def _tensors_of(held: Any) -> list[torch.Tensor]:
    """Return the vectors among what a pickle held."""
    if isinstance(held, torch.Tensor):
        return [held.detach()] if held.ndim and held.is_floating_point() else []
    if isinstance(held, torch.nn.Module):
        return [each for part in held.parameters() for each in _tensors_of(part)]
    if not isinstance(held, Mapping):
        return []
    parts = [held["string_to_param"]] if "string_to_param" in held else held.values()
    return [each for part in parts for each in _tensors_of(part)]
