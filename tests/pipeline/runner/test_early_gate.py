"""Previews count for something only once they have proved to."""

import numpy as np
import pytest

from pipeline.runner.early_gate import LEAST_CORRELATION, EarlyGate

LEARN = 40


def taught(correlation: float, keep_share: float = 0.5, seed: int = 3) -> EarlyGate:
    """Return a gate that has seen so many candidates as it wants to learn from."""
    gate = EarlyGate(0.25, keep_share, LEARN)
    rng = np.random.default_rng(seed)
    previews = rng.normal(size=LEARN)
    noise = rng.normal(size=LEARN)
    ends = correlation * previews + (1 - correlation**2) ** 0.5 * noise
    for number, (preview, end) in enumerate(zip(previews, ends, strict=True)):
        assert gate.lets_on(1, number, float(preview))
        gate.finished(1, number, float(end))
    return gate


def test_it_drops_nothing_before_it_has_learned() -> None:
    gate = EarlyGate(0.25, 0.5, LEARN)

    assert all(gate.lets_on(1, number, 1e9) for number in range(500))
    assert gate.correlation is None
    assert gate.preview_at == 0.25


def test_it_drops_the_worst_when_previews_tell_the_end() -> None:
    gate = taught(0.95)

    rng = np.random.default_rng(11)
    kept = [
        gate.lets_on(2, number, cost)
        for number, cost in enumerate(rng.normal(size=400))
    ]

    assert gate.correlation == pytest.approx(0.95, abs=0.05)
    assert 0.35 < np.mean(kept) < 0.65
    assert gate.dropped == kept.count(False)
    assert gate.lets_on(3, 0, -3.0)
    assert not gate.lets_on(3, 1, 3.0)


def test_it_gives_previews_up_when_they_tell_nothing() -> None:
    gate = taught(0.0)

    assert gate.correlation is not None
    assert gate.correlation < LEAST_CORRELATION
    assert gate.preview_at == 0.0
    assert gate.lets_on(2, 0, 1e9)


def test_costs_that_never_vary_tell_nothing() -> None:
    gate = EarlyGate(0.25, 0.5, LEARN)

    for number in range(LEARN):
        gate.lets_on(1, number, 0.5)
        gate.finished(1, number, 0.5)

    assert gate.correlation == 0.0
    assert gate.preview_at == 0.0


def test_candidates_without_a_preview_or_without_a_cost_teach_nothing() -> None:
    gate = EarlyGate(0.25, 0.5, 8)

    for number in range(50):
        gate.finished(1, number, 0.5)
        gate.lets_on(2, number, 0.5)
        gate.finished(2, number, None)

    assert gate.correlation is None


def test_a_smaller_share_keeps_fewer() -> None:
    costs = np.random.default_rng(11).normal(size=400)

    kept = [
        sum(gate.lets_on(2, number, float(cost)) for number, cost in enumerate(costs))
        for gate in (taught(0.9, 0.2), taught(0.9, 0.8))
    ]

    assert kept[0] < kept[1] / 2
