"""Take the pairs drawn for tiny-hands as samples of the judge too: drawing is dear.

Run: `PYTHONPATH=data python -m workshop.judge.make_from_pairs --pairs FOLDER
--out FOLDER`; run again, it goes on where it was.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from detectors.arrays import MaskArray
from detectors.hand_framing import HandFrame, PointArray
from detectors.hand_nets import HandNets
from detectors.hand_pose import TIPS
from workshop.judge.make_renders import frame_for, tips_seen
from workshop.judge.samples import (
    KIND_OF,
    Label,
    Sample,
    map_of,
    points_of,
    surroundings,
    write_shard,
)
from workshop.tiny_hands.pictures import Shard, load_shard

_SEEN_SHARE = 0.0012
"""A digit counts as visible from this share of the picture, as the renderer has it."""

_CHANGED = 30
"""A pixel of the hand belongs to the flaw where a channel differs by more than this."""


def samples_of(shard: Shard, number: int, nets: HandNets, name: str) -> list[Sample]:
    """Return the flawed and the sound member of one pair."""
    shown = shard.pixels[number, number % 2]
    frame = frame_for(shard.joints[number], shown, nets)
    flaw = _flaw_of(shard, number)
    group = f"{name}-{number}"
    return [_sample(shard, number, member, frame, flaw, group) for member in range(2)]


def _flaw_of(shard: Shard, number: int) -> MaskArray:
    flawed, sound = shard.pixels[number].astype(np.int16)
    changed = np.abs(flawed - sound).max(axis=-1) > _CHANGED
    flaw: MaskArray = changed & shard.hands[number].any(axis=0)
    return flaw


def _sample(
    shard: Shard,
    number: int,
    member: int,
    frame: HandFrame,
    flaw: MaskArray,
    group: str,
) -> Sample:
    kind, count, style, _ = (str(value) for value in shard.labels[number])
    flawed = member == 0
    digits = int(count) if flawed else 5
    visible = _visible(shard.digits[number, member])
    label = Label(
        origin="render",
        style=style,
        kind=KIND_OF[kind] if flawed else "ok",
        detail=kind if flawed else "ok",
        pair=group,
        group=group,
        digits=digits,
        visible=min(visible, digits),
        open_hand=visible >= digits,
        mapped=not flawed,
    )
    return Sample(
        pixels=surroundings(shard.pixels[number, member], frame),
        label=label,
        hand=map_of(shard.hands[number, member], frame),
        flaw=map_of(flaw if flawed else np.zeros_like(flaw), frame),
        tips=points_of(
            np.zeros((0, 2), np.float32) if flawed else _tips_of(shard, number), frame
        ),
    )


def _visible(numbered: npt.NDArray[np.uint8]) -> int:
    areas = np.bincount(numbered.ravel())[1:]
    return int((areas >= numbered.size * _SEEN_SHARE).sum())


def _tips_of(shard: Shard, number: int) -> PointArray:
    """Return the twin's tips that can be seen, (n, 2) in pixels."""
    numbered = shard.digits[number, 1]
    masks = [numbered == digit for digit in range(1, len(TIPS) + 1)]
    return tips_seen(masks, shard.joints[number, list(TIPS)])


def main() -> None:
    """Write a shard of samples for each shard of pairs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    nets = HandNets.open()
    for source in sorted(given.pairs.glob("*.npz")):
        path = given.out / f"drawn-{source.name}"
        if path.exists():
            continue
        shard = load_shard(source)
        samples = [
            sample
            for number in range(len(shard.pixels))
            for sample in samples_of(shard, number, nets, source.stem)
        ]
        print(path.name, write_shard(path, samples), flush=True)


if __name__ == "__main__":
    main()
