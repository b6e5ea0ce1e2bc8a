"""Measure finding alone: recall by size, false finds, time.

Run: `PYTHONPATH=data python -m workshop.eval_hands.finding --json OUT`.
"""

import argparse
import json
import math
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import cv2
import torch

from detectors.hand_judges import AbstainingJudge
from detectors.hand_nets import HandNets
from detectors.hands import HandsDetector, build
from pipeline.settings import HandsSettings
from workshop.eval_hands.scenes import all_cut_outs, empty_scenes, scenes_of
from workshop.eval_hands.sources import default_labels

SIZES_PX = (200, 128, 96, 64, 48, 32, 24)
_NEAR = 0.5
"""A hand counts as found when a box's middle is nearer than this share of its size."""


def finder() -> HandsDetector:
    """Return the detector as it ships, with a judge that costs nothing."""
    return build(**HandsSettings().model_dump(), judge=AbstainingJudge())


def recall_by_size(
    detector: HandsDetector,
    labels: Path,
    count: int,
    sizes_px: tuple[int, ...] = SIZES_PX,
) -> dict[str, Any]:
    """Return the share of hands found by size: all, and by origin; and the time."""
    hits: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    others, took = 0, 0.0
    cut_outs = all_cut_outs(labels, HandNets.open(), count)
    for number, cut_out in enumerate(cut_outs):
        for scene in scenes_of(cut_out, number, sizes_px):
            start = time.process_time()
            seen = [view.box().centre for view, _ in detector.look(scene.pixels)]
            took += time.process_time() - start
            near = [
                math.dist(scene.centre, one) < _NEAR * scene.hand_px for one in seen
            ]
            others += near.count(False)
            kind = scene.origin.partition("-")[0]
            for origin in ("all", kind, scene.origin):
                hits[origin][str(scene.hand_px)].append(any(near))
    pictures = len(cut_outs) * len(sizes_px)
    return {
        "hands": len(cut_outs),
        "recall": {
            origin: {size: sum(found) / len(found) for size, found in sizes.items()}
            for origin, sizes in sorted(hits.items())
        },
        "other_places_per_picture": others / pictures,
        "seconds_per_picture": took / pictures,
    }


def false_finds(detector: HandsDetector, count: int) -> dict[str, Any]:
    """Return what is taken for a hand where there is none."""
    found, took = {}, 0.0
    for name, pixels in empty_scenes(count):
        start = time.process_time()
        seen = detector.look(pixels)
        took += time.process_time() - start
        if seen:
            found[name] = len(seen)
    return {"pictures": count, "found": found, "seconds_per_picture": took / count}


def main() -> None:
    """Measure, write and show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--labels", type=Path, default=default_labels())
    parser.add_argument("--hands", type=int, default=24)
    parser.add_argument("--empty", type=int, default=20)
    parser.add_argument("--sizes", type=int, nargs="*", default=list(SIZES_PX))
    given = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    detector = finder()
    result = {
        "with_a_hand": recall_by_size(
            detector, given.labels, given.hands, tuple(given.sizes)
        ),
        "without": false_finds(detector, given.empty),
    }
    text = json.dumps(result, indent=2)
    given.json.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
