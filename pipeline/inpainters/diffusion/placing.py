"""Put networks on a device, or leave them in main memory where it has too little room.

In main memory they take turns on the device, see `turns`, which is the last rung of the
memory ladder. That each can have its turn is tried at once, since a run should not find
out at its first picture.
"""

import logging
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, TypeAlias

import torch

from pipeline.errors import EnvironmentProblem
from pipeline.inpainters.diffusion.checkpoint import Checkpoint
from pipeline.inpainters.diffusion.trouble import attempt, empty_caches, no_room
from pipeline.inpainters.diffusion.turns import MAIN_MEMORY

log = logging.getLogger(__name__)

Groups: TypeAlias = Sequence[Sequence[Any]]
"""torch modules; those of a group run together, the groups one after the other."""


def groups_of(checkpoint: Checkpoint, steering: Sequence[Any] = ()) -> Groups:
    """Return the networks of a checkpoint by who runs together.

    Args:
        checkpoint: The networks.
        steering: A ControlNet beside the UNet, if there is one.
    """
    return (
        (checkpoint.unet, *steering),
        (checkpoint.vae,),
        checkpoint.text_encoders,
    )


def move_to(groups: Groups, device: torch.device, what: str, *, rests: bool) -> bool:
    """Move networks to a device, if it has room for all of them.

    Args:
        groups: The networks.
        device: Where they will run.
        what: What they belong to, for the sentence.
        rests: It is known already that there is no room for all of them.

    Returns:
        Whether they rest in main memory, and are to take turns.

    Raises:
        EnvironmentProblem: there is no room for one group at a time either.
    """
    networks = [network for group in groups for network in group]
    if not rests and _fits(networks, device):
        return False
    _clear(networks)
    for group in groups:
        fits = _fits(group, device)
        _clear(group)
        if not fits:
            raise EnvironmentProblem(no_room(device, what))
    log.warning("%s does not fit %s; its networks take turns there", what, device)
    return True


def _fits(networks: Iterable[Any], device: torch.device) -> bool:
    return attempt(partial(_moved, networks, device)) is not None


def _moved(networks: Iterable[Any], device: torch.device) -> bool:
    for network in networks:
        network.to(device)
    return True


def _clear(networks: Iterable[Any]) -> None:
    """Take networks off the device, whatever part of them got there."""
    _moved(networks, MAIN_MEMORY)
    empty_caches()
