"""What to do when the device runs out of memory: less at a time, never the same twice.

The rung that worked is remembered per working size, so the next region of that size
starts there instead of failing its way down again.
"""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch

from detectors.geometry import Size

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Rung:
    """One way to paint with less memory."""

    one_by_one: bool
    tiled: bool
    """The VAE works in tiles, which may leave faint seams."""

    note: str
    """For the candidate, "" when nothing was changed."""


RUNGS = (
    Rung(one_by_one=False, tiled=False, note=""),
    Rung(one_by_one=True, tiled=False, note="memory ran short: painted one by one"),
    Rung(
        one_by_one=True,
        tiled=True,
        note="memory ran short: painted one by one, decoded in tiles",
    ),
)


class Ladder:
    """Where each working size stands."""

    def __init__(self, vae: Any) -> None:
        """Start at the top.

        Args:
            vae: Is switched to tiles where a rung says so, and back.
        """
        self._vae = vae
        self._places: dict[Size, int] = {}

    def rung(self, size: Size) -> Rung:
        """Return the rung of a working size, with the VAE set to it."""
        rung = RUNGS[self._places.get(size, 0)]
        if rung.tiled:
            self._vae.enable_tiling()
        else:
            self._vae.disable_tiling()
        return rung

    def climb_down(self, size: Size) -> bool:
        """Go one rung down; False when that was the last."""
        place = self._places.get(size, 0) + 1
        if place >= len(RUNGS):
            return False
        self._places[size] = place
        return True


def attempt(work: Callable[[], Result]) -> Result | None:
    """Do some work; None when it ran out of memory, with everything it held let go.

    The except block is left before anything is freed: the exception holds on to every
    tensor of the frames that it went through.
    """
    try:
        return work()
    except torch.OutOfMemoryError:
        pass
    except RuntimeError as error:
        # What the CPU's allocator raises has no class of its own.
        if "can't allocate memory" not in str(error):
            raise
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return None
