"""Turn a checkpoint into what ships: half-precision weights and their calibration.

Run: `PYTHONPATH=data python -m workshop.judge.export --checkpoint FILE --samples FOLDER
--out data/models`. The calibration is fitted on held-out samples, looked at exactly as
the runtime looks at a hand; every second pair in another light, sharpness or style.
Without a checkpoint, the weights that are there are calibrated again.
"""

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import cv2
import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save_file

from detectors.evaluation import auc_of, expected_calibration_error, recall_at_fpr
from detectors.hand_calibration import EVIDENCE, Calibration
from detectors.hand_finding import look_again
from detectors.hand_framing import HandFrame
from detectors.hand_judge_net import load_net
from detectors.hand_judging import HandView
from detectors.hand_learned import CALIBRATION, WEIGHTS, LearnedJudge
from detectors.hand_nets import HandNets
from detectors.hand_search import view_at
from detectors.weights import OWN_DIGESTS
from workshop.judge.augment import change_looks
from workshop.judge.batches import Pool, Stored, load_pool
from workshop.judge.samples import REACH, STORED_PX, THROUGH, decode

_Floats = npt.NDArray[np.float64]
T = TypeVar("T")

PREVALENCE = 0.25
"""Share of flawed hands that probabilities are right for: about one in four."""

CAUTION = 0.8
"""The fitted slope is shrunk by this, for unseen pictures differ more than held-out."""

ABSTAIN_SHARE = 0.03
"""Share of held-out hands about whose looks the judge may disagree with itself."""

RIDGE = 0.01

STEADINESS = 0.6
"""Slope of the evidence "unsteady", which is the last one, and is not fitted.

Spoiled hands keep the pose of their sound twins, so held-out samples cannot show how
real malformed hands unsettle the landmarks. A study before this project, on 246
pictures most of which have no licence, found that jitter alone ranks malformed hands
above sound ones with an AUC of 0.73 to 0.80. It is held well below what the judge
itself has to say.
"""

SMALL_FRAME_PX = 44.0
_NEUTRAL = Calibration((0.0,) * len(EVIDENCE), 0.0, 1e9, 0.0, (2.0, 2.0))


class Raw(NamedTuple):
    """What the judge says about held-out samples, before calibration."""

    flawed: npt.NDArray[np.bool_]
    evidence: _Floats
    """(N, 6) in the order of EVIDENCE."""

    spreads: _Floats
    origins: tuple[str, ...]
    details: tuple[str, ...]


def view_of(stored: Stored, nets: HandNets, look: int | None) -> HandView:
    """Return a stored sample as the finder would hand it over.

    Args:
        stored: The sample.
        nets: What the finder looks with.
        look: Seed of a change of looks, or None for the sample as it is.
    """
    pixels = decode(stored.coded)
    if look is not None:
        pixels = change_looks(look, pixels)
    frame = HandFrame(STORED_PX / 2, STORED_PX / 2, STORED_PX / REACH, 0.0)
    return look_again(view_at(pixels, nets, frame), nets)


def judge_pool(judge: LearnedJudge, pool: Pool, most: int) -> Raw:
    """Judge up to `most` pairs of each origin and as many single hands."""
    nets = HandNets.open()
    chosen: list[tuple[Stored, int | None]] = []
    for pairs in pool.pairs.values():
        for number, (flawed, sound) in enumerate(spread_over(pairs, most)):
            look = number if number % 2 else None
            chosen += [(flawed[0], look), (sound[-1], look)]
    singles = enumerate(spread_over(pool.singles, most))
    chosen += [(single, number if number % 2 else None) for number, single in singles]
    raw = [judge.raw(view_of(stored, nets, look)) for stored, look in chosen]
    labels = [stored.label for stored, _ in chosen]
    return Raw(
        np.array([label.flawed for label in labels]),
        np.array([evidence for evidence, _ in raw], dtype=np.float64),
        np.array([spread for _, spread in raw]),
        tuple(label.origin for label in labels),
        tuple(label.detail for label in labels),
    )


