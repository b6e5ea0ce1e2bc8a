"""Fill a folder with shards of rendered pairs; run again, it goes on where it was.

Run: `PYTHONPATH=data python -m workshop.judge.make_renders --out FOLDER`.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from detectors.arrays import MaskArray, RgbArray
from detectors.hand_framing import HandFrame, PointArray, frame_of_landmarks
from detectors.hand_nets import HandNets
from detectors.hand_search import view_at
from workshop.hands import RenderedHand, render_pair
from workshop.judge.samples import (
    KIND_OF,
    Label,
    Sample,
    map_of,
    points_of,
    surroundings,
    write_shard,
)

PAIRS_PER_SHARD = 24
SHARES = {
    "extra": 3.0,
    "missing": 2.0,
    "fused": 2.0,
    "fork": 1.0,
    "two_thumbs": 0.8,
    "growth": 0.8,
    "bend": 0.8,
    "side": 0.8,
    "short": 0.8,
    "long": 0.8,
    "melt": 2.5,
    "twisted": 1.2,
    "detached": 1.0,
}
"""How often each flaw is drawn: counts, fusing and melting are what generators do."""

_TRUSTED = 0.3
_SOUND_NAMES = ("thumb", "index", "middle", "ring", "little")


def landmarks_of(hand: RenderedHand) -> PointArray:
    """Return the 21 landmarks of a sound hand, (21, 2), as MediaPipe numbers them."""
    if hand.names != _SOUND_NAMES:
        raise ValueError(f"only sound hands have 21 landmarks, not {hand.names}")
    points = np.zeros((21, 2), np.float32)
    points[0] = hand.wrist
    points[1:] = hand.joints.reshape(20, 2)
    return points


def tips_seen(masks: Iterable[MaskArray], tips: PointArray) -> PointArray:
    """Return the tips that can be seen, (n, 2) in pixels.

    Args:
        masks: (H, W) bool, the visible pixels of each digit.
        tips: (K, 2) where each digit ends, which may be outside or hidden.
    """
    found = []
    for mask, (x, y) in zip(masks, tips, strict=True):
        side = mask.shape[0]
        if not (0 <= x < side and 0 <= y < side):
            continue
        near = np.zeros(mask.shape, np.uint8)
        cv2.circle(near, (int(x), int(y)), max(2, side // 60), 1, -1)
        if mask[near > 0].mean() > 0.4:
            found.append((x, y))
    return np.array(found, np.float32).reshape(-1, 2)


def frame_for(landmarks: PointArray, shown: RgbArray, nets: HandNets) -> HandFrame:
    """Return the frame that the finder would use; the true one where it fails.

    Args:
        landmarks: (21, 2) of the sound hand, in pixels.
        shown: The picture of either member of the pair.
        nets: What the finder looks with.
    """
    true = frame_of_landmarks(landmarks)
    view = view_at(shown, nets, true)
    if view.presence < _TRUSTED:
        return true
    return frame_of_landmarks(view.picture_points())


def sample_of(hand: RenderedHand, frame: HandFrame, group: str) -> Sample:
    """Return one member of a pair as a sample."""
    flaw = hand.flaw if hand.kind != "ok" else np.zeros_like(hand.flaw)
    label = Label(
        origin="render",
        style=hand.style,
        kind=KIND_OF[hand.kind],
        detail=hand.kind,
        pair=group,
        group=group,
        digits=hand.digits,
        visible=hand.visible_digits,
        open_hand=hand.visible_digits == hand.digits,
        mapped=True,
    )
    return Sample(
        pixels=surroundings(hand.pixels, frame),
        label=label,
        hand=map_of(hand.hand, frame),
        flaw=map_of(flaw, frame),
        tips=points_of(tips_seen(hand.digit_masks, hand.joints[:, -1]), frame),
    )


def pair_of(seed: int, nets: HandNets) -> tuple[Sample, Sample]:
    """Return the flawed and the sound member of the pair with that seed."""
    rng = np.random.default_rng([seed, 77])
    shares = np.array(list(SHARES.values()))
    kind = str(rng.choice(list(SHARES), p=shares / shares.sum()))
    flawed, sound = render_pair(seed, kind=kind, size=int(rng.integers(150, 270)))
    shown = flawed if rng.random() < 0.5 else sound
    frame = frame_for(landmarks_of(sound), shown.pixels, nets)
    group = f"render-{seed}"
    return sample_of(flawed, frame, group), sample_of(sound, frame, group)


def main() -> None:
    """Write the shards that are not there yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--first", type=int, default=0, help="number of a shard")
    parser.add_argument("--last", type=int, default=400)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    nets = HandNets.open()
    for number in range(given.first, given.last):
        path = given.out / f"render-{number:05d}.npz"
        if path.exists():
            continue
        first = 1_000_000 + number * PAIRS_PER_SHARD
        samples = [
            sample
            for seed in range(first, first + PAIRS_PER_SHARD)
            for sample in pair_of(seed, nets)
        ]
        print(path.name, write_shard(path, samples), flush=True)


if __name__ == "__main__":
    main()
