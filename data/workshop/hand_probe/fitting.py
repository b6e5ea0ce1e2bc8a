"""Fit linear readings on a few leading directions of the features."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

DIRECTIONS = 200
"""Leading directions that are kept; of 100 and 200, the better by cross-validation."""

PENALTY = 1500.0
"""Weight of the squared length of a reading; of 30 to 6000, the best, likewise."""


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """Standardised features and their leading directions."""

    centre: FloatArray
    """(F,)"""

    spread: FloatArray
    """(F,)"""

    directions: FloatArray
    """(F, DIRECTIONS), orthonormal columns scaled to unit variance."""

    def project(self, features: FloatArray) -> FloatArray:
        """Return (N, DIRECTIONS) for (N, F) features."""
        projected: FloatArray = (
            (features - self.centre) / self.spread
        ) @ self.directions
        return projected


def space_of(features: FloatArray) -> Space:
    """Return the space spanned by (N, F) features."""
    centre, spread = features.mean(axis=0), features.std(axis=0) + 1e-3
    scaled = (features - centre) / spread
    values, vectors = np.linalg.eigh(scaled.T @ scaled / len(scaled))
    kept = vectors[:, ::-1][:, :DIRECTIONS]
    scale = np.sqrt(values[::-1][:DIRECTIONS].clip(1e-9))
    return Space(centre, spread, kept / scale)


def fit_logistic(
    places: FloatArray, answers: FloatArray, shares: FloatArray, penalty: float
) -> tuple[FloatArray, float]:
    """Return weights and shift of a penalised logistic reading, by Newton's method.

    Args:
        places: (N, K) float.
        answers: (N,) 0 or 1.
        shares: (N,) how much each row counts; sums to N.
        penalty: Weight of the squared length of the weights.
    """
    extended = np.hstack([places, np.ones((len(places), 1))])
    weights = np.zeros(extended.shape[1])
    ridge = np.full(extended.shape[1], penalty)
    ridge[-1] = 1e-6
    for _ in range(30):
        guess = 1 / (1 + np.exp(-np.clip(extended @ weights, -30, 30)))
        slope = extended.T @ (shares * (guess - answers)) + ridge * weights
        bend = (extended * (shares * guess * (1 - guess))[:, None]).T @ extended
        step = np.linalg.solve(bend + np.diag(ridge), slope)
        weights = weights - step
        if float(np.abs(step).max()) < 1e-6:
            break
    return weights[:-1], float(weights[-1])


def fit_shares(
    places: FloatArray, classes: npt.NDArray[np.int64], n_classes: int, penalty: float
) -> tuple[FloatArray, FloatArray]:
    """Return (n_classes, K) weights and (n_classes,) shifts, one against the rest."""
    rows, shifts = [], []
    for number in range(n_classes):
        answers = (classes == number).astype(float)
        row, shift = fit_logistic(places, answers, balanced(answers), penalty)
        rows.append(row)
        shifts.append(shift)
    return np.array(rows), np.array(shifts)


def balanced(answers: FloatArray) -> FloatArray:
    """Return shares by which both answers count the same; they sum to N."""
    high = answers.mean().clip(1e-6, 1 - 1e-6)
    shares: FloatArray = np.where(answers > 0, 0.5 / high, 0.5 / (1 - high))
    return shares


def fold_back(space: Space, weights: FloatArray) -> FloatArray:
    """Return weights on the standardised features for weights on the directions."""
    folded: FloatArray = weights @ space.directions.T
    return folded


def folds_of(groups: list[str], n_folds: int) -> npt.NDArray[np.int64]:
    """Return each row's fold; rows of one group share a fold."""
    order = {name: number for number, name in enumerate(sorted(set(groups)))}
    shuffled = np.random.default_rng(0).permutation(len(order)) % n_folds
    folds: npt.NDArray[np.int64] = np.array([shuffled[order[name]] for name in groups])
    return folds
