"""Find hashes that differ in a few bits, without comparing all with all.

When two hashes differ in at most `b` bits and both are cut into `b + 1` pieces, at
least one piece is the same in both (the pigeonhole principle; Norouzi, Punjani and
Fleet, "Fast search in Hamming space with multi-index hashing", CVPR 2012). So only
hashes that share a piece are compared.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

BITS = 128
_BLOCK = 2_000_000
"""Comparisons that are made at a time, so that memory stays bounded."""

Indices = npt.NDArray[np.int64]


def nearest_before(looks: Sequence[str], bits: int) -> dict[int, tuple[int, int]]:
    """Return for each hash the nearest of those before it, when it is near enough.

    Args:
        looks: Hashes of 128 bits, in hex.
        bits: How many bits may differ.

    Returns:
        Position to (position of the nearest before it, the bits that differ); of two
        that are as near the first.
    """
    if not looks:
        return {}
    packed = np.frombuffer(bytes.fromhex("".join(looks)), np.uint8).reshape(-1, 16)
    words = np.ascontiguousarray(packed).view(np.uint64)
    spread = np.unpackbits(packed, axis=1)
    best: dict[int, tuple[int, int]] = {}
    for piece in np.array_split(np.arange(BITS), bits + 1):
        for earlier, later in _sharing(spread[:, piece]):
            apart = np.bitwise_count(words[earlier] ^ words[later]).sum(axis=1)
            for at in np.flatnonzero(apart <= bits):
                found = (int(apart[at]), int(earlier[at]))
                known = best.get(int(later[at]))
                if known is None or found < known:
                    best[int(later[at])] = found
    return {later: (earlier, apart) for later, (apart, earlier) in best.items()}


def _sharing(piece: npt.NDArray[np.uint8]) -> Iterator[tuple[Indices, Indices]]:
    """Yield blocks of pairs (earlier, later) whose piece is the same."""
    values = np.packbits(piece, axis=1)
    _, group, counts = np.unique(
        values, axis=0, return_inverse=True, return_counts=True
    )
    order = np.argsort(group.reshape(-1), kind="stable").astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    for start, count in zip(starts[counts > 1], counts[counts > 1], strict=True):
        yield from _pairs(order[start : start + count])


def _pairs(members: Indices) -> Iterator[tuple[Indices, Indices]]:
    rows = max(1, _BLOCK // len(members))
    for top in range(0, len(members), rows):
        later = np.arange(top, min(top + rows, len(members)))
        i, j = np.nonzero(later[:, None] > np.arange(len(members))[None, :])
        yield members[j], members[later[i]]
