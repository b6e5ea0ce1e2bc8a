"""Seeds depend on what is painted, and count up as in AUTOMATIC1111."""

import hashlib

from pipeline.seeds import seed_for

DIGEST = "ab" * 32


def test_variation_j_has_the_first_seed_plus_j() -> None:
    first = seed_for(7, DIGEST, "1:redraw:0,0,9,9", 0)

    seeds = [seed_for(7, DIGEST, "1:redraw:0,0,9,9", j) for j in range(8)]

    assert seeds == [(first + j) % 2**32 for j in range(8)]


def test_the_first_seed_is_the_head_of_a_digest_of_what_is_painted() -> None:
    told = hashlib.sha256(f"7:{DIGEST}:here".encode()).hexdigest()

    assert seed_for(7, DIGEST, "here", 0) == int(told[:8], 16)


def test_seeds_go_round_where_a_generator_would_not_take_more() -> None:
    numbers = range(2**32 - 3, 2**32 + 3)

    seeds = [seed_for(7, DIGEST, "here", number) for number in numbers]

    assert all(0 <= seed < 2**32 for seed in seeds)
    assert seeds[3] == seed_for(7, DIGEST, "here", 0)


def test_each_thing_that_says_what_is_painted_changes_the_seed() -> None:
    seeds = {
        seed_for(7, DIGEST, "here", 0),
        seed_for(8, DIGEST, "here", 0),
        seed_for(7, "cd" * 32, "here", 0),
        seed_for(7, DIGEST, "there", 0),
    }

    assert len(seeds) == 4
