"""Measure the hands detector as it ships: `make eval-hands`.

Run: `PYTHONPATH=data python -m workshop.eval_hands --json OUT`. Real hands and edits of
them need a folder of labelled hands (`--labels`); without it only renders are measured.
"""

import argparse
import json
import math
import os
import time
from pathlib import Path
from typing import Any

import cv2
import torch

from detectors.hand_nets import HandNets
from detectors.hand_trials import summarise, try_hand
from detectors.hands import HandsDetector, build
from pipeline.settings import HandsSettings
from workshop.eval_hands.pairs import summarise_pairs, try_pair
from workshop.eval_hands.sources import (
    edited_pairs,
    real_hands,
    rendered_pairs,
    scenes_with_a_hand,
)

SIZES_PX = (200, 128, 96, 64, 48, 32, 24)


def recall_by_size(detector: HandsDetector, n_scenes: int) -> dict[str, float]:
    """Return the share of hands found, by the length of the hand in pixels."""
    shares: dict[str, float] = {}
    for size in SIZES_PX:
        found = 0
        for scene, centre in scenes_with_a_hand(size, n_scenes):
            seen = [view.box().centre for view, _ in detector.look(scene)]
            found += any(math.dist(centre, one) < 0.5 * size for one in seen)
        shares[str(size)] = found / n_scenes
    return shares


def seconds_per_hand(detector: HandsDetector, n_hands: int) -> dict[str, float]:
    """Return wall and processor seconds for finding and judging one hand."""
    pairs = list(rendered_pairs(n_hands))
    wall, own = time.perf_counter(), time.process_time()
    hands = sum(max(1, len(detector.look(pair.sound))) for pair in pairs)
    return {
        "wall": (time.perf_counter() - wall) / hands,
        "processor": (time.process_time() - own) / hands,
    }


def default_labels() -> Path:
    """Return the labels of the shared folder of hands, there or not."""
    shared = os.environ.get("NIGHTMEND_SHARED", "../shared")
    return Path(shared) / "data" / "hands" / "labels.csv"


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Return every figure."""
    detector = build(**HandsSettings().model_dump())
    trials = [try_pair(pair, detector.look) for pair in rendered_pairs(given.renders)]
    result: dict[str, Any] = {"renders": summarise_pairs(trials)}
    if given.labels.is_file():
        pairs = edited_pairs(given.labels, HandNets.open(), given.edits)
        edits = [try_pair(pair, detector.look) for pair in pairs]
        result["edits"] = summarise_pairs(edits)
        real = [
            try_hand(pixels, label, detector.look)
            for label, pixels in real_hands(given.labels)
        ]
        result["real"] = summarise(real)
    result["recall_by_size_px"] = recall_by_size(detector, given.scenes)
    result["seconds_per_hand"] = seconds_per_hand(detector, 12)
    detector.close()
    return result


def main() -> None:
    """Measure, write and show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--labels", type=Path, default=default_labels())
    parser.add_argument("--renders", type=int, default=104)
    parser.add_argument("--edits", type=int, default=150)
    parser.add_argument("--scenes", type=int, default=12)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    result = measure(given)
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    for part in result.values():
        part.pop("rows", None)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
