"""Previews: shown once, dropped where that is wanted, and never the end of a region."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from pipeline.inpainters.contract import Batch, Made
from pipeline.records import Candidate
from tests.pipeline.inpainters.slot_runs import (
    LIMIT,
    Calls,
    load,
    painter,
    region,
)

RUN = 3
"""Steps that are run at strength 0.75 of four."""


def watched(
    batch: Batch, drop: Mapping[int, float], share: float = 0.3, regions: int = 2
) -> tuple[list[Candidate], list[Candidate]]:
    """Run regions, drop previews by number, and return previews and candidates."""
    tickets = {batch.submit(region(n), preview_at=share) for n in range(regions)}
    previews: list[Candidate] = []
    ended: list[Candidate] = []
    for _ in range(LIMIT):
        for made in batch.advance():
            _sort(made, previews, ended)
            if made.preview and made.candidate and made.candidate.number in drop:
                cost = drop[made.candidate.number]
                batch.drop(made.ticket, made.candidate.number, cost)
            if made.last:
                tickets.remove(made.ticket)
        if not tickets:
            return previews, ended
    raise AssertionError("the batch hangs")


def _sort(made: Made, previews: list[Candidate], ended: list[Candidate]) -> None:
    if made.candidate is not None:
        (previews if made.preview else ended).append(made.candidate)


@pytest.mark.parametrize("family", ["sd-4", "sd-9"])
def test_each_candidate_is_previewed_once_and_ends_as_it_would_have(
    families: Mapping[str, Path], family: str
) -> None:
    engine = painter(load(families[family]))
    expected = {c.seed: c.pixels for c in engine.paint(region(0))}

    previews, ended = watched(engine.open(sparing=False), {})

    assert sorted((c.patch, c.number) for c in previews) == [
        (patch, number) for patch in range(2) for number in range(3)
    ]
    for candidate in ended:
        if candidate.patch == 0:
            assert candidate.pixels is not None
            apart = np.abs(candidate.pixels.astype(int) - expected[candidate.seed])
            assert apart.max() <= 1


def test_a_preview_of_a_plain_network_keeps_the_surroundings(
    families: Mapping[str, Path],
) -> None:
    previews, ended = watched(painter(load(families["sd-4"])).open(sparing=False), {})

    for one, other in zip(previews[:1], ended[:1], strict=True):
        assert one.pixels is not None
        assert other.pixels is not None
        corner = np.abs(one.pixels[:8, :8].astype(int) - other.pixels[:8, :8])
        assert corner.max() <= 8


def test_a_dropped_candidate_costs_no_more_steps_and_is_told_of(
    families: Mapping[str, Path],
) -> None:
    model = load(families["sd-4"])
    unet = Calls(model.unet)

    _, ended = watched(painter(model).open(sparing=False), {1: 0.5})

    assert sum(unet.batches) == 2 * (2 * RUN + 1) * 2
    assert [(c.number, c.problem[:13]) for c in ended if c.patch == 0] == [
        (0, ""),
        (2, ""),
        (1, "dropped early"),
    ]


@pytest.mark.parametrize("sparing", [False, True])
def test_a_region_that_loses_all_takes_the_cheapest_up_where_it_was(
    families: Mapping[str, Path], sparing: bool
) -> None:
    model = load(families["sd-4"])
    unet, engine = Calls(model.unet), painter(model)

    _, ended = watched(engine.open(sparing=sparing), {0: 0.9, 1: 0.2, 2: 0.5})

    assert sum(unet.batches) == 2 * (3 + RUN - 1) * 2
    for patch in range(2):
        shown = [c for c in ended if c.patch == patch]
        assert [c.number for c in shown if c.pixels is not None] == [1]
        assert sorted(c.number for c in shown) == [0, 1, 2]
        expected = next(iter(engine.paint(region(patch, seeds=(6,))))).pixels
        found = next(c.pixels for c in shown if c.pixels is not None)
        assert expected is not None
        assert np.abs(found.astype(int) - expected).max() <= 1


def test_where_what_was_taken_up_fails_the_next_one_is(
    families: Mapping[str, Path],
) -> None:
    model = load(families["sd-4"])
    decoded: list[int] = []

    def spoil(_: object, __: object, given: object) -> object:
        decoded.append(1)
        return given * float("nan") if len(decoded) == 2 else given  # type: ignore[operator]

    model.vae.decoder.register_forward_hook(spoil)
    dropping = {0: 0.9, 1: 0.2, 2: 0.5}

    _, ended = watched(painter(model).open(sparing=False), dropping, regions=1)

    assert [c.number for c in ended] == [1, 2, 0]
    assert [c.pixels is not None for c in ended] == [False, True, False]


@pytest.mark.parametrize("share", [0.01, 0.5, 1.0])
def test_at_any_share_of_the_steps_every_region_ends(
    families: Mapping[str, Path], share: float
) -> None:
    batch = painter(load(families["sd-4"])).open(sparing=True)

    previews, ended = watched(batch, {0: 0.0, 1: 0.0, 2: 0.0}, share)

    assert bool(previews) == (share < 1.0)
    assert len(ended) == 6
    assert {c.patch for c in ended if c.pixels is not None} == {0, 1}
