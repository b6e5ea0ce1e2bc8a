"""Seconds are added up by stage."""

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


def test_an_unheard_of_stage_is_refused() -> None:
    with pytest.raises(KeyError):
        Stopwatch().add("dance", 1.0)
