"""Draw batches for the judge: pairs that differ only in the flaw, side by side."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from detectors.hand_judge_net import COUNT_CLASSES, KIND_CLASSES, MAP_SIDE, SIDE_PX
from workshop.judge.augment import (
    Strength,
    change_looks,
    sample_matrix,
    warp,
    warp_map,
    warp_points,
)
from workshop.judge.samples import Label, Sample, decode, read_shard

TIP_SPREAD = 1.4
"""Standard deviation of a drawn tip, in cells: about the width of a finger."""

UNKNOWN = -1
CANNOT_SEE = len(COUNT_CLASSES) - 1
HELD_OUT = 5
"""One group in so many is kept for measuring."""

_Floats = npt.NDArray[np.float32]


class Stored(NamedTuple):
    """One sample whose pixels are still coded."""

    label: Label
    coded: bytes
    rest: Sample


class Batch(NamedTuple):
    """One step's worth of samples; members of a pair follow each other."""

    pixels: Tensor
    """(N, 3, 224, 224) float32 in 0..1."""

    flawed: Tensor
    """(N,) float32, 0 or 1."""

    digits: Tensor
    """(N,) int64, class or UNKNOWN."""

    kind: Tensor
    """(N,) int64."""

    maps: Tensor
    """(N, 3, 56, 56) float32 in 0..1."""

    known: Tensor
    """(N, 3) float32: which maps are known, 0 or 1."""

    pairs: Tensor
    """(P, 2) int64: where the flawed and the sound member of each pair are."""

    origin: tuple[str, ...]


def is_held_out(group: str) -> bool:
    """Tell whether a group is kept for measuring; the same for ever."""
    digest = hashlib.sha256(group.encode()).digest()
    return digest[0] % HELD_OUT == 0


@dataclass(slots=True)
class Pool:
    """All samples of one side of the split, ready to be drawn from."""

    pairs: dict[str, list[tuple[list[Stored], list[Stored]]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """Origin -> (flawed members, sound members) of each pair."""

    singles: list[Stored] = field(default_factory=list)
    """Sound hands without a flawed twin."""


def load_pool(folder: Path, *, held_out: bool, skip: Sequence[str] = ()) -> Pool:
    """Read every shard of a folder.

    Args:
        folder: Where the shards are.
        held_out: True for the groups kept for measuring, False for the others.
        skip: Flaws, as their makers call them, that are left out.
    """
    members: dict[str, list[Stored]] = defaultdict(list)
    for path in sorted(folder.glob("*.npz")):
        for label, coded, rest in read_shard(path):
            chosen = is_held_out(label.group) == held_out
            if chosen and label.detail not in skip:
                members[label.pair].append(Stored(label, coded, rest))
    pool = Pool()
    for stored in members.values():
        flawed = [item for item in stored if item.label.flawed]
        sound = [item for item in stored if not item.label.flawed]
        if flawed and sound:
            pool.pairs[stored[0].label.origin].append((flawed, sound))
        else:
            pool.singles += sound
    return pool


class Draw(NamedTuple):
    """How many pairs of each origin, and how many single hands, one batch holds."""

    pairs: dict[str, int]
    singles: int


def draw_batch(
    pool: Pool, draw: Draw, rng: np.random.Generator, strength: Strength
) -> Batch:
    """Return a batch of changed samples."""
    chosen: list[tuple[Stored, int]] = []
    pairs: list[tuple[int, int]] = []
    for origin, wanted in draw.pairs.items():
        found = pool.pairs.get(origin, [])
        for index in rng.integers(len(found), size=wanted if found else 0):
            flawed, sound = found[index]
            seed = int(rng.integers(1 << 31))
            pairs.append((len(chosen), len(chosen) + 1))
            chosen.append((flawed[int(rng.integers(len(flawed)))], seed))
            chosen.append((sound[int(rng.integers(len(sound)))], seed))
    for index in rng.integers(len(pool.singles), size=draw.singles):
        chosen.append((pool.singles[index], int(rng.integers(1 << 31))))
    return _stack([_look(stored, seed, strength) for stored, seed in chosen], pairs)


def batch_of(chosen: Sequence[tuple[Stored, int]], strength: Strength) -> Batch:
    """Return given samples, each changed as its seed says; without pairs."""
    return _stack([_look(stored, seed, strength) for stored, seed in chosen], [])


def plain_batch(stored: Sequence[Stored]) -> Batch:
    """Return samples as the runtime would show them, unchanged."""
    still = Strength(turn=0.0, scale=0.0, shift=0.0, looks=False)
    return batch_of([(item, 0) for item in stored], still)


class _Look(NamedTuple):
    pixels: npt.NDArray[np.uint8]
    label: Label
    maps: _Floats
    known: _Floats


def _look(stored: Stored, seed: int, strength: Strength) -> _Look:
    matrix = sample_matrix(np.random.default_rng(seed), strength)
    pixels = warp(decode(stored.coded), matrix)
    if strength.looks:
        pixels = change_looks(seed + 1, pixels)
    label, rest = stored.label, stored.rest
    maps = np.stack(
        [
            warp_map(rest.hand, matrix),
            tip_map(warp_points(rest.tips, matrix)),
            warp_map(rest.flaw, matrix),
        ]
    )
    flaw_known = not label.flawed or bool(rest.flaw.any())
    known = [label.mapped, label.mapped or label.tipped, flaw_known]
    return _Look(pixels, label, maps, np.array(known, np.float32))


def tip_map(points: _Floats) -> _Floats:
    """Return (MAP_SIDE, MAP_SIDE) with a blob of height 1 at each tip."""
    drawn = np.zeros((MAP_SIDE, MAP_SIDE), np.float32)
    cells = np.arange(MAP_SIDE) + 0.5
    for x, y in points[~np.isnan(points[:, 0])] * (MAP_SIDE / SIDE_PX):
        across = np.exp(-((cells - x) ** 2) / (2 * TIP_SPREAD**2))
        down = np.exp(-((cells - y) ** 2) / (2 * TIP_SPREAD**2))
        np.maximum(drawn, down[:, None] * across[None], out=drawn)
    return drawn


def count_class(label: Label) -> int:
    """Return the class of the digit count, or UNKNOWN."""
    if label.digits == 0 or label.visible == 0:
        return UNKNOWN
    if label.visible < label.digits:
        return CANNOT_SEE
    return int(np.clip(label.digits, 3, 7)) - 3


def _stack(looks: Sequence[_Look], pairs: Sequence[tuple[int, int]]) -> Batch:
    pixels = np.stack([look.pixels for look in looks])
    tensor = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div_(255)
    labels = [look.label for look in looks]
    return Batch(
        pixels=tensor.contiguous(memory_format=torch.channels_last),
        flawed=torch.tensor([float(label.flawed) for label in labels]),
        digits=torch.tensor([count_class(label) for label in labels]),
        kind=torch.tensor([KIND_CLASSES.index(label.kind) for label in labels]),
        maps=torch.from_numpy(np.stack([look.maps for look in looks])),
        known=torch.from_numpy(np.stack([look.known for look in looks])),
        pairs=torch.tensor(list(pairs), dtype=torch.int64).reshape(-1, 2),
        origin=tuple(label.origin for label in labels),
    )


cv2.setNumThreads(1)
