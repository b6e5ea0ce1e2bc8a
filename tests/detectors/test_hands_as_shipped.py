"""The shipped weights are as good as was said of them: whoever exchanges them sees it.

The bounds lie about as far from the figures of `make eval-hands` as so few hands move
them: a fence against broken weights, no aim. `test_hand_judge_net` has drawn pairs.
"""

import pytest
from workshop.eval_hands.sources import default_labels, real_hands

from detectors.hand_trials import summarise, try_hand
from detectors.hands import build
from pipeline.settings import HandsSettings


@pytest.mark.slow
def test_real_malformed_hands_are_told_from_real_sound_ones() -> None:
    labels = default_labels()
    if not labels.is_file():
        pytest.skip(f"there is no folder of labelled hands at {labels}")
    detector = build(**HandsSettings().model_dump())
    told = list(real_hands(labels))
    flawed = [one for one in told if one[0].flawed]
    sound = [one for one in told if not one[0].flawed][::3]

    trials = [try_hand(pixels, label, detector.look) for label, pixels in flawed]
    trials += [try_hand(pixels, label, detector.look) for label, pixels in sound]
    figures = summarise(trials)

    assert figures["all"]["n_ok"] >= 40
    assert figures["all"]["auc"] >= 0.85
    assert figures["cannot_tell_share"] <= 0.15
    assert figures["ece"] <= 0.12
