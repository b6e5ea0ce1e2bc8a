"""Store what the landmark network sees inside, for every sample and its edits.

Run: `PYTHONPATH=data python -m workshop.hand_probe.features --samples FOLDER --out
FOLDER`, where the samples were made by `workshop.judge.make_renders` and `make_real`.
Run again, it goes on where it was.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from detectors.arrays import RgbArray
from detectors.hand_framing import HandFrame
from detectors.hand_nets import HandNets
from detectors.hand_probe import looks_at
from detectors.hand_search import view_at
from workshop.edits import CONTROLS, FLAWS, edit
from workshop.judge.samples import REACH, STORED_PX, Label, decode, read_shard

FRAME = HandFrame(STORED_PX / 2, STORED_PX / 2, STORED_PX / REACH, 0.0)
"""Where the hand's own frame lies in a stored sample."""

CLASS_OF = {
    "copy": "extra",
    "remove": "missing",
    "short": "length",
    "long": "length",
    "fuse": "fused",
    "bend": "bent",
    "melt": "melt",
}
"""What the edits call a flaw -> the class of the samples."""

FLAWS_EACH = 2
CONTROLS_EACH = 1


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One picture of a hand as a judge meets it."""

    label: Label
    features: npt.NDArray[np.float32]
    """(looks, 3576)"""

    presence: float


def rows_of(shard: Path, nets: HandNets) -> Iterator[Row]:
    """Yield the samples of a shard, and the edits of its real hands."""
    for index, (label, coded, _) in enumerate(read_shard(shard)):
        pixels = decode(coded)
        yield row_of(pixels, label, nets)
        if label.origin == "real":
            rng = np.random.default_rng([int(shard.stem.split("-")[-1]), index])
            for changed, kind in edits_of(pixels, rng, nets):
                flaw = CLASS_OF.get(kind, "ok")
                altered = replace(label, origin="edit", kind=flaw, detail=kind)
                yield row_of(changed, altered, nets)


def row_of(pixels: RgbArray, label: Label, nets: HandNets) -> Row:
    """Return the features of one sample, float16 in effect."""
    view = view_at(pixels, nets, FRAME)
    return Row(label, looks_at(view, nets), view.presence)


def edits_of(
    pixels: RgbArray, rng: np.random.Generator, nets: HandNets
) -> Iterator[tuple[RgbArray, str]]:
    """Yield some flawed and some sound variants of a real hand, with their kinds."""
    points = view_at(pixels, nets, FRAME).picture_points()
    for kinds, wanted in ((FLAWS, FLAWS_EACH), (CONTROLS, CONTROLS_EACH)):
        made = 0
        for kind in rng.permutation([kind for kind in kinds if kind != "none"]):
            changed = edit(pixels, points, rng, str(kind))
            if changed is not None:
                yield changed.pixels, str(kind)
                made += 1
            if made == wanted:
                break


def write(path: Path, rows: list[Row]) -> None:
    """Write the rows of one shard, wholly or not at all."""
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as file:
        np.savez(
            file,
            features=np.array([row.features.mean(axis=0) for row in rows], np.float32),
            presence=np.array([row.presence for row in rows], np.float32),
            labels=np.array(json.dumps([asdict(row.label) for row in rows])),
        )
    temporary.rename(path)


def main() -> None:
    """Write the feature files that are not there yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    nets = HandNets.open()
    shards = [*given.samples.glob("real-*.npz"), *given.samples.glob("render-*.npz")]
    for shard in sorted(shards):
        path = given.out / shard.name
        if not path.exists():
            rows = list(rows_of(shard, nets))
            write(path, rows)
            print(path.name, len(rows), flush=True)


if __name__ == "__main__":
    main()
