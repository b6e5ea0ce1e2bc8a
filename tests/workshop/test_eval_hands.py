"""The measuring command runs end to end, in small."""

import json
import math
from pathlib import Path

import numpy as np
from workshop.eval_hands.__main__ import main
from workshop.eval_hands.removal import removal_of
from workshop.eval_hands.scenes import SCENE, drawn_cut_outs, scenes_of
from workshop.eval_hands.table import table_of

from tests.support.hands import drawn_hand


def test_the_command_measures_and_writes_a_table(tmp_path: Path) -> None:
    out, table = tmp_path / "out.json", tmp_path / "table.md"

    main(
        f"--json {out} --table {table} --labels {tmp_path / 'none.csv'} --renders 2 "
        "--parts renders removal --surplus 1".split()
    )

    found = json.loads(out.read_text("utf-8"))
    assert set(found) == {"renders", "removal"}
    assert found["renders"]["n_pairs"] == 2
    assert found["renders"]["all"]["n_bad"] == 2
    counted = found["renders"]["six_or_more_on_sound"]
    row = f"| drawn pairs | {counted['over_five']} of {counted['open']} |"
    assert row in table.read_text("utf-8")


def test_the_same_hand_lies_at_the_same_place_in_each_size() -> None:
    (cut_out,) = drawn_cut_outs(1)

    large, small = scenes_of(cut_out, 3, (128, 32))

    assert large.pixels.shape == (SCENE[1], SCENE[0], 3)
    assert math.dist(large.centre, small.centre) < 60
    x, y = (round(value) for value in small.centre)
    away = np.abs(large.pixels.astype(int) - small.pixels).max(axis=2) > 20
    assert away[y - 70 : y + 70, x - 70 : x + 70].sum() > 0.9 * away.sum()


def test_a_removal_is_compared_with_the_digit_that_it_fits() -> None:
    hand = drawn_hand()
    index = hand.digit_masks[1]

    exact = removal_of(hand, index)
    half = index.copy()
    half[: int(np.nonzero(index)[0].mean())] = False

    assert exact.iou == 1.0
    assert exact.elsewhere == 0.0
    assert 0.2 < removal_of(hand, half).covered < 0.8


def test_parts_that_were_not_measured_are_left_out_of_the_table() -> None:
    assert "##" not in table_of({})[2:]
