"""What to do when the device runs out of memory: less at a time, never the same twice.

Fewer candidates side by side, then tiles for the VAE, then a smaller working size, then
one network at a time on the device. The rung that worked is remembered per working
size, so the next region of that size starts there instead of failing its way down
again; networks that take turns do so for the rest of the run.
"""

from dataclasses import dataclass, replace
from typing import Any

from detectors.geometry import Size
from pipeline.inpainters.diffusion.trouble import SMALLER, scaled
from pipeline.inpainters.diffusion.turns import Turns


@dataclass(frozen=True, slots=True)
class Rung:
    """One way to paint with less memory."""

    slots: int
    """Candidates side by side."""

    tiled: bool = False
    """The VAE works in tiles, which may leave faint seams."""

    share: float = 1.0
    """Of the working size's sides: how large the region is painted."""

    in_turn: bool = False
    """One network is on the device at a time, which is slow."""

    asked: int = 0
    """Candidates side by side on the first rung."""

    @property
    def note(self) -> str:
        """For the candidate, "" when nothing was changed."""
        changes = []
        if self.slots < self.asked:
            few = f"{self.slots} side by side, not {self.asked}"
            changes.append("painted one by one" if self.slots == 1 else few)
        if self.tiled:
            changes.append("decoded in tiles")
        if self.share < 1.0:
            changes.append("painted at three quarters of the size")
        if self.in_turn:
            changes.append("one network at a time on the device")
        return f"memory ran short: {', '.join(changes)}" if changes else ""


def rungs(slots: int, *, in_turn: bool) -> tuple[Rung, ...]:
    """Return the ladder, from all slots to the least that can be done.

    Args:
        slots: Candidates side by side while memory lasts.
        in_turn: There is a device to move networks off.
    """
    ladder = [Rung(slots, asked=slots)]
    while ladder[-1].slots > 1:
        ladder.append(replace(ladder[-1], slots=ladder[-1].slots // 2))
    ladder.append(replace(ladder[-1], tiled=True))
    ladder.append(replace(ladder[-1], share=SMALLER))
    if in_turn:
        ladder.append(replace(ladder[-1], in_turn=True))
    return tuple(ladder)


class Ladder:
    """Where each working size stands."""

    def __init__(
        self, vae: Any, slots: int, multiple: int, turns: Turns | None = None
    ) -> None:
        """Start at the top.

        Args:
            vae: Is switched to tiles where a rung says so, and back.
            slots: Candidates side by side while memory lasts.
            multiple: Working sizes are divisible by this, in pixels.
            turns: Moves networks off the device; None where there is but main memory.
        """
        self._vae = vae
        self._rungs = rungs(slots, in_turn=turns is not None)
        self._multiple = multiple
        self._turns = turns
        self._in_turn = False
        self._places: dict[Size, int] = {}

    def rung(self, size: Size) -> Rung:
        """Return the rung of a working size, with the VAE set to it."""
        rung = self._at(self._places.get(size, 0))
        if rung.tiled:
            self._vae.enable_tiling()
        else:
            self._vae.disable_tiling()
        return rung

    def painted(self, size: Size) -> Size:
        """Return how large a region is painted that was asked for at this size."""
        share = self._rungs[self._places.get(size, 0)].share
        return scaled(size, share, self._multiple)

    def climb_down(self, size: Size, tried: int, *, resize: bool = True) -> bool:
        """Go down to where less is needed; False when there is no such rung.

        Args:
            size: The working size that needs too much.
            tried: How many candidates side by side were too many. Rungs that would do
                the same once more are passed over.
            resize: The region may be painted anew at another size.
        """
        here, before = self._places.get(size, 0), self.painted(size)
        now = self._at(here)
        for place in range(here + 1, len(self._rungs)):
            rung = self._at(place)
            same_size = scaled(size, rung.share, self._multiple) == before
            spares = (rung.tiled, rung.in_turn) != (now.tiled, now.in_turn)
            if not same_size and not resize:
                return False
            if rung.slots < tried or spares or not same_size:
                self._places[size] = place
                if rung.in_turn and self._turns is not None:
                    self._in_turn = True
                    self._turns.begin()
                return True
        return False

    def _at(self, place: int) -> Rung:
        rung = self._rungs[place]
        return replace(rung, in_turn=True) if self._in_turn else rung
