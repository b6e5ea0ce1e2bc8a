"""What the judge is trained to get right."""

import torch
from torch import Tensor
from torch.nn import functional

from detectors.hand_judge_net import Judgement
from workshop.judge.batches import UNKNOWN, Batch

SMOOTHING = 0.04
WEIGHTS = {
    "flawed": 1.0,
    "rank": 0.6,
    "order": 0.6,
    "digits": 0.4,
    "kind": 0.3,
    "hand": 0.5,
    "tip": 1.0,
    "flaw": 1.0,
}
_MAP_NAMES = ("hand", "tip", "flaw")
_MAP_LIFT = (1.0, 8.0, 4.0)
"""How much more a cell counts that should be drawn: tips and flaws are small."""


def losses_of(said: Judgement, batch: Batch) -> dict[str, Tensor]:
    """Return each loss by name, unweighted; all in float32."""
    flawed = said.flawed.float()
    target = batch.flawed * (1 - 2 * SMOOTHING) + SMOOTHING
    found = {
        "flawed": functional.binary_cross_entropy_with_logits(flawed, target),
        "digits": functional.cross_entropy(
            said.digits.float(), batch.digits, ignore_index=UNKNOWN, reduction="sum"
        )
        / max(1, int((batch.digits != UNKNOWN).sum())),
        "kind": functional.cross_entropy(
            said.kind.float(), batch.kind, label_smoothing=SMOOTHING
        ),
    }
    if len(batch.pairs):
        gap = flawed[batch.pairs[:, 0]] - flawed[batch.pairs[:, 1]]
        found["rank"] = functional.softplus(1.0 - gap).mean()
    found["order"] = _order_loss(flawed, batch.flawed > 0)
    found.update(_map_losses(said.maps.float(), batch))
    return found


def _order_loss(flawed: Tensor, truly: Tensor) -> Tensor:
    """Ask every flawed hand of a batch to stand above every sound one.

    Twins teach what a change looks like, strangers what is normal: what counts in use
    is the order of hands from different pictures, which is the area under the curve.

    Args:
        flawed: (N,) logits.
        truly: (N,) bool, which hands are flawed; some must be, and some not.
    """
    gaps = flawed[truly][:, None] - flawed[~truly][None]
    return functional.softplus(1.0 - gaps).mean()


def _map_losses(drawn: Tensor, batch: Batch) -> dict[str, Tensor]:
    each = functional.binary_cross_entropy_with_logits(
        drawn, batch.maps, reduction="none"
    )
    lift = torch.tensor(_MAP_LIFT)[None, :, None, None] - 1.0
    weight = 1.0 + lift * batch.maps
    per_map = (each * weight).mean((2, 3)) * batch.known
    known = batch.known.sum(0).clamp(min=1.0)
    mean = per_map.sum(0) / known
    return dict(zip(_MAP_NAMES, mean.unbind(), strict=True))


def total_of(losses: dict[str, Tensor]) -> Tensor:
    """Return the weighted sum."""
    return torch.stack([WEIGHTS[name] * loss for name, loss in losses.items()]).sum()
