from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from workshop.edits import edit

from detectors import hand_probe
from detectors.errors import WeightsWrong
from detectors.hand_finding import find_hands
from detectors.hand_framing import HandFrame
from detectors.hand_judging import HandView, check_verdict
from detectors.hand_probe import FEATURES, FLAWS, ProbeJudge, ProbeWeights
from detectors.hand_search import view_at
from tests.support.hands import drawn_hand, nets


def some_weights(**changed: np.ndarray) -> ProbeWeights:
    rng = np.random.default_rng(3)
    arrays = {
        "centre": np.zeros(FEATURES),
        "spread": np.ones(FEATURES),
        "heads": rng.normal(0, 0.01, (2, FEATURES)),
        "head_shifts": np.zeros(2),
        "flaws": rng.normal(0, 0.01, (len(FLAWS), FEATURES)),
        "flaw_shifts": np.zeros(len(FLAWS)),
        "calibration": np.array([1.0, 0.0, 0.5, 0.5, 1e9]),
    } | changed
    return ProbeWeights(**{name: a.astype(np.float32) for name, a in arrays.items()})


def view(seed: int = 11) -> HandView:
    return find_hands(
        drawn_hand(seed).pixels, nets(), second_look=False, min_side_px=12, max_hands=1
    )[0]


def test_a_verdict_keeps_the_promises_of_its_fields() -> None:
    (verdict,) = ProbeJudge(nets(), some_weights()).judge([view()])

    check_verdict(verdict)
    assert set(verdict.flaws) == set(FLAWS)
    assert verdict.digits is None
    assert verdict.doubt == ""


def test_the_verdict_does_not_depend_on_what_was_judged_before() -> None:
    judge = ProbeJudge(nets(), some_weights())
    one, other = view(), view(12)

    alone = judge.judge([other])[0].p_flawed

    assert judge.judge([one, other])[1].p_flawed == alone


def test_looks_that_disagree_are_a_doubt() -> None:
    steady_below = np.array([1.0, 0.0, 0.5, 0.5, 0.0])

    (verdict,) = ProbeJudge(nets(), some_weights(calibration=steady_below)).judge(
        [view()]
    )

    assert "disagree" in verdict.doubt


def test_probabilities_that_mean_nothing_are_a_doubt() -> None:
    either = np.array([1.0, 0.0, 0.0, 1.0, 1e9])

    (verdict,) = ProbeJudge(nets(), some_weights(calibration=either)).judge([view()])

    assert verdict.doubt == "it could be either"


def test_a_file_of_other_arrays_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "probe.safetensors"
    save_file({"heads": np.zeros((2, 4), np.float32)}, str(path))

    with pytest.raises(WeightsWrong, match=r"probe\.safetensors"):
        ProbeWeights.read(path)


def test_a_file_that_is_no_weights_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "probe.safetensors"
    path.write_bytes(b"nothing of the kind")

    with pytest.raises(WeightsWrong):
        ProbeWeights.read(path)


def test_what_was_learned_tells_spoiled_hands_from_the_same_hands_before() -> None:
    judge = hand_probe.build(nets())
    risen = []
    for seed in (11, 12, 14):
        sound = view(seed)
        before = judge.judge([sound])[0].p_flawed
        for kind in ("bend", "fuse", "melt"):
            made = edit(sound.crop, sound.points, np.random.default_rng(seed), kind)
            if made is not None:
                spoiled = view_at(
                    made.pixels, nets(), HandFrame(112.0, 112.0, 224.0, 0.0)
                )
                risen.append(judge.judge([spoiled])[0].p_flawed > before)

    assert len(risen) >= 6
    assert np.mean(risen) >= 0.6
