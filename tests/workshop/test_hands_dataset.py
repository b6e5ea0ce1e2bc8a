"""A set of drawn hands survives the disk, and a stopped run."""

from pathlib import Path

import numpy as np
import pytest
from workshop.hands import KINDS, render_hand, render_pair
from workshop.hands.dataset import Order, write_set
from workshop.hands.shards import read_shard, read_shards, shard_paths, write_shard


def test_a_shard_gives_back_what_was_written(tmp_path: Path) -> None:
    flawed, twin = render_pair(3, kind="fork", size=64)
    alone = render_hand(9, size=64)
    path = tmp_path / "shard-00000.npz"

    write_shard(path, [flawed, twin, alone], [1, 0, -1])
    shard = read_shard(path)

    assert len(shard) == 3
    assert [KINDS[n] for n in shard.kind] == ["fork", "ok", "ok"]
    assert shard.twin.tolist() == [1, 0, -1]
    assert np.abs(shard.pixels(0).astype(int) - flawed.pixels).mean() < 5
    np.testing.assert_array_equal(shard.flaw(0), flawed.flaw)
    np.testing.assert_array_equal(shard.hand(2), alone.hand)
    assert not shard.flaw(1).any()
    labels = shard.digit_labels(0)
    for number, mask in enumerate(flawed.digit_masks):
        np.testing.assert_array_equal(labels == number + 1, mask)
    known = ~np.isnan(shard.joints[2, :, 0, 0])
    assert known.sum() == 5


def test_a_stopped_set_is_finished_as_if_it_had_not_been_stopped(
    tmp_path: Path,
) -> None:
    order = Order(2, 32, kinds=("extra",), styles=("photo",), pairs=0.5, shard=3)
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    write_set(whole, 6, order, workers=1)
    write_set(stopped, 3, order, workers=1)

    written = write_set(stopped, 6, order, workers=1)

    assert written == 1
    for one, other in zip(read_shards(whole), read_shards(stopped), strict=True):
        np.testing.assert_array_equal(one.pictures, other.pictures)
        np.testing.assert_array_equal(one.kind, other.kind)


def test_shards_that_are_there_are_not_drawn_again(tmp_path: Path) -> None:
    order = Order(seed=2, size=32, kinds=(), styles=(), pairs=0.0)
    (tmp_path / "shard-00000.npz").write_bytes(b"kept")

    written = write_set(tmp_path, 10, order, workers=1)

    assert written == 0
    assert (tmp_path / "shard-00000.npz").read_bytes() == b"kept"


def test_an_empty_folder_is_an_error_and_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="dataset"):
        shard_paths(tmp_path)
