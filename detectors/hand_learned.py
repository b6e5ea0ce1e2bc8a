"""The learned judge: a fine-tuned landmark network looks at a hand twice or more."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from detectors import weights
from detectors.arrays import MaskArray
from detectors.findings import Mark
from detectors.hand_calibration import Calibration
from detectors.hand_count import (
    agreed,
    others_in,
    own_region,
    without_miscounts,
)
from detectors.hand_framing import FRAME_PX, PointArray
from detectors.hand_judge_net import (
    KIND_CLASSES,
    HandJudgeNet,
    Said,
    ask,
    load_net,
)
from detectors.hand_judging import Flaw, HandView, Verdict
from detectors.hand_nets import HandNets
from detectors.hand_pose import is_open
from detectors.hand_surplus import claims_of, outline_surplus
from detectors.hand_tips import Tip, clear_tips, read_tips

WEIGHTS = "hand-judge/hand_judge.safetensors"
CALIBRATION = "hand-judge/calibration.json"

_LOOKS = ((0.0, 1.0, False), (0.0, 1.0, True), (0.14, 1.1, False), (-0.14, 0.92, True))
"""(turn in radians, scale, mirrored) of each look; the first two share their maps."""

_FIRST_LOOKS = 2
_PLAIN = (0.05, 0.95)
"""Flaw probabilities of the first looks beyond which more of them change nothing: three
real hands in five, where no figure of `make eval-hands` gets worse for it."""

_AGREED = 1.5
"""Spread of the first looks' logits up to which they are believed."""

_FLAW_OF: dict[str, Flaw] = {
    "extra": "extra-digit",
    "missing": "missing-digit",
    "fused": "fused",
    "bent": "malformed",
    "length": "malformed",
    "melt": "malformed",
}
_TIP_ABOVE = 0.25
_TOO_MANY = 0.9
"""Least flaw probability of an open hand with a clear sixth tip.

Where one hand in four is flawed; `make eval-hands` says how many sound ones show one.
"""
_SURE_ABOVE = 0.5
_LEAST_CELLS = 6
_STEADIEST = 0.01
"""Palm lengths by which the landmarks of the clearest hands move, about."""

_HAND, _TIP, _FLAW = range(3)

FloatArray = npt.NDArray[np.float32]


class LearnedJudge:
    """Judges hands with the fine-tuned network."""

    def __init__(self, net: HandJudgeNet, calibration: Calibration) -> None:
        self._net = net
        self._calibration = calibration

    @classmethod
    def open(cls, folder: Path | None = None) -> "LearnedJudge":
        """Load the judge.

        Args:
            folder: Where the weights are; None takes this project's own.

        Raises:
            WeightsMissing: a file is not there.
            WeightsWrong: a file is not what it should be.
        """
        net = load_net(weights.own(WEIGHTS, folder))
        return cls(net, Calibration.read(weights.own(CALIBRATION, folder)))

    @property
    def name(self) -> str:
        return "learned"

    def judge(self, views: Sequence[HandView]) -> list[Verdict]:
        """Return one verdict per view, in order.

        Hands of one picture know of each other, so that none counts another's tips.
        """
        return [self._judge(view, others_in(view, views)) for view in views]

    def close(self) -> None:
        """Do nothing: the network holds no more than memory."""

    def raw(self, view: HandView) -> tuple[FloatArray, float]:
        """Return the evidence, and the spread of the logit over the looks."""
        said = self._look(view)
        return evidence_of(said, view), float(said.flawed.std())

    def _look(self, view: HandView) -> Said:
        first = self._ask(view, _LOOKS[:_FIRST_LOOKS])
        p_flawed = self._calibration.probability(evidence_of(first, view))
        plain = not _PLAIN[0] <= p_flawed <= _PLAIN[1]
        if plain and float(first.flawed.std()) < _AGREED:
            return first
        more = self._ask(view, _LOOKS[_FIRST_LOOKS:])
        return Said(*(np.concatenate(both) for both in zip(first, more, strict=True)))

    def _ask(self, view: HandView, looks: Sequence[tuple[float, float, bool]]) -> Said:
        shown = [
            view.cut(view.again(angle=turn, scale=scale, flip=flip))
            for turn, scale, flip in looks
        ]
        return ask(self._net, np.stack(shown))

    def _judge(self, view: HandView, others: Sequence[PointArray]) -> Verdict:
        said = self._look(view)
        # The second look is the first one's mirror image, so their maps can be joined.
        maps = (said.maps[0] + said.maps[1, :, :, ::-1]) / 2
        own = own_region(maps[_HAND], view.points, others)
        tips = read_tips(np.where(own, maps[_TIP], np.float32(0)))
        seen = [tip for tip in tips if tip.clearness > _TIP_ABOVE]
        clear = clear_tips(tips)
        digits, counted = agreed(said.digits.mean(axis=0), (clear, seen))
        p_flawed = self._calibration.probability(evidence_of(said, view))
        verdict = Verdict(
            p_flawed=p_flawed,
            doubt=self._doubt(view, p_flawed, float(said.flawed.std())),
            digits=digits,
            flaws=without_miscounts(flaws_of(said.kind.mean(axis=0)), digits),
            marks=_marked(counted),
            flaw_mask=mask_of(np.where(own, maps[_FLAW], np.float32(0))),
            hand_mask=mask_of(np.where(own, maps[_HAND], np.float32(0))),
        )
        claims = claims_of(view.points, clear) if is_open(view.points) else None
        if claims is None:
            return verdict
        return self._too_many(view, verdict, maps[_HAND], (clear, seen))

    def _too_many(
        self,
        view: HandView,
        verdict: Verdict,
        drawn: FloatArray,
        tips: tuple[list[Tip], list[Tip]],
    ) -> Verdict:
        """Return the verdict on an open hand with more than five clear tips.

        Counting beats the network's own feeling here, which grew up on five-digit
        hands: see `detectors.hand_tips.CLEAR` for how seldom a sound hand shows a sixth
        tip. Half a digit taken away is worse than one too many, so the surplus is
        offered for removal only where its outline can be trusted.
        """
        clear, seen = tips
        claims = claims_of(view.points, seen)
        return replace(
            verdict,
            p_flawed=max(verdict.p_flawed, _TOO_MANY),
            doubt=self._too_small(view),
            digits=len(clear),
            marks=_marked(clear),
            flaws={"extra-digit": 1.0},
            surplus_mask=claims
            and outline_surplus(view.crop, view.points, drawn, claims),
        )

    def _doubt(self, view: HandView, p_flawed: float, spread: float) -> str:
        known = self._calibration
        if small := self._too_small(view):
            return small
        if spread > known.spread_above:
            return "looks at it from slightly different sides disagree"
        if known.between[0] <= p_flawed <= known.between[1]:
            return "it could be either"
        return ""

    def _too_small(self, view: HandView) -> str:
        if view.frame.side_px >= self._calibration.small_px:
            return ""
        return f"the hand is only about {max(view.box().size)} px large"


