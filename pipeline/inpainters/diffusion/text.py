"""Encode prompts, each distinct one once, with the weights of their words."""

import math
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from pipeline.emphasis import parse
from pipeline.inpainters.diffusion.checkpoint import Checkpoint
from pipeline.inpainters.diffusion.chunks import Layout, Token, lay_out

KEPT = 256
"""Encoded prompts held at a time; one of SDXL takes about 0.3 MB in half precision."""


@dataclass(frozen=True, slots=True, eq=False)
class TextCode:
    """A prompt as the UNet reads it."""

    hidden: torch.Tensor
    """(tokens, width), in the checkpoint's number format; 77 tokens for each chunk."""

    pooled: torch.Tensor | None
    """(projection,) for SDXL, else None; of the first chunk, as AUTOMATIC1111 does."""

    cut: int = 0
    """Tokens at the prompt's end that are not read."""


class TextEncoding:
    """Turns prompts into codes and remembers them.

    Clip skip is applied to the negative prompt as well, as AUTOMATIC1111 does;
    diffusers' pipelines leave the negative prompt at full depth. They also read 77
    tokens and no weights; for such prompts the codes are theirs.
    """

    def __init__(self, checkpoint: Checkpoint, clip_skip: int) -> None:
        """Keep the encoders.

        Args:
            checkpoint: Its tokenizers, text encoders and embeddings are used.
            clip_skip: Layers left out at the encoder's end, counted from what the
                family uses by itself (the last for SD, the last but one for SDXL).
        """
        self._checkpoint = checkpoint
        self._clip_skip = clip_skip
        self._known: OrderedDict[tuple[str, bool], TextCode] = OrderedDict()

    def encode(self, prompt: str, *, negative: bool = False) -> TextCode:
        """Return the code of a prompt; `negative` matters only where "" means zeros."""
        zeros = negative and not prompt and self._checkpoint.empty_means_zeros
        key = (prompt, zeros)
        if key not in self._known:
            with torch.inference_mode():
                self._known[key] = self._fresh(prompt, zeros)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]

    def _fresh(self, prompt: str, zeros: bool) -> TextCode:
        model = self._checkpoint
        layouts = self._layouts(prompt)
        hidden, pooled = [], None
        for place, layout in enumerate(layouts):
            encoder = model.text_encoders[place]
            numbers = [[token.number for token in chunk] for chunk in layout.chunks]
            ids = torch.tensor(numbers, device=model.device)
            with _vectors_laid_in(model, place, layout):
                output = encoder(ids, output_hidden_states=True)
            hidden.append(_weighted(self._layer(encoder, output), layout).flatten(0, 1))
            if model.xl and output[0].ndim == 2:
                pooled = output[0][0].to(model.dtype)
        joined = torch.cat(hidden, dim=-1).to(model.dtype)
        if zeros:
            blank = None if pooled is None else torch.zeros_like(pooled)
            return TextCode(torch.zeros_like(joined), blank, 0)
        return TextCode(joined, pooled, max(layout.dropped for layout in layouts))

    def _layouts(self, prompt: str) -> list[Layout]:
        """Return one layout for each text encoder, all of as many chunks."""
        model, sections = self._checkpoint, parse(prompt)
        layouts = [
            lay_out(
                tokenizer,
                sections,
                {each.trigger: len(each.vectors[place]) for each in model.embeddings},
            )
            for place, tokenizer in enumerate(model.tokenizers)
        ]
        most = max(len(layout.chunks) for layout in layouts)
        evened = []
        for tokenizer, layout in zip(model.tokenizers, layouts, strict=True):
            blank = lay_out(tokenizer, ((),), {}).chunks * (most - len(layout.chunks))
            evened.append(Layout((*layout.chunks, *blank), layout.dropped))
        return evened

    def _layer(self, encoder: Any, output: Any) -> torch.Tensor:
        skip = self._clip_skip
        if self._checkpoint.xl:
            layer: torch.Tensor = output.hidden_states[-(skip + 2)]
            return layer
        if not skip:
            last: torch.Tensor = output[0]
            return last
        # Layers before the last have not been through the encoder's final norm, and
        # the UNet was trained on normed ones.
        normed: torch.Tensor = _final_norm(encoder)(output.hidden_states[-(skip + 1)])
        return normed


def side_by_side(codes: Sequence[TextCode]) -> torch.Tensor:
    """Stack codes of any lengths for one call of the UNet.

    Shorter ones are repeated until all are as long. That changes nothing of what they
    say, since cross-attention weighs equal tokens equally, and so a candidate is the
    same whatever prompts are beside it.

    Returns:
        (N, tokens, width), where tokens is a common multiple of all lengths.
    """
    tokens = math.lcm(*(len(code.hidden) for code in codes))
    return torch.stack(
        [code.hidden.repeat(tokens // len(code.hidden), 1) for code in codes]
    )


def _weighted(hidden: torch.Tensor, layout: Layout) -> torch.Tensor:
    """Let some words count more, as AUTOMATIC1111 does by its option "Original".

    Each token is multiplied by its weight, and the chunk as a whole then brought back
    to the mean that it had.

    Args:
        hidden: (chunks, tokens, width).
        layout: Holds the weights.
    """
    weights = torch.tensor([[t.weight for t in chunk] for chunk in layout.chunks])
    if bool((weights == 1.0).all()):
        return hidden
    plain = hidden.float()
    told = plain * weights.to(plain.device)[..., None]
    before, after = (each.mean(dim=(1, 2), keepdim=True) for each in (plain, told))
    return torch.where(after != 0, told * (before / after), told)


@contextmanager
def _vectors_laid_in(model: Checkpoint, place: int, layout: Layout) -> Iterator[None]:
    """While an encoder runs, put the vectors of embeddings where they stand.

    They are not added to the encoder's vocabulary: some encoders find the end of a text
    by the largest number in it.
    """
    vectors = {each.trigger: each.vectors[place] for each in model.embeddings}

    def lay_in(_: Any, __: Any, looked_up: torch.Tensor) -> torch.Tensor:
        for row, column, trigger, number in _places(layout.chunks):
            looked_up[row, column] = vectors[trigger][number].to(looked_up)
        return looked_up

    table = model.text_encoders[place].get_input_embeddings()
    hook = table.register_forward_hook(lay_in)
    try:
        yield
    finally:
        hook.remove()


def _places(
    chunks: Sequence[Sequence[Token]],
) -> Iterator[tuple[int, int, str, int]]:
    for row, chunk in enumerate(chunks):
        for column, token in enumerate(chunk):
            if token.vector is not None:
                yield (row, column, *token.vector)


def _final_norm(encoder: Any) -> Any:
    inner = getattr(encoder, "text_model", encoder)
    return inner.final_layer_norm
