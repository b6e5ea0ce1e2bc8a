"""What to do when a whole pipeline runs out of memory: four ways down, each once.

Tiles for the VAE, then parts moved to the device only while they work, then layer by
layer, then a smaller picture. The rung that worked is kept for the rest of the run.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from detectors.geometry import Size
from pipeline.inpainters.diffusion.trouble import SMALLER, scaled

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rung:
    """One way to paint with less memory."""

    note: str
    """For the candidate, "" when nothing was changed."""

    take: Callable[[Any, Any], bool]
    """Set the pipeline to it; False when it cannot be done here."""

    share: float = 1.0
    """Of the working size's sides."""


class Ladder:
    """Where a pipeline stands; it never goes up again."""

    def __init__(self, whole: Any, device: Any) -> None:
        self._whole = whole
        self._device = device
        self._place = 0

    @property
    def note(self) -> str:
        return RUNGS[self._place].note

    def size(self, working: Size, multiple: int) -> Size:
        """Return the size to paint at, divisible like the working size."""
        return scaled(working, RUNGS[self._place].share, multiple)

    def climb_down(self) -> bool:
        """Go to the next rung that can be had; False when there is none."""
        while self._place + 1 < len(RUNGS):
            self._place += 1
            if RUNGS[self._place].take(self._whole, self._device):
                log.warning("%s", self.note)
                return True
        return False


def _as_it_is(whole: Any, device: Any) -> bool:
    del whole, device
    return True


def _tile(whole: Any, device: Any) -> bool:
    del device
    if not hasattr(whole.vae, "enable_tiling"):
        return False
    whole.vae.enable_tiling()
    return True


def _move_parts(whole: Any, device: Any) -> bool:
    return _offload(whole, device, "enable_model_cpu_offload")


def _move_layers(whole: Any, device: Any) -> bool:
    return _offload(whole, device, "enable_sequential_cpu_offload")


def _offload(whole: Any, device: Any, method: str) -> bool:
    if device.type == "cpu":
        return False
    try:
        whole.to("cpu")
        getattr(whole, method)(device=device)
    except (ImportError, ValueError) as error:  # accelerate is optional
        log.info("parts cannot be moved off the device: %s", error)
        whole.to(device)
        return False
    return True


RUNGS = (
    Rung("", _as_it_is),
    Rung("memory ran short: encoded and decoded in tiles", _tile),
    Rung("memory ran short: parts were moved to the device in turn", _move_parts),
    Rung("memory ran short: layers were moved to the device in turn", _move_layers),
    Rung("memory ran short: painted at three quarters of the size", _as_it_is, SMALLER),
)