def spread_over(things: Sequence[T], most: int) -> Sequence[T]:
    """Return at most so many things, evenly from all of them."""
    return things[:: max(1, -(-len(things) // most))]


def weights_of(raw: Raw, prevalence: float = PREVALENCE) -> _Floats:
    """Return a weight per sample, (N,), which sum to 1.

    Flawed hands together weigh `prevalence`; each origin weighs the same within its
    class, so that the many of one kind do not drown the others.
    """
    origins = np.array(raw.origins)
    weights = np.zeros(len(origins))
    for flawed, share in ((True, prevalence), (False, 1 - prevalence)):
        present = sorted(set(origins[raw.flawed == flawed]))
        for origin in present:
            of_it = (origins == origin) & (raw.flawed == flawed)
            weights[of_it] = share / len(present) / of_it.sum()
    return weights


def fit_slopes(raw: Raw, chosen: npt.NDArray[np.bool_]) -> _Floats:
    """Return slopes for EVIDENCE by logistic regression; none is below zero.

    All evidence speaks for a flaw. Where several say much the same, a free fit sets
    some against the others, which holds for the samples and for nothing else.

    Args:
        raw: Held-out samples.
        chosen: (N,) bool, which of them to fit to.
    """
    fitted = raw.evidence[:, :-1]
    weights = weights_of(raw) * chosen
    used = np.ones(fitted.shape[1], bool)
    while True:
        slopes = np.zeros(fitted.shape[1])
        slopes[used] = _fit_free(fitted[:, used], raw.flawed, weights)
        if (slopes >= 0).all():
            return np.append(CAUTION * slopes, STEADINESS)
        used &= slopes > 0


def _fit_free(
    evidence: _Floats, flawed: npt.NDArray[np.bool_], weights: _Floats
) -> _Floats:
    """Return slopes by Newton's method, (columns of the evidence,)."""
    spread = evidence.std(axis=0) + 1e-6
    mean = evidence.mean(axis=0)
    design = np.hstack([(evidence - mean) / spread, np.ones((len(weights), 1))])
    ridge = np.diag([RIDGE] * evidence.shape[1] + [1e-9])
    theta = np.zeros(design.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ theta))
        slope = design.T @ (weights * (p - flawed)) + ridge @ theta
        curve = design.T @ (design * (weights * p * (1 - p))[:, None]) + ridge
        theta = theta - np.linalg.solve(curve, slope)
    slopes: _Floats = theta[:-1] / spread
    return slopes


def shift_for(logits: _Floats, weights: _Floats) -> float:
    """Return the shift at which the mean probability is the prevalence."""
    low, high = -40.0, 40.0
    for _ in range(60):
        middle = (low + high) / 2
        mean = float((weights / (1 + np.exp(-(logits + middle)))).sum())
        low, high = (middle, high) if mean < PREVALENCE else (low, middle)
    return (low + high) / 2


def crossed_logits(raw: Raw, folds: int = 5) -> _Floats:
    """Return logits of samples whose fold the slopes were not fitted to."""
    fold = np.arange(len(raw.flawed)) // 2 % folds
    logits = np.zeros(len(fold))
    for number in range(folds):
        slopes = fit_slopes(raw, fold != number)
        logits[fold == number] = raw.evidence[fold == number] @ slopes
    return logits


def report(raw: Raw) -> dict[str, Any]:
    """Return the figures of the held-out samples, by cross-fitted slopes."""
    logits = crossed_logits(raw)
    weights = weights_of(raw)
    p = 1 / (1 + np.exp(-(logits + shift_for(logits, weights))))
    origins, details = np.array(raw.origins), np.array(raw.details)
    first = raw.evidence[:, 0]
    found: dict[str, Any] = {
        "n": len(logits),
        "auc": auc_of(raw.flawed, logits),
        "auc_of_the_logit_alone": auc_of(raw.flawed, first),
        "recall_at_5fpr": recall_at_fpr(raw.flawed, logits, 0.05),
        "ece": _calibration_error(raw.flawed, p),
    }
    for origin in sorted(set(origins[raw.flawed])):
        part = (origins == origin) & raw.flawed
        real = f"{THROUGH}real" if origin.startswith(THROUGH) else "real"
        against = ~raw.flawed & np.isin(origins, (origin, real))
        both = part | against
        found[f"{origin}_auc"] = auc_of(raw.flawed[both], logits[both])
        for detail in sorted(set(details[part])):
            one = against | (part & (details == detail))
            found[f"{origin}_{detail}"] = auc_of(raw.flawed[one], logits[one])
    for real in ("real", f"{THROUGH}real"):
        sound = ~raw.flawed & (origins == real)
        if sound.any():
            found[f"{real}_ok_above_half"] = float((p[sound] > 0.5).mean())
    return {name: round(float(value), 3) for name, value in found.items()}


def _calibration_error(flawed: npt.NDArray[np.bool_], p: _Floats) -> float:
    """Return the calibration error at the prevalence, by leaving out flawed hands."""
    sound = np.flatnonzero(~flawed)
    wanted = round(len(sound) * PREVALENCE / (1 - PREVALENCE))
    chosen = np.random.default_rng(0).permutation(np.flatnonzero(flawed))[:wanted]
    kept = np.concatenate([sound, chosen])
    return expected_calibration_error(flawed[kept], p[kept])


def write_weights(checkpoint: Path, path: Path) -> None:
    """Write the averaged weights as float16."""
    stored = torch.load(checkpoint, weights_only=True)["average"]
    halves = {name: value.half().contiguous() for name, value in stored.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(halves, str(path))
    path.chmod(0o644)


def note_digests(folder: Path, names: Sequence[str]) -> None:
    """Write the digests of files into the folder's list, keeping the others'."""
    listing = folder / OWN_DIGESTS
    lines = listing.read_text("utf-8").splitlines() if listing.is_file() else []
    kept = [line for line in lines if line.split()[-1].lstrip("*") not in names]
    fresh = [
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}"
        for name in names
    ]
    listing.write_text("\n".join(sorted([*kept, *fresh])) + "\n", encoding="utf-8")


def main() -> None:
    """Export and calibrate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--samples", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--most", type=int, default=120)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    if given.checkpoint is not None:
        write_weights(given.checkpoint, given.out / WEIGHTS)
    judge = LearnedJudge(load_net(given.out / WEIGHTS), _NEUTRAL)
    raw = judge_pool(judge, load_pool(given.samples, held_out=True), given.most)
    slopes = fit_slopes(raw, np.ones(len(raw.flawed), bool))
    content = {
        "slopes": dict(zip(EVIDENCE, (float(value) for value in slopes), strict=True)),
        "shift": shift_for(raw.evidence @ slopes, weights_of(raw)),
        "spread_above": float(np.quantile(raw.spreads, 1 - ABSTAIN_SHARE)),
        "small_px": SMALL_FRAME_PX,
        "between": [2.0, 2.0],
        "held_out": report(raw),
    }
    path = given.out / CALIBRATION
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    note_digests(given.out, (WEIGHTS, CALIBRATION))
    print(json.dumps(content, indent=2))


if __name__ == "__main__":
    main()
