"""Compare single judges, and panels of them, on the same hands.

Run: `PYTHONPATH=data python -m workshop.eval_hands.compare --json OUT`. Drawn hands are
fresh; of the real ones, only the sound hands whose group was held out are used, and the
malformed ones that nobody trains on.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import torch

from detectors.arrays import RgbArray
from detectors.evaluation import auc_of, expected_calibration_error, recall_at_fpr
from detectors.hand_finding import find_hands
from detectors.hand_judging import HandJudge
from detectors.hand_learned import LearnedJudge
from detectors.hand_nets import HandNets
from detectors.hand_probe import build as build_probe
from workshop.eval_hands.sources import real_hands, rendered_pairs

_Floats = npt.NDArray[np.float64]


class Case(NamedTuple):
    """One picture with what is known about it."""

    pixels: RgbArray
    flawed: bool
    origin: str
    detail: str


def cases(n_pairs: int, labels: Path) -> Iterator[Case]:
    """Yield drawn pairs, then real hands."""
    for pair in rendered_pairs(n_pairs):
        yield Case(pair.flawed, True, "render", pair.kind)
        yield Case(pair.sound, False, "render", pair.kind)
    if labels.is_file():
        for label, pixels in real_hands(labels):
            yield Case(pixels, label.flawed, "real", "real")


def judge_all(
    judges: list[HandJudge], found: Iterator[Case]
) -> tuple[list[Case], _Floats]:
    """Return the cases in which a hand was found, and (N, judges) probabilities."""
    nets = HandNets.open()
    kept: list[Case] = []
    rows: list[list[float]] = []
    for case in found:
        views = find_hands(
            case.pixels, nets, second_look=False, min_side_px=24, max_hands=4
        )
        trusted = [view for view in views if view.presence >= 0.3][:1]
        if trusted:
            kept.append(case._replace(pixels=case.pixels[:1, :1]))
            rows.append([judge.judge(trusted)[0].p_flawed for judge in judges])
    return kept, np.array(rows)


def figures(kept: list[Case], p: _Floats) -> dict[str, Any]:
    """Return the figures of one judge, (N,) probabilities."""
    flawed = np.array([case.flawed for case in kept])
    drawn = np.array([case.origin == "render" for case in kept])
    pairs = [
        (index, index + 1)
        for index in range(len(kept) - 1)
        if drawn[index + 1] and flawed[index] and not flawed[index + 1]
    ]
    found: dict[str, Any] = {
        "n": len(kept),
        "drawn_auc": auc_of(flawed[drawn], p[drawn]),
        "drawn_recall_at_5fpr": recall_at_fpr(flawed[drawn], p[drawn], 0.05),
        "drawn_pairs_right": float(np.mean([p[a] > p[b] for a, b in pairs])),
        "drawn_ece": expected_calibration_error(flawed[drawn], p[drawn]),
    }
    if not drawn.all():
        found["real_auc"] = auc_of(flawed[~drawn], p[~drawn])
        found["real_ok_above_half"] = float((p[~drawn & ~flawed] > 0.5).mean())
        against = drawn & flawed | ~drawn & ~flawed
        found["drawn_flaws_v_real_ok_auc"] = auc_of(flawed[against], p[against])
    return {name: round(float(value), 3) for name, value in found.items()}


def main() -> None:
    """Compare the learned judge, the probe, and the mean of their log odds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--labels", type=Path, default=Path("none"))
    parser.add_argument("--pairs", type=int, default=78)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    judges: list[HandJudge] = [LearnedJudge.open(), build_probe(HandNets.open())]
    kept, p = judge_all(judges, cases(given.pairs, given.labels))
    odds = np.log((p + 1e-4) / (1 - p + 1e-4))
    both = 1 / (1 + np.exp(-odds.mean(axis=1)))
    result = {
        "learned": figures(kept, p[:, 0]),
        "probe": figures(kept, p[:, 1]),
        "both": figures(kept, both),
    }
    text = json.dumps(result, indent=2)
    given.json.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
