"""The time left is told as surely as it is known, and no surer."""

import random

import pytest

from pipeline.cli.time_left import SURE_FROM, TimeLeft, spelled


def learnt(gaps: list[float]) -> TimeLeft:
    left = TimeLeft()
    for gap in gaps:
        left.note(gap)
    return left


def test_a_few_pictures_tell_nothing() -> None:
    few = learnt([10.0] * (SURE_FROM - 1))

    assert few.range_s(100) is None
    assert few.told(100) == "too early to tell the time left"


def test_even_pictures_make_one_figure() -> None:
    assert learnt([24.0] * 10).told(100) == "about 40 min left"


def test_a_mixture_makes_a_range() -> None:
    told = learnt([1, 1, 60, 1, 1, 60, 1, 1]).told(1000)

    assert " to " in told
    assert told.endswith(" left")


def test_the_range_narrows_as_the_run_goes_on() -> None:
    draw = random.Random(7)
    gaps = [60.0 if draw.random() < 0.3 else 1.0 for _ in range(2000)]

    low, high = learnt(gaps[:20]).range_s(1000) or (0, 0)
    later_low, later_high = learnt(gaps).range_s(1000) or (0, 0)

    assert later_high - later_low < (high - low) / 3


def test_four_of_five_runs_end_within_the_range() -> None:
    draw = random.Random(3)
    within = 0
    for _ in range(400):
        gaps = [60.0 if draw.random() < 0.3 else 1.0 for _ in range(150)]
        low, high = learnt(gaps[:50]).range_s(100) or (0, 0)
        within += low <= sum(gaps[50:]) <= high

    assert 0.74 <= within / 400 <= 0.90


def test_nothing_left_takes_no_time() -> None:
    assert learnt([1.0] * 10).told(0) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 s"),
        (40, "40 s"),
        (700, "12 min"),
        (3600, "1 h"),
        (12_100, "3 h 20 min"),
        (50_000, "14 h"),
    ],
)
def test_times_are_spelled_as_exactly_as_one_can_mean(
    seconds: float, text: str
) -> None:
    assert spelled(seconds) == text
