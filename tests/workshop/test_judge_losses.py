"""What the judge is asked to learn."""

import pytest
import torch
from workshop.judge.batches import UNKNOWN, Batch
from workshop.judge.losses import losses_of, total_of

from detectors.hand_judge_net import COUNT_CLASSES, KIND_CLASSES, MAP_SIDE, Judgement

TRUTH = torch.tensor([1.0, 0.0, 1.0, 0.0])


def batch_of(flawed: torch.Tensor) -> Batch:
    """Return a batch of which nothing but the flaws is known."""
    count = len(flawed)
    return Batch(
        pixels=torch.zeros(count, 3, 8, 8),
        flawed=flawed,
        digits=torch.full((count,), UNKNOWN),
        kind=torch.zeros(count, dtype=torch.int64),
        maps=torch.zeros(count, 3, MAP_SIDE, MAP_SIDE),
        known=torch.zeros(count, 3),
        pairs=torch.tensor([[0, 1], [2, 3]]),
        origin=("render",) * count,
    )


def said(logits: list[float]) -> Judgement:
    """Return a judgement with those logits of being flawed."""
    count = len(logits)
    return Judgement(
        torch.tensor(logits, requires_grad=True),
        torch.zeros(count, len(COUNT_CLASSES)),
        torch.zeros(count, len(KIND_CLASSES)),
        torch.zeros(count, 3, MAP_SIDE, MAP_SIDE),
    )


def test_the_order_between_pictures_counts_and_not_within_pairs_alone() -> None:
    within = losses_of(said([-1.0, -3.0, 3.0, 1.0]), batch_of(TRUTH))
    between = losses_of(said([2.0, 0.0, 2.0, 0.0]), batch_of(TRUTH))
    assert within["rank"].item() == pytest.approx(between["rank"].item())
    assert within["order"].item() > between["order"].item() + 0.5


def test_unknown_digits_and_maps_teach_nothing() -> None:
    losses = losses_of(said([0.0] * 4), batch_of(TRUTH))
    for name in ("digits", "hand", "tip", "flaw"):
        assert losses[name].item() == 0.0


def test_learning_raises_flawed_hands_and_lowers_sound_ones() -> None:
    judgement = said([0.0] * 4)
    total = total_of(losses_of(judgement, batch_of(TRUTH)))
    (slopes,) = torch.autograd.grad(total, [judgement.flawed])
    assert (slopes[TRUTH > 0] < 0).all()
    assert (slopes[TRUTH == 0] > 0).all()
