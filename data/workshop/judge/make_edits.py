"""Spoil stored sound hands by editing them, with controls that only look edited.

Run: `PYTHONPATH=data python -m workshop.judge.make_edits --samples FOLDER`. Takes the
shards called `real-*` (and, with `--of render`, the sound hands of `render-*`) and
writes `edit-*` beside them; run again, it goes on where it was.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from detectors.hand_framing import FRAME_PX, PointArray
from detectors.hand_nets import HandNets
from workshop.edits import CONTROLS, FLAWS, edit
from workshop.judge.samples import (
    MOST_TIPS,
    REACH,
    STORED_MAP,
    STORED_PX,
    Label,
    Sample,
    decode,
    read_shard,
    write_shard,
)

FLAWS_PER_HAND, CONTROLS_PER_HAND = 2, 1
SURE_PRESENCE = 0.7
CLASS_OF = {
    "copy": "extra",
    "remove": "missing",
    "short": "length",
    "long": "length",
    "fuse": "fused",
    "bend": "bent",
    "melt": "melt",
}
"""What the editor calls a flaw -> the network's class."""

_DIGITS_AFTER = {"copy": 6, "remove": 4}
_KEEPS_TIPS = ("none", "self", "background", "melted-background")
_NO_TIPS = np.full((MOST_TIPS, 2), np.nan, np.float32)


def landmarks_in(sample: Sample, nets: HandNets) -> PointArray | None:
    """Return the landmarks in pixels of the stored cut-out; None when unsure."""
    frame_px = STORED_PX / REACH
    margin = round((STORED_PX - frame_px) / 2)
    inner = sample.pixels[margin : STORED_PX - margin, margin : STORED_PX - margin]
    shown = cv2.resize(inner, (FRAME_PX, FRAME_PX), interpolation=cv2.INTER_LINEAR)
    reading = nets.read(np.ascontiguousarray(shown))
    if reading.presence < SURE_PRESENCE:
        return None
    points: PointArray = reading.points * (inner.shape[0] / FRAME_PX) + margin
    return points


def edits_of(
    sample: Sample, points: PointArray, rng: np.random.Generator
) -> Iterator[Sample]:
    """Yield the sound hand, some controls and some flaws; nothing without a flaw."""
    spoiled = list(_some(sample, points, rng, tuple(FLAWS), FLAWS_PER_HAND))
    if not spoiled:
        return
    controls = tuple(kind for kind in CONTROLS if kind != "none")
    pair = f"edit-{sample.label.pair}"
    sound = replace(sample.label, origin="edit", pair=pair)
    yield replace(sample, label=sound)
    yield from spoiled
    yield from _some(sample, points, rng, controls, CONTROLS_PER_HAND)


def _some(
    sample: Sample,
    points: PointArray,
    rng: np.random.Generator,
    kinds: tuple[str, ...],
    wanted: int,
) -> Iterator[Sample]:
    made = 0
    for kind in rng.permutation(np.array(kinds)):
        done = edit(sample.pixels, points, rng, str(kind))
        if done is None:
            continue
        flaw = cv2.resize(
            done.changed.astype(np.uint8) * 255,
            (STORED_MAP, STORED_MAP),
            interpolation=cv2.INTER_AREA,
        )
        label = _label_after(sample.label, str(kind))
        yield replace(
            sample,
            pixels=done.pixels,
            label=label,
            flaw=flaw,
            tips=sample.tips if label.tipped else _NO_TIPS,
        )
        made += 1
        if made == wanted:
            return


def _label_after(label: Label, kind: str) -> Label:
    """Return the label of an edited hand; counts are known on open hands only."""
    digits = _DIGITS_AFTER.get(kind, label.digits)
    return replace(
        label,
        origin="edit",
        kind=CLASS_OF.get(kind, "ok"),
        detail=kind,
        pair=f"edit-{label.pair}",
        digits=digits,
        visible=digits if label.open_hand else 0,
        mapped=False,
        tipped=(label.tipped or label.mapped) and kind in _KEEPS_TIPS,
    )


def sound_samples(path: Path) -> Iterator[Sample]:
    """Yield the sound hands of a shard."""
    for label, coded, rest in read_shard(path):
        if not label.flawed:
            yield replace(rest, pixels=decode(coded))


def main() -> None:
    """Write the shards that are not there yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=Path, required=True)
    parser.add_argument("--of", default="real")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    nets = HandNets.open()
    for source in sorted(given.samples.glob(f"{given.of}-*.npz")):
        path = source.with_name(f"edit-{source.name}")
        if path.exists():
            continue
        samples: list[Sample] = []
        for number, sample in enumerate(sound_samples(source)):
            points = landmarks_in(sample, nets)
            if points is not None:
                digest = int.from_bytes(source.stem.encode()[-8:], "big")
                rng = np.random.default_rng([digest, number])
                samples += edits_of(sample, points, rng)
        print(path.name, write_shard(path, samples), flush=True)


if __name__ == "__main__":
    main()
