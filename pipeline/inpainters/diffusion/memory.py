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

    slots: int
    """Candidates side by side."""

    tiled: bool
    """The VAE works in tiles, which may leave faint seams."""

    note: str
    """For the candidate, "" when nothing was changed."""


def rungs(slots: int) -> tuple[Rung, ...]:
    """Return the ladder from all slots over half of them to one, then with tiles."""
    ladder = [Rung(slots, tiled=False, note="")]
    while (fewer := ladder[-1].slots // 2) > 1:
        note = f"memory ran short: {fewer} side by side, not {slots}"
        ladder.append(Rung(fewer, tiled=False, note=note))
    if slots > 1:
        note = "memory ran short: painted one by one"
        ladder.append(Rung(1, tiled=False, note=note))
    note = "memory ran short: painted one by one, decoded in tiles"
    return (*ladder, Rung(1, tiled=True, note=note))


class Ladder:
    """Where each working size stands."""

    def __init__(self, vae: Any, slots: int) -> None:
        """Start at the top.

        Args:
            vae: Is switched to tiles where a rung says so, and back.
            slots: Candidates side by side while memory lasts.
        """
        self._vae = vae
        self._rungs = rungs(slots)
        self._places: dict[Size, int] = {}

    def rung(self, size: Size) -> Rung:
        """Return the rung of a working size, with the VAE set to it."""
        rung = self._rungs[self._places.get(size, 0)]
        if rung.tiled:
            self._vae.enable_tiling()
        else:
            self._vae.disable_tiling()
        return rung

    def climb_down(self, size: Size, tried: int) -> bool:
        """Go down to where there is less at a time; False when there is no such rung.

        Args:
            size: The working size that needs too much.
            tried: How many candidates side by side were too many. Rungs that would do
                the same once more are passed over.
        """
        first = self._places.get(size, 0) + 1
        for place in range(first, len(self._rungs)):
            if self._rungs[place].slots < tried or self._rungs[place].tiled:
                self._places[size] = place
                return True
        return False


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
