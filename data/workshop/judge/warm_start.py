"""Fit the judge's glance to the trunk as it stands: before fine-tuning, and after.

The glance is linear in what the trunk saw, so its best weights can be found at once,
which no number of small steps beside a changing trunk comes near to.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from detectors.evaluation import auc_of
from detectors.hand_judge_net import COUNT_CLASSES, HandJudgeNet
from workshop.judge.augment import Strength
from workshop.judge.batches import UNKNOWN, Batch, Pool, Stored, batch_of, load_pool
from workshop.precision import autocast

DECAYS = (0.02, 0.05, 0.12, 0.3)
STEPS = 300
LOOKED_AT = 3600
HELD_OUT_LOOKED_AT = 700
STILL = Strength(turn=0.05, scale=0.04, shift=0.02, looks=False)


class Seen(NamedTuple):
    """What a network sees in many samples, and what it should say about them."""

    pooled: Tensor
    """(N, POOLED) float32, not yet scaled."""

    offset: Tensor
    """(N, answers) float32: what the rest of the head says."""

    batch: Batch
    """Labels only; the pixels are those of the first few."""

    pairs: Tensor
    """(P, 2) int64: flawed and sound member of each pair."""

    def truth(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return flawed (N,), digits (N,) and kind (N,)."""
        return self.batch.flawed, self.batch.digits, self.batch.kind


def fit_glance(
    net: HandJudgeNet, pool: Pool, held_out: Pool, seed: int
) -> dict[str, float]:
    """Fit `net.glance` in place; return how well it does.

    Of several weight decays the one with the best AUC on held-out samples is taken.
    """
    rng = np.random.default_rng(seed)
    known = look_at(net, pool, rng, Strength(), LOOKED_AT)
    kept = look_at(net, held_out, rng, STILL, HELD_OUT_LOOKED_AT)
    mean, spread = known.pooled.mean(0), known.pooled.std(0)
    net.glance.mean.copy_(mean)
    net.glance.scale.copy_(1 / (spread + 0.05 * spread.mean()))
    best, figures = net.glance.answer.state_dict(), {"auc": 0.0}
    for decay in DECAYS:
        _fit(net, known, decay)
        said = _answers(net, kept)[:, 0]
        flawed = kept.batch.flawed.numpy() > 0.5
        auc = auc_of(flawed, said.double().numpy())
        gap = said[kept.pairs[:, 0]] - said[kept.pairs[:, 1]]
        found = {"decay": decay, "auc": auc, "pairs": float((gap > 0).float().mean())}
        print({name: round(value, 4) for name, value in found.items()}, flush=True)
        if auc > figures["auc"]:
            stored = net.glance.answer.state_dict()
            best = {name: value.clone() for name, value in stored.items()}
            figures = found
    net.glance.answer.load_state_dict(best)
    return figures


def look_at(
    net: HandJudgeNet,
    pool: Pool,
    rng: np.random.Generator,
    strength: Strength,
    most: int,
) -> Seen:
    """Show samples of every kind to the network, each in one look."""
    chosen, pairs = _choose(pool, rng, most)
    net.eval()
    pooled: list[Tensor] = []
    offsets: list[Tensor] = []
    batches: list[Batch] = []
    for first in range(0, len(chosen), 24):
        batch = batch_of(chosen[first : first + 24], strength)
        with torch.no_grad(), autocast():
            inner = net.trunk(batch.pixels)
            pooled.append(net.glance.pool(inner))
            said = net.sum_up(inner)[0]
        offsets.append(said.float())
        batches.append(batch)
    return Seen(torch.cat(pooled), torch.cat(offsets), _joined(batches), pairs)


def _fit(net: HandJudgeNet, known: Seen, decay: float) -> None:
    """Fit by full-batch Adam: flaws and their order in pairs, counts, and kinds."""
    answer = net.glance.answer
    inputs = net.glance.scaled(known.pooled)
    flawed, digits, kind = known.truth()
    with torch.no_grad():
        answer.weight.zero_()
        answer.bias.zero_()
    answer.requires_grad_(True)
    optimiser = torch.optim.AdamW(answer.parameters(), lr=3e-3, weight_decay=0.0)
    counts = 1 + len(COUNT_CLASSES)
    for _ in range(STEPS):
        said = answer(functional.dropout(inputs, 0.3)) + known.offset
        gap = said[known.pairs[:, 0], 0] - said[known.pairs[:, 1], 0]
        loss = (
            functional.binary_cross_entropy_with_logits(said[:, 0], flawed)
            + functional.softplus(1 - gap).mean()
            + 0.4
            * functional.cross_entropy(said[:, 1:counts], digits, ignore_index=UNKNOWN)
            + 0.3 * functional.cross_entropy(said[:, counts:], kind)
            + decay * answer.weight.square().sum()
        )
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()


def _answers(net: HandJudgeNet, seen: Seen) -> Tensor:
    with torch.no_grad():
        said: Tensor = net.glance.answer(net.glance.scaled(seen.pooled)) + seen.offset
    return said


def _choose(
    pool: Pool, rng: np.random.Generator, most: int
) -> tuple[list[tuple[Stored, int]], Tensor]:
    """Return samples with the seed of their look, and which of them are pairs."""
    chosen: list[tuple[Stored, int]] = []
    pairs: list[tuple[int, int]] = []
    everything = [pair for found in pool.pairs.values() for pair in found]
    for index in rng.permutation(len(everything))[: most * 3 // 8]:
        flawed, sound = everything[index]
        seed = int(rng.integers(1 << 31))
        pairs.append((len(chosen), len(chosen) + 1))
        chosen.append((flawed[int(rng.integers(len(flawed)))], seed))
        chosen.append((sound[int(rng.integers(len(sound)))], seed))
    for index in rng.permutation(len(pool.singles))[: most // 4]:
        chosen.append((pool.singles[index], int(rng.integers(1 << 31))))
    return chosen, torch.tensor(pairs)


def _joined(batches: Sequence[Batch]) -> Batch:
    return batches[0]._replace(
        flawed=torch.cat([batch.flawed for batch in batches]),
        digits=torch.cat([batch.digits for batch in batches]),
        kind=torch.cat([batch.kind for batch in batches]),
    )


def main() -> None:
    """Fit the glance of a checkpoint afresh, and write another checkpoint."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--samples", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    net = HandJudgeNet()
    net.load_state_dict(torch.load(given.checkpoint, weights_only=True)["average"])
    net.to(memory_format=torch.channels_last).requires_grad_(False)
    pool = load_pool(given.samples, held_out=False)
    print(fit_glance(net, pool, load_pool(given.samples, held_out=True), 1))
    torch.save({"average": net.state_dict()}, given.out)


if __name__ == "__main__":
    main()
