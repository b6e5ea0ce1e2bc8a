"""Encode prompts, each distinct one once."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import torch

from pipeline.inpainters.diffusion.checkpoint import Checkpoint

KEPT = 256
"""Encoded prompts held at a time; one of SDXL takes about 0.3 MB in half precision."""


@dataclass(frozen=True, slots=True, eq=False)
class TextCode:
    """A prompt as the UNet reads it."""

    hidden: torch.Tensor
    """(tokens, width), in the checkpoint's number format."""

    pooled: torch.Tensor | None
    """(projection,) for SDXL, else None."""

    cut: int = 0
    """Tokens at the prompt's end that the encoder has no room for."""


class TextEncoding:
    """Turns prompts into codes and remembers them.

    Clip skip is applied to the negative prompt as well, as AUTOMATIC1111 does;
    diffusers' pipelines leave the negative prompt at full depth.
    """

    def __init__(self, checkpoint: Checkpoint, clip_skip: int) -> None:
        """Keep the encoders.

        Args:
            checkpoint: Its tokenizers and text encoders are used.
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
        hidden, pooled, cut = [], None, 0
        for tokenizer, encoder in zip(
            model.tokenizers, model.text_encoders, strict=True
        ):
            ids, dropped = _tokens(tokenizer, prompt)
            output = encoder(ids.to(model.device), output_hidden_states=True)
            hidden.append(self._layer(encoder, output))
            cut = max(cut, dropped)
            if model.xl and output[0].ndim == 2:
                pooled = output[0][0].to(model.dtype)
        joined = torch.cat(hidden, dim=-1)[0].to(model.dtype)
        if zeros:
            blank = None if pooled is None else torch.zeros_like(pooled)
            return TextCode(torch.zeros_like(joined), blank, 0)
        return TextCode(joined, pooled, cut)

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


def _final_norm(encoder: Any) -> Any:
    inner = getattr(encoder, "text_model", encoder)
    return inner.final_layer_norm


def _tokens(tokenizer: Any, prompt: str) -> tuple[torch.Tensor, int]:
    room = tokenizer.model_max_length
    whole = tokenizer(prompt, padding=False, truncation=False, verbose=False).input_ids
    padded = tokenizer(
        prompt,
        padding="max_length",
        max_length=room,
        truncation=True,
        return_tensors="pt",
    )
    return padded.input_ids, max(0, len(whole) - room)
