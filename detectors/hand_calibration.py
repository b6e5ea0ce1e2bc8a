"""How the learned judge's evidence becomes a probability, and when it abstains."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from detectors.errors import WeightsWrong

FloatArray = npt.NDArray[np.float32]

EVIDENCE = (
    "flawed",
    "count",
    "kind",
    "worst_cells",
    "wrong_share",
    "unsteady",
)
"""What a verdict rests on; see `detectors.hand_learned.evidence_of`."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How raw logits become probabilities, and when the judge abstains."""

    slopes: tuple[float, ...]
    """One for each of EVIDENCE."""

    shift: float
    spread_above: float
    """Standard deviation of the logit over the looks from which it is in doubt."""

    small_px: float
    """Frames with a shorter side are in doubt."""

    between: tuple[float, float]
    """Probabilities in this range are no better than a guess."""

    @classmethod
    def read(cls, path: Path) -> "Calibration":
        """Read a calibration file.

        Raises:
            WeightsWrong: it is not one.
        """
        try:
            stored = json.loads(path.read_text("utf-8"))
            low, high = stored["between"]
            slopes = tuple(float(stored["slopes"][name]) for name in EVIDENCE)
            return cls(
                slopes,
                float(stored["shift"]),
                float(stored["spread_above"]),
                float(stored["small_px"]),
                (float(low), float(high)),
            )
        except (KeyError, TypeError, ValueError) as problem:
            raise WeightsWrong(
                f"{path} is not a calibration: {problem}; check the repository out "
                "again"
            ) from problem

    def probability(self, evidence: FloatArray) -> float:
        """Return the calibrated probability of a flaw, by logistic regression.

        Args:
            evidence: (6,) in the order of EVIDENCE.
        """
        logit = float(np.dot(self.slopes, evidence)) + self.shift
        return float(1 / (1 + np.exp(-np.clip(logit, -30, 30))))