def evidence_of(said: Said, view: HandView) -> FloatArray:
    """Return what speaks for a flaw, (6,) in the order of EVIDENCE.

    Of the judge's looks, log odds and averaged over them: that the hand is flawed; that
    the digits seen are not five; that its kind is not ok; how wrong the 16 worst cells
    are; and how large a share of the hand is wrong. Of the finder's, how far the
    landmarks move from look to look, log of palm lengths: no proof, but a hand that no
    skeleton fits well is flawed more often.
    """
    five = said.digits[:, [2, 5]].sum(axis=1)
    worst = np.sort(said.maps[:, _FLAW].reshape(len(said.flawed), -1), axis=1)[:, -16:]
    wrong = (said.maps[:, _FLAW] > _SURE_ABOVE).sum(axis=(1, 2))
    hand = (said.maps[:, _HAND] > 0.5).sum(axis=(1, 2)) + 20.0
    columns = (
        said.flawed,
        -_log_odds(five),
        -_log_odds(said.kind[:, 0]),
        _log_odds(worst.mean(axis=1)),
        np.log(0.01 + np.minimum(wrong / hand, 1.0)),
        np.log(_STEADIEST + np.minimum(np.array([view.jitter]), 1.0)),
    )
    evidence: FloatArray = np.array([c.mean() for c in columns], np.float32)
    return evidence


def _log_odds(share: FloatArray) -> FloatArray:
    odds: FloatArray = np.log((share + 1e-3) / (1 - share + 1e-3))
    return odds


def flaws_of(kinds: FloatArray) -> dict[Flaw, float]:
    """Return how likely each flaw is, given that there is one.

    Args:
        kinds: (7,) probabilities over KIND_CLASSES.
    """
    shares: dict[Flaw, float] = {}
    for name, share in zip(KIND_CLASSES[1:], kinds[1:], strict=True):
        flaw = _FLAW_OF[name]
        shares[flaw] = shares.get(flaw, 0.0) + float(share)
    total = sum(shares.values()) or 1.0
    return {flaw: share / total for flaw, share in shares.items()}


def _marked(tips: Iterable[Tip]) -> tuple[Mark, ...]:
    """Number tips from left to right."""
    places = sorted((tip.x, tip.y) for tip in tips)
    return tuple(Mark(str(n), x, y) for n, (x, y) in enumerate(places, start=1))


def mask_of(drawn: FloatArray) -> MaskArray | None:
    """Return where a map is sure, at the crop's size; None where that is hardly."""
    if int((drawn > _SURE_ABOVE).sum()) < _LEAST_CELLS:
        return None
    large = cv2.resize(drawn, (FRAME_PX, FRAME_PX), interpolation=cv2.INTER_LINEAR)
    mask: MaskArray = large > _SURE_ABOVE
    return mask


def build(nets: HandNets, folder: Path | None = None) -> LearnedJudge:
    """Load the judge; it needs none of the packaged networks.

    Raises:
        WeightsMissing: a file is not there.
        WeightsWrong: a file is not what it should be.
    """
    del nets
    return LearnedJudge.open(folder)
