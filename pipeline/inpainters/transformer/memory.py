"""What to do when a whole pipeline runs out of memory: four ways down, each once.

Tiles where it was the VAE that ran short, then parts moved to the device only while
they work, then layer by layer, then a smaller picture. What was done is kept for the
rest of the run.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from detectors.geometry import Size
from pipeline.inpainters.diffusion.tiles import set_tiles, tile_px
from pipeline.inpainters.diffusion.trouble import SMALLER, scaled

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Measure:
    """One way to need less memory."""

    words: str
    """For the candidate."""

    offload: str = ""
    """The pipeline's method that keeps it in main memory; "" where it stays put."""


TILES = Measure("encoded and decoded in tiles")
PARTS = Measure("parts were moved to the device in turn", "enable_model_cpu_offload")
LAYERS = Measure(
    "layers were moved to the device in turn", "enable_sequential_cpu_offload"
)
SHRUNK = Measure("painted at three quarters of the size")
MEASURES = (TILES, PARTS, LAYERS, SHRUNK)


class Ladder:
    """Which measures a pipeline has taken; it never takes one back."""

    def __init__(self, whole: Any, device: torch.device) -> None:
        """Start at the top.

        Args:
            whole: diffusers' pipeline.
            device: Where it runs.
        """
        self._whole = whole
        self._device = device
        self._fits = True
        self._left = list(MEASURES)
        self._taken: list[Measure] = []
        self._busy = Busy(whole)

    @property
    def note(self) -> str:
        """For the candidate, "" when nothing was changed."""
        # Layers take the place of parts.
        by_layers = LAYERS in self._taken
        words = [m.words for m in self._taken if not (m is PARTS and by_layers)]
        return f"memory ran short: {', '.join(words)}" if words else ""

    def size(self, working: Size, multiple: int) -> Size:
        """Return the size to paint at, with the VAE set to it.

        Args:
            working: The size that is asked for.
            multiple: It is divisible by this, in pixels.
        """
        painted = scaled(working, SMALLER if SHRUNK in self._taken else 1.0, multiple)
        if TILES in self._taken:
            set_tiles(self._whole.vae, self._tile_px(painted), self._scale)
        self._busy.clear()
        return painted

    def begin_in_parts(self) -> bool:
        """Start with a pipeline that lies in main memory, being too large elsewhere.

        Returns:
            False when it cannot be moved there in parts either.
        """
        self._fits = False
        return self._take([measure for measure in self._left if measure.offload])

    def climb_down(self, working: Size, multiple: int) -> bool:
        """Take the next measure that helps; False when there is none.

        Args:
            working: The size that was asked for when memory did not suffice.
            multiple: It is divisible by this, in pixels.
        """
        smaller = scaled(working, SMALLER, multiple)
        painted = smaller if SHRUNK in self._taken else working
        useless: set[Measure] = set()
        # Tiles are no help to a transformer or a text encoder; they stay for later.
        if self._busy.name or self._tile_px(painted) is None:
            useless.add(TILES)
        if smaller == working:
            useless.add(SHRUNK)
        return self._take([each for each in self._left if each not in useless])

    @property
    def _scale(self) -> int:
        return int(self._whole.vae_scale_factor)

    def _tile_px(self, painted: Size) -> int | None:
        if not hasattr(self._whole.vae, "enable_tiling"):
            return None
        return tile_px(painted, self._scale)

    def _take(self, measures: Sequence[Measure]) -> bool:
        """Take the first of some measures that can be had."""
        for measure in measures:
            self._left.remove(measure)
            if measure.offload and not self._offload(measure.offload):
                continue
            self._taken.append(measure)
            log.warning("%s", self.note)
            return True
        return False

    def _offload(self, method: str) -> bool:
        if self._device.type == "cpu":
            return False
        try:
            self._whole.to("cpu")
            getattr(self._whole, method)(device=self._device)
        except (ImportError, ValueError) as error:  # accelerate is optional
            log.info("parts cannot be moved off the device: %s", error)
            if self._fits and PARTS not in self._taken:
                self._whole.to(self._device)
            return False
        return True


class Busy:
    """Knows which network was at work when something failed; not so for the VAE."""

    def __init__(self, whole: Any) -> None:
        self.name = ""
        parts = getattr(whole, "components", {})
        for name, part in parts.items():
            if isinstance(part, torch.nn.Module) and name != "vae":
                part.register_forward_pre_hook(self._noting(name))
                part.register_forward_hook(self._noting(""))

    def clear(self) -> None:
        """Forget what failed before."""
        self.name = ""

    def _noting(self, name: str) -> Callable[..., None]:
        def note(*_: Any) -> None:
            self.name = name

        return note
