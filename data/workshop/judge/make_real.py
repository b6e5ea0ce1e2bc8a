"""Store real, well-formed hands as samples: what a judge must leave alone.

Run: `PYTHONPATH=data python -m workshop.judge.make_real --labels FILE --out FOLDER`.
Only rows labelled ok are taken; malformed hands are never trained on.
"""

import argparse
import csv
import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from detectors.arrays import RgbArray
from detectors.hand_finding import find_hands
from detectors.hand_judging import HandView
from detectors.hand_nets import HandNets
from detectors.hand_pose import TIPS, is_open
from workshop.judge.samples import Label, Sample, points_of, surroundings, write_shard

PER_SHARD = 60
SURE_PRESENCE = 0.9


def group_of(row: dict[str, str]) -> str:
    """Return what must not be split: one person or one take of a session."""
    repository = row["source_repo"].split("/")[0]
    stem = Path(row["source_path"]).stem
    number = re.match(r"IMG_(\d+)", stem)
    if number:
        return f"{repository}-{int(number.group(1)) // 10}"
    return f"{repository}-{re.sub(r'_?pic[0-9]+$', '', stem)}"


def read_picture(path: Path) -> RgbArray:
    """Return a picture as (H, W, 3) uint8 RGB.

    Raises:
        ValueError: the file is no picture.
    """
    found = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if found is None:
        raise ValueError(f"{path} cannot be read as a picture")
    rgb: RgbArray = np.ascontiguousarray(found[..., ::-1])
    return rgb


def main_hand(pixels: RgbArray, nets: HandNets) -> HandView | None:
    """Return the largest hand, or None when none is found."""
    views = find_hands(pixels, nets, second_look=False, min_side_px=16, max_hands=4)
    trusted = [view for view in views if view.presence > 0.5]
    return trusted[0] if trusted else None


def sample_of(view: HandView, row: dict[str, str]) -> Sample:
    """Return a real hand as a sample; its tips are known when it is open."""
    opened = is_open(view.points) and view.presence > SURE_PRESENCE
    points = view.picture_points()[list(TIPS)] if opened else np.zeros((0, 2))
    label = Label(
        origin="real",
        style="photo" if row["origin"] == "photo" else "ai",
        kind="ok",
        detail="ok",
        pair=row["file"],
        group=group_of(row),
        digits=5,
        visible=5 if opened else 0,
        open_hand=opened,
        tipped=opened,
    )
    return Sample(
        pixels=surroundings(view.pixels, view.frame),
        label=label,
        tips=points_of(points.astype(np.float32), view.frame),
    )


def rows_of(labels: Path) -> list[dict[str, str]]:
    """Return the rows of well-formed hands, in the order of the file."""
    with labels.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["label"] == "ok"]


def samples_from(labels: Path, nets: HandNets) -> Iterator[Sample]:
    """Yield one sample for each well-formed hand that is found."""
    for row in rows_of(labels):
        view = main_hand(read_picture(labels.parent / row["file"]), nets)
        if view is not None:
            yield sample_of(view, row)


def main() -> None:
    """Write the shards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    samples = list(samples_from(given.labels, HandNets.open()))
    for first in range(0, len(samples), PER_SHARD):
        path = given.out / f"real-{first // PER_SHARD:05d}.npz"
        print(path.name, write_shard(path, samples[first : first + PER_SHARD]))


if __name__ == "__main__":
    main()
