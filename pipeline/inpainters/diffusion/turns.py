"""Networks that take turns on a device, and rest in main memory.

Each is moved when something of it is about to run, and the one before makes room. That
holds one network on the device at a time, and costs a copy of each per turn.
"""

from collections.abc import Sequence
from typing import Any

import torch

from pipeline.inpainters.diffusion.trouble import empty_caches

MAIN_MEMORY = torch.device("cpu")


class Turns:
    """Groups of networks, one of which is on the device at a time."""

    def __init__(
        self,
        groups: Sequence[Sequence[Any]],
        device: torch.device,
        rest: torch.device = MAIN_MEMORY,
    ) -> None:
        """Change nothing yet; see `begin`.

        Args:
            groups: torch modules; those of a group run together, such as a UNet and
                the ControlNet that steers it.
            device: Where they run.
            rest: Where they wait.
        """
        self._groups = [tuple(group) for group in groups]
        self._device = device
        self._rest = rest
        self._present: int | None = None
        self._begun = False

    def begin(self) -> None:
        """Clear the device, and let the networks take turns from now on."""
        if self._begun:
            return
        self._begun = True
        for place, group in enumerate(self._groups):
            for network in group:
                network.to(self._rest)
                # A VAE is run by its parts, and never as a whole.
                for part in (network, *network.children()):
                    part.register_forward_pre_hook(self._hook(place))
        self._free()

    def _hook(self, place: int) -> Any:
        def bring(*_: Any) -> None:
            self._bring(place)

        return bring

    def _bring(self, place: int) -> None:
        if self._present == place:
            return
        if self._present is not None:
            for network in self._groups[self._present]:
                network.to(self._rest)
            self._free()
        self._present = place
        for network in self._groups[place]:
            network.to(self._device)

    def _free(self) -> None:
        if self._device.type != "cpu":
            empty_caches()
