"""A simple judge: two linear readings of what the landmark network sees inside."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file

from detectors import weights
from detectors.errors import WeightsMissing, WeightsWrong
from detectors.hand_judging import Flaw, HandView, Verdict
from detectors.hand_nets import HandNets

FloatArray = npt.NDArray[np.float32]

WEIGHTS = "hand-probe/hand_probe.safetensors"
FEATURES = 3576
FLAWS: tuple[Flaw, ...] = ("extra-digit", "missing-digit", "fused", "malformed")
LOOKS = ((0.0, 1.0, False), (0.0, 1.0, True), (0.15, 1.1, False), (-0.15, 0.93, True))
"""(turn in radians, scale, mirrored) of each look; their readings are averaged."""


@dataclass(frozen=True, slots=True, eq=False)
class ProbeWeights:
    """Everything that was learned."""

    centre: FloatArray
    """(3576,) what is subtracted from the features."""

    spread: FloatArray
    """(3576,) what they are divided by."""

    heads: FloatArray
    """(2, 3576): learned from renders, and from edited real hands."""

    head_shifts: FloatArray
    """(2,)"""

    flaws: FloatArray
    """(4, 3576): logits of FLAWS, given that there is a flaw."""

    flaw_shifts: FloatArray
    """(4,)"""

    calibration: FloatArray
    """(5,): slope and shift of Platt scaling; the probabilities between which, and the
    spread of the raw logit over the looks from which, the judge is in doubt."""

    @classmethod
    def read(cls, path: Path) -> "ProbeWeights":
        """Read a weights file.

        Raises:
            WeightsWrong: it does not hold what it should.
        """
        try:
            stored = {
                name: array.astype(np.float32)
                for name, array in load_file(path).items()
            }
            found = cls(**stored)
        except (OSError, TypeError, SafetensorError) as problem:
            raise WeightsWrong(
                f"{path} is not a hand probe: {problem}; check the repository out again"
            ) from problem
        shapes = (found.heads.shape, found.flaws.shape, found.calibration.shape)
        if shapes != ((2, FEATURES), (len(FLAWS), FEATURES), (5,)):
            raise WeightsWrong(
                f"{path} has arrays of other shapes: {shapes}; check the repository "
                "out again"
            )
        return found


class ProbeJudge:
    """Judges hands by the packaged landmark network and a few linear weights."""

    def __init__(self, nets: HandNets, learned: ProbeWeights) -> None:
        self._nets = nets
        self._learned = learned

    @property
    def name(self) -> str:
        return "probe"

    def judge(self, views: Sequence[HandView]) -> list[Verdict]:
        """Return one verdict per view, in order."""
        return [self._judge(view) for view in views]

    def close(self) -> None:
        """Do nothing: the networks belong to whoever made them."""

    def _judge(self, view: HandView) -> Verdict:
        learned = self._learned
        looks = (looks_at(view, self._nets) - learned.centre) / learned.spread
        raw = (looks @ learned.heads.T + learned.head_shifts).mean(axis=1)
        slope, shift, low, high, steady = (float(v) for v in learned.calibration)
        p_flawed = float(1 / (1 + np.exp(-(slope * float(raw.mean()) + shift))))
        shares = _softmax((looks @ learned.flaws.T + learned.flaw_shifts).mean(axis=0))
        doubt = ""
        if float(raw.std()) > steady:
            doubt = "looks at it from slightly different sides disagree"
        elif low < p_flawed < high:
            doubt = "it could be either"
        return Verdict(
            p_flawed=p_flawed,
            doubt=doubt,
            digits=None,
            flaws=dict(zip(FLAWS, (float(share) for share in shares), strict=True)),
        )


def present(folder: Path | None = None) -> bool:
    """Tell whether the weights are there; a damaged file is not "absent"."""
    try:
        weights.own(WEIGHTS, folder)
    except WeightsMissing:
        return False
    return True


def build(nets: HandNets, folder: Path | None = None) -> ProbeJudge:
    """Load the judge.

    Raises:
        WeightsMissing: the file is not there.
        WeightsWrong: the file is not what it should be.
    """
    return ProbeJudge(nets, ProbeWeights.read(weights.own(WEIGHTS, folder)))


def looks_at(view: HandView, nets: HandNets) -> FloatArray:
    """Return the features of each look, (len(LOOKS), 3576) float32."""
    rows = []
    for turn, scale, flip in LOOKS:
        frame = view.again(angle=turn, scale=scale, flip=flip)
        rows.append(nets.read_with_features(view.cut(frame))[1])
    return np.stack(rows)


def _softmax(logits: FloatArray) -> FloatArray:
    powers = np.exp(logits - logits.max())
    shares: FloatArray = (powers / powers.sum()).astype(np.float32)
    return shares
