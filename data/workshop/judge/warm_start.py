"""Fit the judge's glance to the trunk before fine-tuning starts."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from detectors.hand_judge_net import HandJudgeNet
from workshop.judge.augment import Strength
from workshop.judge.batches import UNKNOWN, Batch, Pool, Stored, batch_of

DECAY = 0.02
STEPS = 300
LOOKED_AT = 3600


def fit_glance(net: HandJudgeNet, pool: Pool, seed: int) -> dict[str, float]:
    """Fit `net.glance` in place; return how well it does on what it was fitted to.

    Every answer is fitted at once by full-batch Adam with weight decay: the flaw by
    cross entropy and by the order within pairs, count and kind by cross entropy.
    """
    rng = np.random.default_rng(seed)
    chosen, pairs = _choose(pool, rng)
    pooled, batch = _pool_all(net, chosen)
    mean, spread = pooled.mean(0), pooled.std(0)
    net.glance.mean.copy_(mean)
    net.glance.scale.copy_(1 / (spread + 0.05 * spread.mean()))
    inputs = (pooled - net.glance.mean) * net.glance.scale
    answer = net.glance.answer
    with torch.no_grad():
        answer.weight.zero_()
        answer.bias.zero_()
    optimiser = torch.optim.AdamW(answer.parameters(), lr=3e-3, weight_decay=0.0)
    first, second = pairs[:, 0], pairs[:, 1]
    for _ in range(STEPS):
        said = answer(functional.dropout(inputs, 0.3))
        gap = said[first, 0] - said[second, 0]
        loss = (
            functional.binary_cross_entropy_with_logits(said[:, 0], batch.flawed)
            + functional.softplus(1 - gap).mean()
            + 0.4
            * functional.cross_entropy(said[:, 1:7], batch.digits, ignore_index=UNKNOWN)
            + 0.3 * functional.cross_entropy(said[:, 7:], batch.kind)
            + DECAY * answer.weight.square().sum()
        )
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    with torch.no_grad():
        gap = (answer(inputs)[first, 0] - answer(inputs)[second, 0]) > 0
    return {"glance_pairs": float(gap.float().mean()), "n": len(chosen)}


def _choose(
    pool: Pool, rng: np.random.Generator
) -> tuple[list[tuple[Stored, int]], Tensor]:
    """Return samples with the seed of their look, and which of them are pairs."""
    chosen: list[tuple[Stored, int]] = []
    pairs: list[tuple[int, int]] = []
    everything = [pair for found in pool.pairs.values() for pair in found]
    for index in rng.permutation(len(everything))[: LOOKED_AT * 3 // 8]:
        flawed, sound = everything[index]
        seed = int(rng.integers(1 << 31))
        pairs.append((len(chosen), len(chosen) + 1))
        chosen.append((flawed[int(rng.integers(len(flawed)))], seed))
        chosen.append((sound[int(rng.integers(len(sound)))], seed))
    for index in rng.permutation(len(pool.singles))[: LOOKED_AT // 4]:
        chosen.append((pool.singles[index], int(rng.integers(1 << 31))))
    return chosen, torch.tensor(pairs)


def _pool_all(
    net: HandJudgeNet, chosen: Sequence[tuple[Stored, int]]
) -> tuple[Tensor, Batch]:
    net.eval()
    pooled: list[Tensor] = []
    batches: list[Batch] = []
    for first in range(0, len(chosen), 24):
        batch = batch_of(chosen[first : first + 24], Strength())
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            pooled.append(net.glance.pool(net.trunk(batch.pixels)))
        batches.append(batch)
    joined = batches[0]._replace(
        flawed=torch.cat([batch.flawed for batch in batches]),
        digits=torch.cat([batch.digits for batch in batches]),
        kind=torch.cat([batch.kind for batch in batches]),
    )
    return torch.cat(pooled), joined
