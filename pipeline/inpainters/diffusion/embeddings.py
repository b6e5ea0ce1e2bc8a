"""Load embeddings: words that textual inversion taught a text encoder.

Files are in one of three layouts: the vectors under any one name (diffusers), under
"emb_params" (AUTOMATIC1111), or one set per encoder under "clip_l" and "clip_g" (SDXL).
Which encoder a set is for is told by its width. Only safetensors are read: the older
.pt files may run code when they are opened.
"""

from collections.abc import Sequence
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file

from pipeline.errors import UsageError
from pipeline.inpainters.diffusion.checkpoint import Checkpoint, Embedding
from pipeline.inpainters.diffusion.trouble import first_line


def load_embeddings(
    files: Sequence[Path], checkpoint: Checkpoint
) -> tuple[Embedding, ...]:
    """Load embeddings for the text encoders of a checkpoint.

    Args:
        files: .safetensors files; a prompt names each by its file's name.
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
    if file.suffix != ".safetensors":
        raise UsageError(
            f"the embedding {file} must be a .safetensors file, because others may run "
            "code when they are opened; see inpaint.embeddings"
        )
    try:
        held = load_file(file)
    except (OSError, ValueError, SafetensorError) as error:
        raise UsageError(
            f"the embedding {file} is damaged: {first_line(error)}"
        ) from error
    # One vector may be stored without its axis.
    vectors = [each.reshape(-1, each.shape[-1:].numel()) for each in held.values()]
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
