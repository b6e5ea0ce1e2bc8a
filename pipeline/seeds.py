"""Seeds that depend on what is painted, never on when or where."""

import hashlib


def seed_for(run_seed: int, digest: str, place: str, number: int) -> int:
    """Return the seed of one variation.

    The first variation of a region gets a seed made from the picture's content and the
    place; variation j gets that seed + j, as AUTOMATIC1111 counts a batch.

    Args:
        run_seed: The user's seed.
        digest: SHA-256 of the picture's bytes in hex.
        place: What tells this piece of work from others on the same picture.
        number: The variation, from 0.

    Returns:
        A seed in 0..2**32-1 (what every generator accepts), the same on every machine.
    """
    text = f"{run_seed}:{digest}:{place}"
    first = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
    return (first + number) % 2**32
