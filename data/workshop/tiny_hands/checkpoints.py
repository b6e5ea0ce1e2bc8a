"""Save and resume a training wherever it is stopped."""

from pathlib import Path
from typing import Any

import torch


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Write a training's state; a stop midway leaves the former one in place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    torch.save(state, temporary)
    temporary.rename(path)


def load_state(path: Path) -> dict[str, Any] | None:
    """Return the state of an earlier training, or None when there is none."""
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, weights_only=True)
    return state


class Average:
    """The exponential moving average of a network's weights."""

    def __init__(self, network: torch.nn.Module, decay: float) -> None:
        self._decay = decay
        self._steps = 0
        self.weights = {
            name: value.detach().clone() for name, value in network.state_dict().items()
        }

    @torch.no_grad()
    def follow(self, network: torch.nn.Module) -> None:
        """Move towards the network; quickly in the first steps."""
        self._steps += 1
        decay = min(self._decay, (1 + self._steps) / (10 + self._steps))
        for name, value in network.state_dict().items():
            if value.dtype.is_floating_point:
                self.weights[name].lerp_(value, 1 - decay)
            else:
                self.weights[name].copy_(value)

    def state(self) -> dict[str, Any]:
        return {"steps": self._steps, "weights": self.weights}

    def restore(self, state: dict[str, Any]) -> None:
        self._steps, self.weights = state["steps"], state["weights"]
