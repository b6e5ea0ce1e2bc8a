"""The supervisor keeps workers at work, and blames nothing but what was under way."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

import pytest

from pipeline.errors import (
    EnvironmentProblem,
    ExitCode,
    NightmendError,
    Stopped,
    UsageError,
)
from pipeline.runner import crew
from pipeline.runner.contract import Job, Result
from pipeline.runner.crew import Gone, Heard
from pipeline.runner.interrupts import GraceOver
from pipeline.runner.messages import Began, Ready, Refused, Said
from pipeline.runner.supervisor import Supervisor
from pipeline.settings import WorkersSettings
from pipeline.stopwatch import STAGES
from tests.support.crews import Play, Told, done, job, jobs, taking

LOST_DEVICE = Refused(ExitCode.ENVIRONMENT, "CUDA error: device-side assert")


def keys(results: Sequence[Result]) -> list[str]:
    return [result.job.key for result in results]


def dying(*names: str) -> Play:
    """Return workers that die over some pictures."""
    bad = {f"{name}.png" for name in names}
    return Play(
        lambda _, job: [Began("paint"), Gone()] if job.key in bad else done(job)
    )


def test_every_job_is_done_once_and_a_worker_has_one_at_a_time() -> None:
    play = Play()

    results = play.run(jobs("abcde"), count=2)

    assert sorted(keys(results)) == [f"{name}.png" for name in "abcde"]
    assert len(play.cast) == 2
    assert all(actor.given for actor in play.cast)


def test_the_engine_is_told_by_whoever_is_ready_first() -> None:
    supervisor = Play(starts=lambda n: [Ready("late")] if n else []).supervised(count=2)

    assert supervisor.open() == "late"
    supervisor.close()


def test_nothing_to_do_ends_at_once() -> None:
    assert Play().run([]) == []


def test_a_job_is_lost_with_its_worker_and_another_takes_its_place() -> None:
    play = dying("b")

    results = play.run(jobs("abc"))

    assert keys(results) == ["a.png", "b.png", "c.png"]
    assert [bool(result.lost) for result in results] == [False, True, False]
    assert results[1].lost == "the worker died of boredom while in the stage paint"
    assert [actor.number for actor in play.cast] == [0, 1]
    assert keys([results[1]]) == [given.key for given in play.cast[0].given[1:]]


def test_who_may_be_needed_next_is_prepared_while_the_first_ones_start() -> None:
    play = Play()
    supervisor = Supervisor(play, WorkersSettings(), nullcontext, ("pipeline.known",))

    supervisor.open()
    supervisor.close()

    assert play.prepared == [("pipeline.known",)]
    assert play.closed == 1


def test_who_takes_a_dead_workers_place_is_prepared_for_as_well() -> None:
    play = dying("b")
    play.starts = lambda number: [Ready("fake", (f"pipeline.of{number}",))]

    play.run(jobs("abc"))

    assert set(play.prepared) == {(), ("pipeline.of0",), ("pipeline.of1",)}


def test_a_lost_job_may_be_taken_again() -> None:
    todo = jobs("ab")
    supervisor = dying("a").supervised(count=1)
    supervisor.open()

    seen = []
    for result in supervisor.run(lambda: todo.pop(0) if todo else None):
        seen.append(result.job.key)
        if result.lost and seen.count("a.png") < 2:
            todo.append(result.job)
    supervisor.close()

    assert seen == ["a.png", "b.png", "a.png"]


def test_a_worker_is_replaced_after_its_number_of_pictures() -> None:
    play = Play()

    play.run(jobs("abcde"), max_pictures=2)

    assert [len(actor.given) for actor in play.cast] == [2, 2, 1]
    assert [actor.dismissed for actor in play.cast] == [True, True, True]


def test_a_worker_is_replaced_once_it_has_grown_too_much() -> None:
    sizes = {"a.png": 1000.0, "b.png": 1090.0, "c.png": 1110.0}
    play = Play(lambda _, job: done(job, sizes.get(job.key, 5000.0)))

    play.run(jobs("abcd"), max_growth_mib=100)

    assert [len(actor.given) for actor in play.cast] == [3, 1]


def test_zero_means_that_a_worker_may_live_for_ever() -> None:
    play = Play(lambda number, job: done(job, 9e9 if job.key == "b.png" else 1.0))

    play.run(jobs("abc"), max_pictures=0, max_growth_mib=0)

    assert len(play.cast) == 1


@pytest.mark.parametrize(
    ("stage", "setting"),
    [("detect", "detect_s"), ("liken", "detect_s"), ("paint", "paint_s")],
)
def test_a_stage_that_takes_too_long_costs_the_picture_its_worker(
    stage: str, setting: str
) -> None:
    play = Play(lambda _, job: [Began(stage)] if job.key == "a.png" else done(job))

    results = play.run(jobs("ab"), **{setting: 0.05})

    assert results[0].lost == (
        f"the worker did nothing new for 0.05 s (workers.{setting}), in a trap "
        f"while in the stage {stage}"
    )
    assert play.cast[0].ended == (True, 2.0)
    assert not results[1].lost


def test_every_stage_that_is_told_of_has_a_deadline_of_its_own() -> None:
    assert set(crew.DEADLINES) == {"", *STAGES}
    assert set(crew.DEADLINES.values()) <= set(WorkersSettings.model_fields)


def test_a_picture_may_not_take_for_ever_however_lively_it_is() -> None:
    def lively(_: int, job: Job) -> list[Told]:
        return [Began("paint"), Began("score")] * 3

    results = Play(lively).run([job("a")], picture_s=0.05)

    assert "0.05 s (workers.picture_s)" in results[0].lost


def test_each_stage_begins_a_new_deadline() -> None:
    play = Play(lambda *_: [])
    script: list[list[Told]] = [
        [Began("detect")],
        [Began("paint")],
        [Began("detect")],
        done(job("a")),
    ]

    @contextmanager
    def slowly() -> Iterator[None]:
        if script and play.cast[0].given:
            time.sleep(0.15)
            play.cast[0].tell(script.pop(0))
        yield

    supervisor = play.supervised(slowly, detect_s=0.4, paint_s=0.4)
    supervisor.open()
    result = next(supervisor.run(taking([job("a")])))
    supervisor.close()

    assert not result.lost


def test_what_was_told_in_time_counts_though_it_is_heard_late() -> None:
    supervisor = Play().supervised(count=2, load_s=0.05, detect_s=0.05, start_s=0.05)
    supervisor.open()

    results = []
    for result in supervisor.run(taking(jobs("abcd"))):
        results.append(result)
        time.sleep(0.1)  # a supervisor that publishes on a slow disk
    supervisor.close()

    assert [result.lost for result in results] == ["", "", "", ""]


def test_one_that_hangs_is_ended_though_others_keep_talking() -> None:
    play = Play(lambda *_: [Began("detect")])

    @contextmanager
    def chatter() -> Iterator[None]:
        if play.cast[-1].given:
            time.sleep(0.01)
            play.cast[1].tell([Began("paint")] * 3)
        yield

    supervisor = play.supervised(chatter, count=2, detect_s=0.2)
    supervisor.open()
    result = next(supervisor.run(taking(jobs("ab"))))
    supervisor.close()

    assert result.job == job("a")


def test_a_worker_that_dies_while_it_waits_costs_no_picture_anything() -> None:
    play = Play(starts=lambda n: [Ready("fake"), Gone()] if n == 0 else [Ready("fake")])

    results = play.run(jobs("ab"), count=2)

    assert sorted(keys(results)) == ["a.png", "b.png"]
    assert [result.lost for result in results] == ["", ""]


def test_a_worker_that_waits_may_die_while_another_works() -> None:
    play = Play(lambda *_: [Began("paint")])
    script: list[tuple[int, list[Told]]] = [(1, [Gone()]), (0, done(job("a")))]

    @contextmanager
    def next_act() -> Iterator[None]:
        if play.cast[0].given and script:
            number, messages = script.pop(0)
            play.cast[number].tell(messages)
        yield

    supervisor = play.supervised(next_act, count=2)
    supervisor.open()
    (result,) = supervisor.run(taking(jobs("a")))
    supervisor.close()

    assert not result.lost
    assert len(play.cast) == 2, "nobody is hired for whom there is no work"


def test_a_run_goes_on_with_those_workers_that_can_start(
    caplog: pytest.LogCaptureFixture,
) -> None:
    play = Play(starts=lambda n: [LOST_DEVICE] if n else [Ready("fake")])

    results = play.run(jobs("abcdefgh"), count=2)

    assert len(results) == 8
    assert len(play.cast) <= 5
    assert "goes on with fewer workers: 1" in caplog.text


def test_a_supervisor_looks_up_now_and_then_though_nothing_is_due(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crew, "LONGEST_WAIT_S", 0.01)
    play = Play(lambda *_: [])
    calls: list[int] = []

    @contextmanager
    def late() -> Iterator[None]:
        if play.cast[0].given and len(calls) == 3:
            play.cast[0].tell(done(job("a")))
        calls.append(1)
        yield

    supervisor = play.supervised(late)
    supervisor.open()
    (result,) = supervisor.run(taking(jobs("a")))
    supervisor.close()

    assert not result.lost


def test_workers_that_die_before_they_begin_a_job_end_the_run() -> None:
    with pytest.raises(Stopped, match="a worker died of boredom"):
        Play(lambda *_: [Gone()]).run(jobs("ab"))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (ExitCode.ENVIRONMENT, EnvironmentProblem),
        (ExitCode.USAGE, UsageError),
        (ExitCode.SOME_FAILED, NightmendError),
        (ExitCode.BUG, RuntimeError),
    ],
)
def test_when_no_worker_can_start_the_run_ends_and_says_why(
    code: ExitCode, kind: type[Exception]
) -> None:
    play = Play(starts=lambda _: [Refused(code, "there is no model")])

    with pytest.raises(kind, match="no worker can start: there is no model"):
        play.run(jobs("a"))

    assert len(play.cast) == (3 if code is ExitCode.BUG else 1)


def test_workers_that_die_while_they_start_end_the_run() -> None:
    play = Play(starts=lambda _: [Gone()])

    with pytest.raises(Stopped, match="a worker died of boredom"):
        play.run(jobs("a"))

    assert len(play.cast) == 3


def test_workers_that_never_get_ready_end_the_run() -> None:
    play = Play(starts=lambda _: [])

    with pytest.raises(Stopped, match=r"0\.05 s \(workers\.start_s\), in a trap"):
        play.run(jobs("a"), start_s=0.05)

    assert [actor.ended is not None for actor in play.cast] == [True] * 3


def test_a_new_worker_that_finds_no_room_is_tried_again_while_others_work() -> None:
    def starts(number: int) -> list[Told]:
        return [LOST_DEVICE] if number == 2 else [Ready("fake")]

    play = dying("a")
    play.starts = starts

    results = play.run(jobs("abcdef"), count=2)

    assert sorted(keys(results)) == [f"{name}.png" for name in "abcdef"]
    assert sum(bool(result.lost) for result in results) == 1


def test_a_device_error_costs_one_attempt_and_a_new_worker() -> None:
    play = Play(lambda n, job: [Began("paint"), LOST_DEVICE] if n == 0 else done(job))

    results = play.run(jobs("ab"))

    assert results[0].lost == (
        "CUDA error: device-side assert while in the stage paint"
    )
    assert not results[1].lost


def test_a_device_that_stays_lost_ends_the_run() -> None:
    play = Play(lambda *_: [LOST_DEVICE])

    with pytest.raises(EnvironmentProblem, match="device-side assert"):
        play.run(jobs("abc"))

    assert len(play.cast) == 2


def test_a_device_that_works_in_between_is_not_given_up() -> None:
    play = Play(lambda _, job: [LOST_DEVICE] if job.key in "a.png c.png" else done(job))

    results = play.run(jobs("abcd"))

    assert [bool(result.lost) for result in results] == [True, False, True, False]


def test_a_full_disk_ends_the_run() -> None:
    play = Play(lambda *_: [Refused(ExitCode.STOPPED, "the disk takes no more")])

    with pytest.raises(Stopped, match="the disk takes no more"):
        play.run(jobs("ab"))


def test_when_every_picture_is_deadly_the_run_stops() -> None:
    play = dying(*"abcdef")

    with pytest.raises(Stopped, match="workers keep dying: 3 pictures in a row"):
        play.run(jobs("abcdef"), give_up_after=3)

    given = [job for actor in play.cast for job in actor.given]
    assert given == jobs("abc")


def test_a_second_attempt_does_not_count_as_one_more_in_a_row() -> None:
    results = dying("a").run([job("a")] * 5, give_up_after=2)

    assert len(results) == 5


def test_what_workers_log_is_logged_here(caplog: pytest.LogCaptureFixture) -> None:
    line = Said("pipeline.stages", logging.WARNING, "a %s b", "Traceback\n  line 2")
    play = Play(lambda _, job: [line, *done(job)])

    with caplog.at_level(logging.DEBUG, "pipeline"):
        play.run(jobs("a"))

    told = [r.getMessage() for r in caplog.records if r.name == "pipeline.stages"]
    assert told == ["a %s b", "Traceback", "  line 2"]


def test_closing_ends_the_busy_at_once_and_the_waiting_in_peace() -> None:
    play = Play(lambda number, job: [] if number == 0 else done(job))
    supervisor = play.supervised(count=2)
    supervisor.open()
    next(supervisor.run(taking(jobs("ab"))))
    supervisor.close()
    supervisor.close()

    assert play.cast[0].ended == (False, 0.0)
    assert not play.cast[0].dismissed
    assert play.cast[1].dismissed


def test_a_signal_breaks_off_the_waiting() -> None:
    play = Play(lambda *_: [])

    @contextmanager
    def over() -> Iterator[None]:
        if play.cast[0].given:
            raise GraceOver
        yield

    supervisor = play.supervised(over)
    supervisor.open()
    with pytest.raises(GraceOver):
        next(supervisor.run(taking(jobs("a"))))
    supervisor.close()

    assert play.cast[0].ended == (False, 0.0)


def test_what_comes_from_a_worker_that_was_ended_is_ignored() -> None:
    play = Play()
    supervisor = play.supervised()
    supervisor.open()
    play.cast[0].ears.put(Heard(99, Gone()))

    assert len(list(supervisor.run(taking(jobs("ab"))))) == 2
    supervisor.close()
