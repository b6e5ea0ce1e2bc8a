"""The shipped weights of the hand judge, on hands that were drawn for this test."""

import numpy as np
import pytest
from workshop.hands import render_pair
from workshop.judge.make_renders import landmarks_of

from detectors import weights
from detectors.arrays import RgbArray
from detectors.errors import WeightsMissing
from detectors.hand_framing import HandFrame, cut, frame_of_landmarks
from detectors.hand_judge_net import MAP_SIDE, ask, load_net
from detectors.hand_judging import HandView, check_verdict
from detectors.hand_learned import WEIGHTS, LearnedJudge

FIRST_SEED = 800_000_000
"""Far from every seed that training draws from."""

KINDS = ("extra", "missing", "fused", "melt", "two_thumbs", "twisted", "fork", "short")


@pytest.fixture(scope="module")
def judge() -> LearnedJudge:
    try:
        return LearnedJudge.open()
    except WeightsMissing as problem:
        pytest.skip(str(problem))


def view_of(pixels: RgbArray, frame: HandFrame) -> HandView:
    return HandView(
        pixels=pixels,
        frame=frame,
        crop=cut(pixels, frame),
        points=np.zeros((21, 2), np.float32),
        world=np.zeros((21, 3), np.float32),
        presence=1.0,
        right_hand=0.5,
        palm_score=1.0,
    )


def test_the_network_answers_in_the_shapes_it_promises() -> None:
    try:
        net = load_net(weights.own(WEIGHTS))
    except WeightsMissing as problem:
        pytest.skip(str(problem))
    looks = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)

    said = ask(net, looks)

    assert said.flawed.shape == (2,)
    assert said.maps.shape == (2, 3, MAP_SIDE, MAP_SIDE)
    assert np.allclose(said.digits.sum(axis=1), 1, atol=1e-5)
    assert np.allclose(said.kind.sum(axis=1), 1, atol=1e-5)
    again = ask(net, looks)
    assert np.array_equal(said.flawed, again.flawed)


@pytest.mark.slow
def test_the_flawed_twin_scores_higher_in_most_pairs(judge: LearnedJudge) -> None:
    right = 0
    for number in range(20):
        kind = KINDS[number % len(KINDS)]
        flawed, sound = render_pair(FIRST_SEED + number, kind=kind, size=160)
        frame = frame_of_landmarks(landmarks_of(sound))
        worse, better = judge.judge(
            [view_of(flawed.pixels, frame), view_of(sound.pixels, frame)]
        )
        check_verdict(worse)
        right += worse.p_flawed > better.p_flawed

    assert right >= 16, f"only {right} of 20 pairs are in the right order"
