"""A compiled UNet that sees few distinct shapes.

Each new shape is compiled anew, which takes from seconds to minutes. So the number of
samples is padded to the next power of two, and only the first few working sizes and
lengths of prompts are compiled: only-masked regions all have one, and whole pictures
may have many.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch

Backend: TypeAlias = Callable[[Any, list[torch.Tensor]], Any]

SIZES_COMPILED = 4
"""Working sizes with lengths of prompts that are compiled; further ones run as they
are."""


class FixedShapes:
    """Stands in for a UNet, and is called like one."""

    def __init__(
        self,
        unet: Any,
        most_rows: int,
        *,
        backend: str | Backend,
        compiler: Callable[..., Any] = torch.compile,
    ) -> None:
        """Set up the compiler; nothing is compiled before the first call.

        Args:
            unet: diffusers' UNet2DConditionModel.
            most_rows: The most samples of one call.
            backend: What torch.compile hands the network to: a name that it knows, or
                a function.
            compiler: torch.compile.
        """
        self._unet = unet
        self._counts = row_counts(most_rows)
        self._sizes: set[tuple[int, ...]] = set()
        # With and without a ControlNet's arguments.
        limit = 2 * SIZES_COMPILED * len(self._counts) + 1
        named, self._shared = _limited(compiler, limit)
        self._compiled = compiler(unet, dynamic=False, backend=backend, **named)

    def __call__(
        self, inputs: torch.Tensor, times: torch.Tensor, **named: Any
    ) -> tuple[torch.Tensor, ...]:
        """Run the UNet.

        Args:
            inputs: (N, channels, h, w).
            times: (N,): the timestep of each sample.
            **named: What else a UNet takes; tensors have N rows.
        """
        text = named.get("encoder_hidden_states")
        size = (*inputs.shape[1:], *(() if text is None else text.shape[1:]))
        if size not in self._sizes and len(self._sizes) >= SIZES_COMPILED:
            plain: tuple[torch.Tensor, ...] = self._unet(inputs, times, **named)
            return plain
        self._sizes.add(size)
        rows = inputs.shape[0]
        fitting = (count for count in self._counts if count >= rows)
        more = next(fitting, rows) - rows
        padded = _padded((inputs, times, named), more)
        with torch._dynamo.config.patch(**self._shared):
            told = self._compiled(padded[0], padded[1], **padded[2])
        return tuple(each[:rows] for each in told)


def row_counts(most: int) -> tuple[int, ...]:
    """Return the numbers of samples that calls are padded to: 1, 2, 4 ... and the most.

    Args:
        most: The most samples of one call.
    """
    powers = [2**power for power in range(most.bit_length()) if 2**power < most]
    return (*powers, most)


def _limited(
    compiler: Callable[..., Any], limit: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Say how a compiler is told to compile more often than its eight times.

    Returns:
        Its arguments, and changes to the settings of all compiled functions. Older
        releases of torch have no such arguments, and would quietly stop compiling.
    """
    own = {"recompile_limit": limit, "isolate_recompiles": True}
    if own.keys() <= inspect.signature(compiler).parameters.keys():
        return own, {}
    return {}, {"recompile_limit": limit}


def _padded(value: Any, more: int) -> Any:
    """Repeat the first row of every tensor inside a value."""
    if isinstance(value, torch.Tensor):
        if not more:
            return value
        return torch.cat([value, value[:1].expand(more, *value.shape[1:])])
    if isinstance(value, Mapping):
        return {name: _padded(each, more) for name, each in value.items()}
    if isinstance(value, tuple):
        return tuple(_padded(each, more) for each in value)
    return value
