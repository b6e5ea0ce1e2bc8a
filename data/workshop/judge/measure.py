"""Look at how the judge does on held-out samples while it is being trained."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from detectors.evaluation import auc_of
from detectors.hand_judge_net import HandJudgeNet, Judgement
from workshop.judge.batches import Pool, Stored, plain_batch
from workshop.judge.samples import THROUGH
from workshop.precision import autocast

_Floats = npt.NDArray[np.float64]


def judge_all(net: HandJudgeNet, stored: Sequence[Stored]) -> Judgement:
    """Return what the network says about stored samples, looked at as they are."""
    parts: list[Judgement] = []
    for first in range(0, len(stored), 16):
        batch = plain_batch(stored[first : first + 16])
        with torch.inference_mode(), autocast():
            said = net(batch.pixels)
        parts.append(Judgement(*(values.float() for values in said)))
    return Judgement(*(torch.cat(values) for values in zip(*parts, strict=True)))


def measure_pool(net: HandJudgeNet, pool: Pool, *, most: int) -> dict[str, float]:
    """Return, for each origin, AUC and the share of pairs in the right order.

    Flawed hands are also held against real sound ones that came the same way, and of
    those the share is told that the network alone takes for flawed.
    """
    net.eval()
    found: dict[str, float] = {}
    flawed_logits: list[_Floats] = []
    for origin, pairs in pool.pairs.items():
        chosen = pairs[:most]
        flawed = _logits(net, [pair[0][0] for pair in chosen])
        sound = _logits(net, [pair[1][0] for pair in chosen])
        flawed_logits.append(flawed)
        found[f"{origin}_pairs"] = float((flawed > sound).mean())
        found[f"{origin}_auc"] = _auc(flawed, sound)
        found[f"{origin}_n"] = len(chosen)
    for real in sorted({single.label.origin for single in pool.singles}):
        alone = [single for single in pool.singles if single.label.origin == real]
        logits = _logits(net, alone[: 2 * most])
        found[f"{real}_over_half"] = float((logits > 0).mean())
        for origin, flawed in zip(pool.pairs, flawed_logits, strict=True):
            if origin.startswith(THROUGH) == real.startswith(THROUGH):
                found[f"{origin}_v_{real}_auc"] = _auc(flawed, logits)
    return {name: round(value, 4) for name, value in found.items()}


def _logits(net: HandJudgeNet, stored: Sequence[Stored]) -> _Floats:
    return judge_all(net, stored).flawed.numpy().astype(np.float64)


def _auc(flawed: _Floats, sound: _Floats) -> float:
    labels = np.concatenate([np.ones(len(flawed), bool), np.zeros(len(sound), bool)])
    return auc_of(labels, np.concatenate([flawed, sound]))
