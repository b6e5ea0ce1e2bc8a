"""Write a training set: python -m workshop.hands.dataset OUT --count N --seed S.

A set is a folder of shards (see `shards`). Each shard depends on the seed and its own
number only, so a run that was stopped goes on where it was, with any number of
workers, and ends with the same files. `--pairs` is the share of scenes that are pairs
of a flawed hand and its sound twin; the others are single sound hands.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from workshop.hands.render import RenderedHand, render_hand, render_pair
from workshop.hands.scene import KINDS, LEAST_FLAW, STYLES
from workshop.hands.shards import write_shard

# Wrong counts and melted shapes are what generators do most; the rest is rarer.
KIND_SHARES: dict[str, float] = {
    "extra": 3.0,
    "missing": 2.0,
    "melt": 3.0,
    "fused": 2.0,
}


@dataclass(frozen=True, slots=True)
class Order:
    """What to draw; the same order gives the same files."""

    seed: int
    size: int
    kinds: tuple[str, ...]
    """Flaws to draw; empty for sound hands only."""
    styles: tuple[str, ...]
    """Empty for the usual mixture."""
    pairs: float
    """Share of scenes that are pairs, 0..1."""
    shard: int = 250
    """Hands per file; the last pair may add one."""


def _scene(order: Order, seed: int) -> list[RenderedHand]:
    """Draw one sound hand, or a flawed hand and its twin."""
    rng = np.random.default_rng([order.seed, seed])
    style = str(rng.choice(order.styles)) if order.styles else None
    paired = bool(order.kinds) and rng.random() < order.pairs
    if not paired:
        return [render_hand(seed, style=style, size=order.size)]
    shares = np.array([KIND_SHARES.get(kind, 1.0) for kind in order.kinds])
    kind = str(rng.choice(order.kinds, p=shares / shares.sum()))
    bad, good = render_pair(seed, kind=kind, style=style, size=order.size)
    return [bad, good] if bad.flaw.mean() >= LEAST_FLAW / 2 else [good]


def draw_shard(order: Order, number: int, path: Path) -> int:
    """Draw one shard and return how many hands it holds."""
    cv2.setNumThreads(1)
    hands: list[RenderedHand] = []
    twins: list[int] = []
    seed = order.seed * 10_000_000 + number * order.shard
    while len(hands) < order.shard:
        drawn = _scene(order, seed)
        first = len(hands)
        twins += [first + 1, first] if len(drawn) == 2 else [-1]
        hands += drawn
        seed += 1
    write_shard(path, hands, twins)
    return len(hands)


def write_set(out: Path, count: int, order: Order, workers: int) -> int:
    """Write the shards that are not there yet and return how many were written."""
    out.mkdir(parents=True, exist_ok=True)
    shards = -(-count // order.shard)
    wanted = {number: out / f"shard-{number:05d}.npz" for number in range(shards)}
    missing = {n: path for n, path in wanted.items() if not path.is_file()}
    started = time.monotonic()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        jobs = {
            pool.submit(draw_shard, order, number, path): path
            for number, path in missing.items()
        }
        for done, job in enumerate(as_completed(jobs), start=1):
            hands, took_s = job.result(), time.monotonic() - started
            pace = took_s / (done * hands)
            print(f"{jobs[job].name}: {hands} hands, {pace:.3f} s a hand", flush=True)
    return len(missing)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and write the set."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, required=True, help="hands, rounded up")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--kinds", nargs="*", choices=KINDS[1:], default=KINDS[1:])
    parser.add_argument("--styles", nargs="*", choices=STYLES, default=())
    parser.add_argument("--pairs", type=float, default=0.65)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args(arguments)
    order = Order(
        seed=args.seed,
        size=args.size,
        kinds=tuple(args.kinds),
        styles=tuple(args.styles),
        pairs=args.pairs,
    )
    written = write_set(args.out, args.count, order, args.workers)
    print(f"{written} shards written to {args.out}")


if __name__ == "__main__":
    main()
