"""Fit the simple judge of hands, measure it by cross-validation, and write its weights.

Run: `PYTHONPATH=data python -m workshop.hand_probe.fit --features FOLDER --out
data/models/hand-probe`. It takes about a minute. Malformed real hands are never used.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

from detectors.evaluation import auc_of, recall_at_fpr
from detectors.hand_probe import FLAWS as FLAW_NAMES
from workshop.hand_probe.fitting import (
    PENALTY,
    FloatArray,
    Space,
    balanced,
    fit_logistic,
    fit_shares,
    fold_back,
    folds_of,
    space_of,
)

FOLDS = 5
TRUSTED_PRESENCE = 0.3
FLAW_OF = {"extra": 0, "missing": 1, "fused": 2, "bent": 3, "length": 3, "melt": 3}
DOMAINS = (("render",), ("edit", "real"))
"""What each head is learned from."""

FLAWED_SHARE = 0.3
"""How many hands of a generated folder are flawed, as the calibration assumes."""

UNSTEADY = 2.5
"""Spread of the raw logit over the looks above which the judge is in doubt."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """All rows: features, and what is known about them."""

    features: FloatArray
    origin: npt.NDArray[np.str_]
    detail: npt.NDArray[np.str_]
    style: npt.NDArray[np.str_]
    kind: npt.NDArray[np.str_]
    group: list[str]

    @property
    def flawed(self) -> npt.NDArray[np.bool_]:
        found: npt.NDArray[np.bool_] = self.kind != "ok"
        return found


def read_table(folder: Path) -> Table:
    """Return every row of the feature files whose landmarks can be trusted."""
    features, labels = [], []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as stored:
            kept = stored["presence"] >= TRUSTED_PRESENCE
            features.append(stored["features"][kept])
            rows = json.loads(str(stored["labels"]))
        labels += [row for row, good in zip(rows, kept, strict=True) if good]
    columns = {
        name: np.array([row[name] for row in labels])
        for name in ("origin", "detail", "style", "kind")
    }
    groups = [str(row["group"]) for row in labels]
    return Table(np.concatenate(features).astype(float), group=groups, **columns)


def domain_of(table: Table, number: int) -> npt.NDArray[np.bool_]:
    """Return which rows belong to the domain that a head is learned from."""
    return np.isin(table.origin, DOMAINS[number])


def fit_heads(
    places: FloatArray, table: Table, rows: npt.NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    """Return (2, K) weights and (2,) shifts learned from the given rows."""
    weights, shifts = [], []
    for number in range(len(DOMAINS)):
        chosen = rows & domain_of(table, number)
        answers = table.flawed[chosen].astype(float)
        head, shift = fit_logistic(places[chosen], answers, balanced(answers), PENALTY)
        weights.append(head)
        shifts.append(shift)
    return np.array(weights), np.array(shifts)


def held_out(places: FloatArray, table: Table) -> FloatArray:
    """Return (N, 2) logits of heads that have not seen the row's group."""
    folds = folds_of(table.group, FOLDS)
    scores = np.zeros((len(places), len(DOMAINS)))
    for fold in range(FOLDS):
        weights, shifts = fit_heads(places, table, folds != fold)
        scores[folds == fold] = places[folds == fold] @ weights.T + shifts
    return scores


def calibrate(raw: FloatArray, table: Table) -> tuple[float, float]:
    """Return slope and shift of Platt scaling on held-out rows.

    Renders and real hands count the same; a share of FLAWED_SHARE is flawed.
    """
    shares = np.zeros(len(raw))
    parts = (
        (FLAWED_SHARE / 2, table.flawed & (table.origin == "render")),
        (FLAWED_SHARE / 2, table.flawed & (table.origin == "edit")),
        ((1 - FLAWED_SHARE) / 3, ~table.flawed & (table.origin == "render")),
        ((1 - FLAWED_SHARE) / 3, ~table.flawed & (table.origin == "edit")),
        ((1 - FLAWED_SHARE) / 3, ~table.flawed & (table.origin == "real")),
    )
    for share, rows in parts:
        shares[rows] = share / max(rows.sum(), 1) * len(raw)
    weights, shift = fit_logistic(
        raw[:, None], table.flawed.astype(float), shares, 1e-3
    )
    return float(weights[0]), shift


def show(title: str, flawed: npt.NDArray[np.bool_], scores: FloatArray) -> None:
    """Print how well scores tell flawed rows from sound ones."""
    if flawed.any() and not flawed.all():
        print(
            f"{title:34s} n {flawed.sum():4d} v {(~flawed).sum():4d}"
            f"  AUC {auc_of(flawed, scores):.3f}"
            f"  R@5% {recall_at_fpr(flawed, scores, 0.05):.2f}"
            f"  R@10% {recall_at_fpr(flawed, scores, 0.1):.2f}"
        )


def report(table: Table, scores: FloatArray) -> None:
    """Print figures on rows that the heads have not seen."""
    mean = scores.mean(axis=1)
    for number, title in enumerate(("render head", "edit head")):
        for other, shown in enumerate(("renders", "edits")):
            rows = domain_of(table, other)
            show(f"{title} on {shown}", table.flawed[rows], scores[rows, number])
    for other, shown in enumerate(("renders", "edits")):
        rows = domain_of(table, other)
        show(f"mean on {shown}", table.flawed[rows], mean[rows])
        for kind in sorted(set(table.detail[rows & table.flawed])):
            chosen = rows & (~table.flawed | (table.detail == kind))
            show(f"  {kind}", table.flawed[chosen], mean[chosen])
    for style in sorted(set(table.style)):
        rows = (table.style == style) & (table.origin == "render")
        show(f"mean on renders, {style}", table.flawed[rows], mean[rows])


def pack(
    space: Space, table: Table, places: FloatArray, calibration: list[float]
) -> dict[str, npt.NDArray[np.float32]]:
    """Return the arrays of the weights file, learned from every row."""
    heads, shifts = fit_heads(places, table, np.ones(len(places), np.bool_))
    rows = table.flawed
    classes = np.array([FLAW_OF[kind] for kind in table.kind[rows]])
    flaws, flaw_shifts = fit_shares(places[rows], classes, len(FLAW_NAMES), PENALTY)
    arrays = {
        "centre": space.centre,
        "spread": space.spread,
        "heads": fold_back(space, heads),
        "head_shifts": shifts,
        "flaws": fold_back(space, flaws),
        "flaw_shifts": flaw_shifts,
        "calibration": np.array(calibration),
    }
    return {
        name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()
    }


def main() -> None:
    """Fit, print the figures, and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    table = read_table(given.features)
    space = space_of(table.features)
    places = space.project(table.features)
    scores = held_out(places, table)
    report(table, scores)
    raw = scores.mean(axis=1)
    slope, shift = calibrate(raw, table)
    p_flawed = 1 / (1 + np.exp(-(slope * raw + shift)))
    for origin in ("real", "edit", "render"):
        sound = (table.origin == origin) & ~table.flawed
        print(f"sound {origin}: {np.mean(p_flawed[sound] >= 0.5):.3f} called flawed")
    given.out.mkdir(parents=True, exist_ok=True)
    calibration = [slope, shift, 0.5, 0.5, UNSTEADY]
    target = given.out / "hand_probe.safetensors"
    save_file(pack(space, table, places, calibration), str(target))
    print(f"wrote {target}, slope {slope:.3f}, shift {shift:.3f}")


if __name__ == "__main__":
    main()
