"""What to do when the device runs out of memory: less at a time, never the same twice.

Which way down is taken depends on what ran out. The UNet is run on fewer candidates
side by side, the VAE on fewer pictures at a time and then in tiles; where that is not
enough, the working size shrinks, and at last one network at a time is on the device.
The rung that worked is remembered per working size, so the next region of that size
starts there instead of failing its way down again; networks that take turns do so for
the rest of the run.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from detectors.geometry import Size
from pipeline.inpainters.diffusion.latents import DECODED_AT_ONCE, ENCODED_AT_ONCE
from pipeline.inpainters.diffusion.tiles import set_tiles, tile_px
from pipeline.inpainters.diffusion.trouble import SMALLER, scaled
from pipeline.inpainters.diffusion.turns import Turns

Need: TypeAlias = Literal["text", "encode", "unet", "decode"]
"""What memory did not suffice for: reading the prompts, encoding the picture, a step of
the UNet (and of its ControlNet), or decoding."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One way to paint with less memory."""

    slots: int
    """Candidates side by side in the UNet."""

    asked: int
    """The same on the first rung."""

    decoded: int = DECODED_AT_ONCE
    """Candidates that the decoder holds at a time, at most."""

    encoded: int = ENCODED_AT_ONCE
    """Pictures that the encoder holds at a time, at most."""

    tiled: bool = False
    """The VAE works in tiles, which may leave faint seams."""

    share: float = 1.0
    """Of the working size's sides: how large the region is painted."""

    in_turn: bool = False
    """One network is on the device at a time, which is slow."""

    @property
    def note(self) -> str:
        """For the candidate, "" when nothing was changed."""
        changes = []
        if self.slots < self.asked:
            few = f"{self.slots} side by side, not {self.asked}"
            changes.append("painted one by one" if self.slots == 1 else few)
        if self.encoded < ENCODED_AT_ONCE:
            changes.append("encoded one by one")
        if self.decoded < DECODED_AT_ONCE:
            few = "one by one" if self.decoded == 1 else f"{self.decoded} at a time"
            changes.append(f"decoded {few}")
        if self.tiled:
            changes.append("encoded and decoded in tiles")
        if self.share < 1.0:
            changes.append("painted at three quarters of the size")
        if self.in_turn:
            changes.append("one network at a time on the device")
        return f"memory ran short: {', '.join(changes)}" if changes else ""


class Ladder:
    """Where each working size stands."""

    def __init__(
        self, vae: Any, slots: int, multiple: int, turns: Turns | None = None
    ) -> None:
        """Start at the top.

        Args:
            vae: Is switched to tiles where a rung says so, and back.
            slots: Candidates side by side while memory lasts.
            multiple: Pixels per latent; working sizes are divisible by it.
            turns: Moves networks off the device; None where there is but main memory.
        """
        self._vae = vae
        self._top = Rung(slots, slots)
        self._multiple = multiple
        self._turns = turns
        self._in_turn = False
        self._rungs: dict[Size, Rung] = {}

    def rung(self, size: Size) -> Rung:
        """Return the rung of a working size, with the VAE set to it."""
        rung = self._at(size)
        side = tile_px(self.painted(size), self._multiple) if rung.tiled else None
        set_tiles(self._vae, side, self._multiple)
        return replace(rung, tiled=side is not None, in_turn=self._in_turn)

    def painted(self, size: Size) -> Size:
        """Return how large a region is painted that was asked for at this size."""
        return scaled(size, self._at(size).share, self._multiple)

    def take_turns(self) -> bool:
        """Leave one network at a time on the device; False where it changes nothing."""
        if self._turns is None or self._in_turn:
            return False
        self._in_turn = True
        self._turns.begin()
        return True

    def climb_down(
        self, size: Size, need: Need, tried: int, *, resize: bool = True
    ) -> bool:
        """Go down to where less is needed; False when there is no such rung.

        Args:
            size: The working size that needs too much.
            need: What there was too little memory for. What would not spare any of
                it is left as it is.
            tried: How many candidates or pictures side by side were too many.
            resize: The region may be painted anew at another size.
        """
        rung = self._at(size)
        lower = self._spared(rung, size, need, tried)
        smaller = scaled(size, SMALLER, self._multiple)
        if (
            lower is None
            and resize
            and need != "text"
            and self.painted(size) != smaller
        ):
            lower = replace(rung, share=SMALLER)
        if lower is None:
            return self.take_turns()
        self._rungs[size] = lower
        return True

    def _spared(self, rung: Rung, size: Size, need: Need, tried: int) -> Rung | None:
        """Return the next rung that paints at the same size."""
        if need == "unet" and tried > 1:
            return replace(rung, slots=_fewer(rung.slots, tried))
        if need == "decode" and tried > 1:
            return replace(rung, decoded=_fewer(rung.decoded, tried))
        if need == "encode" and tried > 1:
            return replace(rung, encoded=_fewer(rung.encoded, tried))
        by_vae = need in ("encode", "decode")
        if by_vae and not rung.tiled and tile_px(self.painted(size), self._multiple):
            return replace(rung, tiled=True)
        return None

    def _at(self, size: Size) -> Rung:
        return self._rungs.get(size, self._top)


def _fewer(most: int, tried: int) -> int:
    """Halve a number, at least once, until it is below what was tried."""
    while most >= tried and most > 1:
        most //= 2
    return most
