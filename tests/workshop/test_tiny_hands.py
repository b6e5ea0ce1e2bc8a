"""The small checkpoint's training: what is drawn, what is shown, how it begins."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from workshop.tiny_hands import batches
from workshop.tiny_hands.batches import draw_sample
from workshop.tiny_hands.networks import make_control, make_unet
from workshop.tiny_hands.painter import Steered
from workshop.tiny_hands.pictures import SIZE, Shard, draw_pair, skeleton_of
from workshop.tiny_hands.stock import Batch, control_pictures

from pipeline.inpainters.diffusion.hand_pose import five_digits

SIDE = 96
SEEDS = range(4)


@pytest.fixture(scope="module")
def shard() -> Shard:
    """A few pairs as they are stored, drawn small and enlarged to their size."""
    pairs = [draw_pair(seed, SIZE) for seed in SEEDS]
    return Shard(
        pixels=np.array([[hand.pixels for hand in pair] for pair in pairs]),
        hands=np.array([[hand.hand for hand in pair] for pair in pairs]),
        digits=np.array(
            [[hand.digit_masks.any(0).astype(np.uint8) for hand in p] for p in pairs]
        ),
        joints=np.array([skeleton_of(pair[1]) for pair in pairs]),
        labels=np.array(
            [[p[0].kind, str(p[0].digits), "photo", "open"] for p in pairs]
        ),
    )


def test_a_skeleton_is_one_that_the_program_would_draw(shard: Shard) -> None:
    """In the same order and proportions: no digit of it needs to be made anew."""
    for joints in shard.joints:
        whole = five_digits(joints)

        known = np.linalg.norm(whole.points - joints, axis=1)
        palm = np.linalg.norm(joints[9] - joints[0])
        assert np.median(known) < 0.01 * palm


def test_joints_follow_the_cut_out(
    shard: Shard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "JOINT_ERROR", 0.0)
    rng = np.random.default_rng(3)
    shown = missed = 0
    for _ in range(80):
        sample = draw_sample([shard], SIDE, rng)
        if sample.joints is None or sample.mask.mean() < 0.02:
            continue
        inside = ((sample.joints >= 0) & (sample.joints < SIDE)).all(axis=1)
        columns, rows = sample.joints[inside].astype(int).T
        # Masks of a whole hand hold its joints; boxes and single digits are fewer.
        shown += 1
        missed += sample.mask[rows, columns].mean() < 0.8 if inside.any() else 0

    assert shown > 30
    assert missed < shown / 3


def test_cut_outs_show_as_much_as_the_zoom_says_however_large_pairs_are(
    shard: Shard,
) -> None:
    def spread(stored: Shard, zoom: float) -> float:
        """Return the mean distance of a hand's joints, in sides of the cut-out."""
        rng = np.random.default_rng(4)
        drawn = [draw_sample([stored], SIDE, rng, (zoom, zoom)) for _ in range(40)]
        joints = [each.joints for each in drawn if each.joints is not None]
        return float(np.mean([one.std(axis=0).mean() for one in joints]) / SIDE)

    half = replace(
        shard,
        pixels=np.ascontiguousarray(shard.pixels[:, :, ::2, ::2]),
        hands=shard.hands[:, :, ::2, ::2],
        digits=np.ascontiguousarray(shard.digits[:, :, ::2, ::2]),
        joints=(shard.joints / 2).astype(np.float32),
    )

    assert spread(half, 1.0) == pytest.approx(spread(shard, 1.0), rel=0.01)
    assert spread(shard, 1.6) == pytest.approx(1.6 * spread(shard, 1.0), rel=0.01)


def test_only_what_is_shown_steers(shard: Shard) -> None:
    plain = torch.zeros(2, 4, SIDE // 8, SIDE // 8)
    joints = shard.joints[0].astype(np.float64) * SIDE / SIZE
    batch = Batch(plain, plain[:, :1], plain, ["", ""], [None, joints])

    pictures, shown = control_pictures(batch)

    assert shown.tolist() == [0.0, 1.0]
    assert tuple(pictures.shape) == (2, 3, SIDE, SIDE)
    assert pictures[0].max() == 0
    assert pictures[1].max() == 1


def test_a_new_controlnet_changes_nothing_and_one_that_learnt_only_where_it_may() -> (
    None
):
    torch.manual_seed(0)
    unet = make_unet().eval()
    control = make_control(unet).eval()
    steered = Steered(unet, control)
    told, steps = torch.randn(2, 9, 12, 12), torch.tensor([500, 500])
    features, pictures = torch.randn(2, 77, 128), torch.rand(2, 3, 96, 96)
    shown = torch.tensor([0.0, 1.0])

    with torch.no_grad():
        alone = unet(told, steps, features, return_dict=False)[0]
        fresh = steered(told, steps, features, pictures, shown)
        control.controlnet_mid_block.weight.normal_()
        learnt = steered(told, steps, features, pictures, shown)

    torch.testing.assert_close(fresh, alone)
    torch.testing.assert_close(learnt[0], alone[0])
    assert not torch.allclose(learnt[1], alone[1], atol=1e-3)
