"""The number format in which networks are trained on this machine's CPU."""

import torch

from pipeline.devices import cpu_computes_bf16


def fast_dtype() -> torch.dtype:
    """Return bfloat16 where the CPU multiplies it in hardware, else float32.

    Where it does not, bfloat16 is emulated, and takes several times as long as float32.
    """
    return torch.bfloat16 if cpu_computes_bf16() else torch.float32


def autocast() -> torch.autocast:
    """Return the context in which a network computes fast here."""
    return torch.autocast("cpu", torch.bfloat16, enabled=cpu_computes_bf16())
