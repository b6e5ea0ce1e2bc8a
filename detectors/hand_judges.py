"""The table of hand judges, the most trusted first; the first that is there judges."""

import importlib
from collections.abc import Sequence
from typing import NamedTuple, cast

from detectors import weights
from detectors.errors import WeightsMissing
from detectors.hand_judging import HandJudge, HandView, Verdict
from detectors.hand_nets import HandNets


class JudgeSpec(NamedTuple):
    """One line of the table."""

    name: str
    weights: str
    """What `detectors.weights.own` must find for it to judge."""

    target: str
    """`module:function`; the function takes the networks and returns a HandJudge."""


JUDGES = (
    JudgeSpec(
        "learned", "hand-judge/hand_judge.safetensors", "detectors.hand_learned:build"
    ),
    JudgeSpec(
        "probe", "hand-probe/hand_probe.safetensors", "detectors.hand_probe:build"
    ),
)


class AbstainingJudge:
    """Says of every hand that it cannot tell; used where no weights are installed."""

    @property
    def name(self) -> str:
        return "none"

    def judge(self, views: Sequence[HandView]) -> list[Verdict]:
        return [Verdict(0.5, "no weights of a judge are installed") for _ in views]

    def close(self) -> None:
        """Do nothing."""


def open_judge(nets: HandNets, judges: Sequence[JudgeSpec] = JUDGES) -> HandJudge:
    """Build the first judge of the table whose weights are there.

    Raises:
        WeightsWrong: weights are there, but they are not what they should be; a lesser
            judge would hide that.
    """
    for spec in judges:
        try:
            weights.own(spec.weights)
        except WeightsMissing:
            continue
        module, _, function = spec.target.partition(":")
        build = getattr(importlib.import_module(module), function)
        return cast(HandJudge, build(nets))
    return AbstainingJudge()
