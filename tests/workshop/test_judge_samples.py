"""What the judge is trained on: pairs that were drawn, and how they are changed."""

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from workshop.judge.augment import CHANGES, Change, change_looks
from workshop.judge.make_from_pairs import samples_of
from workshop.judge.samples import STORED_PX, Sample
from workshop.tiny_hands.pictures import SIZE, Shard, render_shard

from detectors.arrays import RgbArray
from detectors.hand_nets import HandNets

PAIRS = 3


@pytest.fixture(scope="module")
def shard() -> Iterator[Shard]:
    """The first pairs that a training of the small checkpoint draws."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workshop.tiny_hands.pictures.SHARD", PAIRS)
        yield render_shard(0)


@pytest.fixture(scope="module")
def pairs(shard: Shard) -> list[list[Sample]]:
    nets = HandNets.open()
    return [samples_of(shard, number, nets, "some") for number in range(PAIRS)]


def test_a_pair_is_one_group_and_differs_in_the_flaw(
    pairs: list[list[Sample]],
) -> None:
    for flawed, sound in pairs:
        assert flawed.label.flawed
        assert not sound.label.flawed
        assert flawed.label.group == sound.label.group
        assert sound.label.digits == 5
        assert flawed.flaw.any()
        assert not sound.flaw.any()


def test_a_flaw_is_mapped_where_the_twins_differ(pairs: list[list[Sample]]) -> None:
    for flawed, sound in pairs:
        gap = np.abs(flawed.pixels.astype(int) - sound.pixels).max(axis=-1)
        cell = STORED_PX // flawed.flaw.shape[0]
        rows, columns = np.nonzero(flawed.flaw > 200)
        wrong = gap[rows * cell + cell // 2, columns * cell + cell // 2]
        assert np.median(wrong) > 3 * np.median(gap)


def test_tips_lie_on_the_sound_hand(pairs: list[list[Sample]]) -> None:
    found = 0
    for _, sound in pairs:
        cell = STORED_PX // sound.hand.shape[0]
        tips = sound.tips[~np.isnan(sound.tips[:, 0])]
        inside = tips[((tips >= 0) & (tips < STORED_PX)).all(axis=1)]
        columns, rows = (inside / cell).astype(int).T
        found += len(inside)
        assert (sound.hand[rows, columns] > 0).mean() > 0.7
    assert found >= PAIRS


def test_both_members_of_a_pair_are_changed_alike(shard: Shard) -> None:
    """Else the change, not the flaw, would tell them apart."""
    picture = shard.pixels[0, 1]
    assert picture.shape == (SIZE, SIZE, 3)
    for seed in range(12):
        assert np.array_equal(change_looks(seed, picture), change_looks(seed, picture))


@pytest.mark.parametrize("change", [change for _, change in CHANGES])
def test_a_change_of_looks_keeps_the_hand_in_its_place(
    change: Change, shard: Shard
) -> None:
    picture = shard.pixels[0, 1]
    for seed in range(4):
        changed = change(np.random.default_rng(seed), picture)
        assert changed.shape == picture.shape
        assert changed.dtype == np.uint8
        edges = [edges_of(pixels) for pixels in (picture, changed)]
        moved, _ = cv2.phaseCorrelate(edges[0], edges[1])
        assert np.hypot(*moved) < 2.0


def edges_of(pixels: RgbArray) -> npt.NDArray[np.float32]:
    """Return how steep a picture is at each pixel, a little blurred."""
    soft = cv2.GaussianBlur(pixels.mean(axis=-1).astype(np.float32), (0, 0), 2.0)
    across, down = cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1)
    steepness: npt.NDArray[np.float32] = np.hypot(across, down)
    return steepness
