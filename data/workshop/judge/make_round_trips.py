"""Send stored samples through an image autoencoder, as generated pictures have been.

Run: `PYTHONPATH=data python -m workshop.judge.make_round_trips --samples FOLDER
--vae FOLDER`. Writes `through-*` beside each shard; run again, it goes on where it was.

Every picture that a latent diffusion model made came out of a decoder: soft lines,
wobbling edges, smeared skin. A judge that never saw these on sound hands takes them for
flaws, and one that saw them on flawed hands alone learns the decoder instead of hands.
So both members of a pair make the same trip, at the same size, with the same noise.
"""

import argparse
import hashlib
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from diffusers import AutoencoderKL

from detectors.arrays import RgbArray
from workshop.judge.samples import (
    THROUGH,
    Label,
    Sample,
    decode,
    read_shard,
    write_shard,
)

CELL_PX = 8
"""Side of what one latent stands for."""

SIDES = (264, 448)
"""Pixels a side a cut-out has on its trip. Below, our decoder melts sound fingers that
lie side by side; at 448 it loses about as little as a large network's."""

MOST_NOISE = 0.12
"""Standard deviation of the noise on latents of unit variance: the unsteady hand of a
sampler. At 0.18 sound fingers begin to fork."""


class Trip(NamedTuple):
    """How one picture, or both of a pair, are sent through."""

    side: int
    """Pixels, a multiple of CELL_PX."""

    noise: float
    seed: int


def trip_of(pair: str) -> Trip:
    """Return the trip that all members of a pair make; the same for ever."""
    digest = hashlib.sha256(f"trip {pair}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    low, high = np.log(SIDES)
    side = round(float(np.exp(rng.uniform(low, high))) / CELL_PX) * CELL_PX
    noise = MOST_NOISE * float(rng.random()) if rng.random() < 0.5 else 0.0
    return Trip(side, noise, int(rng.integers(1 << 31)))


@torch.no_grad()
def round_trip(pixels: RgbArray, trip: Trip, vae: AutoencoderKL) -> RgbArray:
    """Return the picture as it comes back from the latents, as large as before."""
    grown = trip.side > pixels.shape[0]
    way = cv2.INTER_CUBIC if grown else cv2.INTER_AREA
    sent = cv2.resize(pixels, (trip.side, trip.side), interpolation=way)
    given = torch.from_numpy(sent).permute(2, 0, 1)[None].float() / 127.5 - 1
    latents = vae.encode(given).latent_dist.mean
    generator = torch.Generator().manual_seed(trip.seed)
    # The shipped networks call latents times this of unit variance.
    spread = trip.noise / vae.config.scaling_factor
    latents = latents + spread * torch.randn(latents.shape, generator=generator)
    back = (vae.decode(latents).sample[0].permute(1, 2, 0).numpy() + 1) * 127.5
    levels = np.clip(back.round(), 0, 255).astype(np.uint8)
    way = cv2.INTER_AREA if grown else cv2.INTER_CUBIC
    returned: RgbArray = np.asarray(
        cv2.resize(levels, pixels.shape[1::-1], interpolation=way), np.uint8
    )
    return returned


def travellers(path: Path, share: float) -> Iterator[tuple[Label, bytes, Sample]]:
    """Yield the chosen samples of a shard: one flawed and one sound of each pair."""
    pairs: dict[str, list[tuple[Label, bytes, Sample]]] = defaultdict(list)
    for entry in read_shard(path):
        pairs[entry[0].pair].append(entry)
    for name, members in pairs.items():
        if hashlib.sha256(f"goes {name}".encode()).digest()[0] >= share * 256:
            continue
        for flawed in (True, False):
            yield from [m for m in members if m[0].flawed is flawed][:1]


def sent_through(path: Path, share: float, vae: AutoencoderKL) -> Iterator[Sample]:
    """Yield the chosen samples of a shard after their trip, pairs and origins apart."""
    for label, coded, rest in travellers(path, share):
        pixels = round_trip(decode(coded), trip_of(label.pair), vae)
        away = replace(
            label, pair=f"{THROUGH}{label.pair}", origin=f"{THROUGH}{label.origin}"
        )
        yield replace(rest, pixels=pixels, label=away)


def write_trips(vae: Path, share: float, source: Path) -> tuple[str, int]:
    """Write the shard that goes with one shard; return its name and its length."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    network = AutoencoderKL.from_pretrained(str(vae)).eval()
    path = source.with_name(f"{THROUGH}{source.name}")
    return path.name, write_shard(path, list(sent_through(source, share, network)))


def main() -> None:
    """Write the shards that are not there yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=Path, required=True)
    parser.add_argument("--vae", type=Path, required=True)
    parser.add_argument("--of", default="", help="how the shards' names begin")
    parser.add_argument("--share", type=float, default=0.25, help="of all pairs, 0..1")
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    waiting = [
        source
        for source in sorted(given.samples.glob(f"{given.of}*.npz"), key=_mixed)
        if not source.name.startswith(THROUGH)
        and not source.with_name(f"{THROUGH}{source.name}").exists()
    ]
    with ProcessPoolExecutor(given.workers) as workers:
        write = partial(write_trips, given.vae, given.share)
        for name, length in workers.map(write, waiting):
            print(name, length, flush=True)


def _mixed(path: Path) -> bytes:
    """Order shards of every origin alike, so that early ones show them all."""
    return hashlib.sha256(path.name.encode()).digest()


if __name__ == "__main__":
    main()
