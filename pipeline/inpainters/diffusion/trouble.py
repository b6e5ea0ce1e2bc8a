"""What can go wrong on a device: too little memory, or no answer any more."""

import gc
from collections.abc import Callable
from typing import TypeVar

import torch
from safetensors import SafetensorError

from detectors.geometry import Size
from pipeline.devices import is_lost, is_out_of_memory
from pipeline.errors import EnvironmentProblem

Result = TypeVar("Result")

WHAT_LOADING_RAISES = (
    *(OSError, ValueError, KeyError, RuntimeError, TypeError),
    SafetensorError,
)
"""On a file that is damaged, or made for something else."""

SMALLER = 0.75
"""Of each side, where memory does not suffice for the working size: a little over half
of the pixels."""


def attempt(work: Callable[[], Result]) -> Result | None:
    """Do some work; None when it ran out of memory, with everything it held let go.

    The except block is left before anything is freed: the exception holds on to every
    tensor of the frames that it went through.
    """
    try:
        return work()
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
    gc.collect()
    empty_caches()
    return None


def empty_caches() -> None:
    """Give back what torch's allocators keep for later."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


def check_device(error: Exception) -> None:
    """Tell an accelerator that is lost from a candidate that failed.

    Raises:
        EnvironmentProblem: no later call can succeed either.
    """
    if is_lost(error):
        raise EnvironmentProblem(
            f"the device does not answer any more ({first_line(error)}); the same "
            "command goes on where the run stopped"
        ) from error


def first_line(error: BaseException) -> str:
    """Return what an exception says, cut to one line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def too_little(size: Size) -> str:
    """Say that memory ran out for good."""
    return (
        f"the device has too little memory for {size.width}x{size.height}; "
        "see plan.working_px"
    )


def no_room(device: torch.device, what: str) -> str:
    """Say that a model does not fit a device, not even a part of it at a time."""
    return (
        f"the device {device} has too little memory for {what}, even for one part of "
        "it at a time; end what else runs there, or choose a smaller inpaint.model or "
        "--device cpu"
    )


def scaled(working: Size, share: float, multiple: int) -> Size:
    """Return a share of a working size, divisible like it.

    Args:
        working: In pixels.
        share: Of each side; 1 leaves it as it is.
        multiple: Both sides must be divisible by this; neither becomes 0.
    """
    if share == 1.0:
        return working
    width, height = (
        max(1, int(side * share) // multiple) * multiple for side in working
    )
    return Size(width, height)
