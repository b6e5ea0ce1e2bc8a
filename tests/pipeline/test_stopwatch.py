"""Seconds are added up by stage."""

import time

import pytest

from pipeline.stopwatch import Stopwatch


def test_seconds_add_up_in_the_order_of_the_stages() -> None:
    watch = Stopwatch()

    watch.add("paint", 2.0)
    watch.add("detect", 1.0)
    watch.add("paint", 0.5)

    assert watch.by_stage() == (("detect", 1.0), ("paint", 2.5))


def test_a_stage_that_raises_is_counted_too() -> None:
    watch = Stopwatch()

    with pytest.raises(RuntimeError), watch.stage("score"):
        raise RuntimeError

    assert dict(watch.by_stage())["score"] > 0
    assert watch.total_s() >= dict(watch.by_stage())["score"]


def test_waiting_for_the_engine_counts_as_what_the_engine_says_it_took() -> None:
    watch = Stopwatch()

    with watch.painting():
        time.sleep(0.2)
    waited_s = watch.total_s()
    watch.add("paint", 3.0)

    assert waited_s < 0.1
    assert 3.0 <= watch.total_s() < 3.1
    assert watch.is_past(3.0)


def test_an_unheard_of_stage_is_refused() -> None:
    with pytest.raises(KeyError):
        Stopwatch().add("dance", 1.0)
