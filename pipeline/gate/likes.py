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
_LEAST_PIECES = 3
"""So that every piece fits into a 64-bit integer."""

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
    for piece in np.array_split(np.arange(BITS), max(bits + 1, _LEAST_PIECES)):
        weights = 1 << np.arange(len(piece), dtype=np.int64)
        for earlier, later in _sharing(spread[:, piece] @ weights):
            apart = np.bitwise_count(words[earlier] ^ words[later]).sum(axis=1)
            for at in np.flatnonzero(apart <= bits):
                found = (int(apart[at]), int(earlier[at]))
                best[int(later[at])] = min(best.get(int(later[at]), found), found)
    return {later: (earlier, apart) for later, (apart, earlier) in best.items()}


def _sharing(values: Indices) -> Iterator[tuple[Indices, Indices]]:
    """Yield all pairs (earlier, later) of positions with one value, in blocks.

    Sorted by value, those that share one lie side by side: the first block holds the
    neighbours, the second those two apart, and so on until no value reaches so far.
    """
    order = np.argsort(values, kind="stable").astype(np.int64)
    ranked = values[order]
    starts = np.arange(len(order))
    for step in range(1, len(order)):
        starts = starts[starts + step < len(order)]
        starts = starts[ranked[starts] == ranked[starts + step]]
        if not len(starts):
            return
        yield order[starts], order[starts + step]
