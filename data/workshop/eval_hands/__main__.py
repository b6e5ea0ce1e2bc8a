"""Measure the hands detector as it ships: `make eval-hands`.

Run: `PYTHONPATH=data python -m workshop.eval_hands --json OUT [--table FILE]`. Real
hands and edits of them need a folder of labelled hands (`--labels`); without it only
drawn hands are measured.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import torch

from detectors.hand_nets import HandNets
from detectors.hand_trials import summarise, try_hand
from detectors.hands import HandsDetector, build
from pipeline.settings import HandsSettings
from workshop.eval_hands.finding import (
    SIZES_PX,
    false_finds,
    finder,
    recall_by_size,
)
from workshop.eval_hands.pairs import counted_over_five, summarise_pairs, try_pair
from workshop.eval_hands.removal import measure_removal
from workshop.eval_hands.sources import (
    decoded_pairs,
    default_labels,
    edited_pairs,
    real_hands,
    rendered_pairs,
)
from workshop.eval_hands.table import table_of

TINY_HANDS = Path(__file__).parents[2] / "models" / "tiny-hands"

Measure = Callable[[argparse.Namespace, HandsDetector], dict[str, Any]]


def on_renders(given: argparse.Namespace, detector: HandsDetector) -> dict[str, Any]:
    """Compare drawn hands with their sound twins."""
    pairs = rendered_pairs(given.renders)
    return summarise_pairs([try_pair(pair, detector.look) for pair in pairs])


def on_edits(given: argparse.Namespace, detector: HandsDetector) -> dict[str, Any]:
    """Compare spoiled real hands with controls that were edited but kept sound."""
    if not given.labels.is_file():
        return {}
    pairs = edited_pairs(given.labels, HandNets.open(), given.edits)
    return summarise_pairs([try_pair(pair, detector.look) for pair in pairs])


def on_decoded(given: argparse.Namespace, detector: HandsDetector) -> dict[str, Any]:
    """Compare edits of real hands after both came out of an autoencoder."""
    if not given.labels.is_file():
        return {}
    edited = edited_pairs(given.labels, HandNets.open(), given.decoded)
    pairs = decoded_pairs(edited, TINY_HANDS / "vae")
    return summarise_pairs([try_pair(pair, detector.look) for pair in pairs])


def on_real(given: argparse.Namespace, detector: HandsDetector) -> dict[str, Any]:
    """Measure on real malformed hands and real sound ones that were held out."""
    if not given.labels.is_file():
        return {}
    trials = [
        try_hand(pixels, label, detector.look)
        for label, pixels in real_hands(given.labels)
    ]
    sound = [trial for trial in trials if not trial.label.flawed]
    return {**summarise(trials), "six_or_more_on_sound": counted_over_five(sound)}


def on_scenes(given: argparse.Namespace, _: HandsDetector) -> dict[str, Any]:
    """Measure finding: recall by size, false finds, time."""
    detector = finder()
    found = {
        "with_a_hand": recall_by_size(detector, given.labels, given.hands, SIZES_PX),
        "without": false_finds(detector, given.hands),
    }
    detector.close()
    return found


def on_surplus(given: argparse.Namespace, detector: HandsDetector) -> dict[str, Any]:
    """Measure how well a surplus digit is outlined."""
    return measure_removal(detector, given.surplus)


PARTS: dict[str, Measure] = {
    "renders": on_renders,
    "edits": on_edits,
    "decoded": on_decoded,
    "real": on_real,
    "finding": on_scenes,
    "removal": on_surplus,
}


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of every part that was asked for and has pictures."""
    detector = build(**HandsSettings().model_dump())
    result: dict[str, Any] = {}
    for name in given.parts:
        part = PARTS[name](given, detector)
        if part:
            result[name] = part
            print(f"measured: {name}", flush=True)
    detector.close()
    return result


def arguments() -> argparse.ArgumentParser:
    """Return what may be asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--table", type=Path, help="write a Markdown table here")
    parser.add_argument("--labels", type=Path, default=default_labels())
    parser.add_argument("--parts", nargs="*", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--renders", type=int, default=104, help="pairs")
    parser.add_argument("--edits", type=int, default=150, help="pairs")
    parser.add_argument("--decoded", type=int, default=80, help="pairs")
    parser.add_argument("--hands", type=int, default=16, help="drawn, and as many real")
    parser.add_argument("--surplus", type=int, default=60, help="drawn hands")
    return parser


def main(words: list[str] | None = None) -> None:
    """Measure, write and show."""
    given = arguments().parse_args(words)
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    result = measure(given)
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    table = table_of(result)
    if given.table is not None:
        given.table.write_text(table, encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
