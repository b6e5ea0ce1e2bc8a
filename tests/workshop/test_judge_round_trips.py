"""Samples that went through an autoencoder stay pairs that differ in the flaw alone."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL
from workshop.judge.batches import is_held_out, load_pool
from workshop.judge.make_round_trips import (
    CELL_PX,
    MOST_NOISE,
    SIDES,
    round_trip,
    trip_of,
    write_trips,
)
from workshop.judge.samples import (
    STORED_PX,
    Label,
    Sample,
    decode,
    read_shard,
    write_shard,
)

VAE = Path("data/models/tiny-hands/vae")
PAIRS = 2


def sample(number: int, *, flawed: bool) -> Sample:
    """A patch of warm noise whose middle is darker where it is flawed."""
    rng = np.random.default_rng(number)
    coarse = rng.integers(90, 200, (9, 9, 3)).astype(np.uint8)
    pixels = np.kron(coarse, np.ones((STORED_PX // 9, STORED_PX // 9, 1), np.uint8))
    if flawed:
        pixels[120:168, 120:168] //= 2
    label = Label(
        origin="render",
        style="photo",
        kind="extra" if flawed else "ok",
        detail="extra" if flawed else "ok",
        pair=f"p-{number}",
        group=f"g-{number}",
    )
    return Sample(pixels, label)


@pytest.fixture(scope="module")
def vae() -> AutoencoderKL:
    return AutoencoderKL.from_pretrained(str(VAE)).eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Some pairs, a sound hand without a twin, and all of them sent through."""
    threads = torch.get_num_threads()
    made = tmp_path_factory.mktemp("samples")
    pairs = [sample(n, flawed=flawed) for n in range(PAIRS) for flawed in (True, False)]
    alone = sample(PAIRS, flawed=False)
    write_shard(made / "render-0.npz", [*pairs, alone])
    write_trips(VAE, 1.0, made / "render-0.npz")
    yield made
    torch.set_num_threads(threads)


def test_every_sample_comes_back_with_its_label_in_a_pair_of_its_own(
    folder: Path,
) -> None:
    sent = [label for label, _, _ in read_shard(folder / "render-0.npz")]
    back = [label for label, _, _ in read_shard(folder / "through-render-0.npz")]
    assert back == [
        replace(each, pair=f"through-{each.pair}", origin="through-render")
        for each in sent
    ]


def test_a_trip_never_pairs_with_what_stayed_at_home(folder: Path) -> None:
    """Else the judge would learn to tell decoders from cameras."""
    found = 0
    for held_out in (True, False):
        pool = load_pool(folder, held_out=held_out)
        for origin, pairs in pool.pairs.items():
            for members in pairs:
                labels = [each.label for side in members for each in side]
                assert {label.origin for label in labels} == {origin}
                assert len({label.pair for label in labels}) == 1
                assert {is_held_out(label.group) for label in labels} == {held_out}
                found += 1
    assert found == 2 * PAIRS


def test_the_picture_is_another_and_shows_the_same(folder: Path) -> None:
    before = [decode(coded) for _, coded, _ in read_shard(folder / "render-0.npz")]
    after = [
        decode(coded) for _, coded, _ in read_shard(folder / "through-render-0.npz")
    ]
    for sent, back in zip(before, after, strict=True):
        assert back.shape == sent.shape
        away = np.abs(sent.astype(int) - back)
        assert 0.2 < away.mean() < 20
        assert np.corrcoef(sent.ravel(), back.ravel())[0, 1] > 0.8


def test_members_of_a_pair_make_the_same_trip(vae: AutoencoderKL) -> None:
    """Same size and same noise: where the twins are alike, so is what comes back."""
    flawed, sound = (sample(0, flawed=flawed).pixels for flawed in (True, False))
    trip = trip_of("p-0")._replace(noise=MOST_NOISE)
    ways = [round_trip(pixels, trip, vae) for pixels in (flawed, sound)]
    corner = [way[:60, :60].astype(int) for way in ways]
    assert np.abs(corner[0] - corner[1]).mean() < 2
    other = round_trip(sound, trip._replace(seed=trip.seed + 1), vae)
    assert np.abs(other[:60, :60].astype(int) - corner[1]).mean() > 2


def test_trips_differ_from_pair_to_pair_and_stay_within_their_limits() -> None:
    trips = [trip_of(f"p-{number}") for number in range(200)]
    assert trips == [trip_of(f"p-{number}") for number in range(200)]
    assert {trip.side % CELL_PX for trip in trips} == {0}
    assert SIDES[0] <= min(trip.side for trip in trips) < SIDES[0] + 24
    assert SIDES[1] - 24 < max(trip.side for trip in trips) <= SIDES[1]
    still = [trip for trip in trips if trip.noise == 0]
    assert 60 < len(still) < 140
    assert max(trip.noise for trip in trips) <= MOST_NOISE
