"""Several regions share one batch, and none of them can tell."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from detectors.geometry import Size
from pipeline.errors import EnvironmentProblem, PaintFailed
from pipeline.inpainters.contract import Batch, Made, PaintsTogether
from pipeline.inpainters.diffusion.checkpoint import Checkpoint
from pipeline.inpainters.diffusion.denoise import Denoiser, Guidance
from pipeline.inpainters.diffusion.engine import DiffusionInpainter
from pipeline.inpainters.diffusion.slots import WINDOW, SlotBatch
from pipeline.inpainters.diffusion.trajectory import Trajectory, start
from pipeline.records import Candidate
from tests.pipeline.inpainters.slot_runs import (
    STEPS,
    Calls,
    finished,
    load,
    painter,
    region,
)

RUN = 3
"""Steps that are run at strength 0.75 of four."""


def assert_same(one: Candidate, other: Candidate) -> None:
    assert one.pixels is not None
    assert other.pixels is not None
    assert np.abs(one.pixels.astype(int) - other.pixels).max() <= 1


def numbers(shown: list[Candidate]) -> list[int]:
    return [candidate.number for candidate in shown]


def test_the_engine_says_that_it_paints_together(families: Mapping[str, Path]) -> None:
    assert isinstance(painter(load(families["sd-4"])), PaintsTogether)


@pytest.mark.parametrize("scheduler", ["ddim", "dpmpp-2m-karras", "unipc", "euler-a"])
@pytest.mark.parametrize("family", ["sd-4", "sd-9"])
def test_latents_in_a_batch_of_mixed_steps_and_regions_equal_those_alone(
    families: Mapping[str, Path], family: str, scheduler: str
) -> None:
    model = load(families[family])
    engine = painter(model, scheduler=scheduler)
    shared = [engine.prepare(region(n)).conditions for n in range(3)]
    denoiser = Denoiser(model, Guidance(7.0))
    together = [start(shared[n], seed) for n, seed in enumerate((5, 6, 7))]

    for late in range(RUN + len(together)):
        begun = [t for n, t in enumerate(together) if n <= late and not t.finished]
        if begun:
            denoiser.step(begun)

    for number, found in enumerate(together):
        alone = start(shared[number], found.seed)
        while not alone.finished:
            denoiser.step([alone])
        torch.testing.assert_close(found.latents, alone.latents, atol=1e-4, rtol=0)


@pytest.mark.parametrize("sparing", [False, True])
def test_a_candidate_is_the_same_alone_and_among_those_of_other_pictures(
    families: Mapping[str, Path], sparing: bool
) -> None:
    engine = painter(load(families["sd-9"]))

    together = finished(
        engine.open(sparing=sparing), [region(number) for number in range(4)]
    )

    for number, shown in together.items():
        assert numbers(shown) == [0, 1, 2]
        for candidate in shown:
            alone = engine.paint(region(number, seeds=(candidate.seed,)))
            assert_same(candidate, next(iter(alone)))


def test_everything_that_can_be_shared_is_done_once(
    families: Mapping[str, Path],
) -> None:
    model = load(families["sd-4"])
    unet, text = Calls(model.unet), Calls(model.text_encoders[0])
    encoder, decoder = Calls(model.vae, "encoder"), Calls(model.vae, "decoder")

    finished(painter(model).open(sparing=False), [region(n) for n in range(4)])

    assert sum(unet.batches) == 4 * 3 * RUN * 2
    assert unet.batches == [6] * (4 * RUN)
    assert text.batches == [1, 1]
    assert encoder.batches == [1] * 4
    assert decoder.batches == [3] * 4


def test_a_region_asked_for_again_with_another_strength_is_not_encoded_again(
    families: Mapping[str, Path],
) -> None:
    model = load(families["sd-9"])
    encoder, engine = Calls(model.vae, "encoder"), painter(model)

    first = list(engine.paint(region(1)))
    second = list(engine.paint(region(1, strength=0.5)))
    list(engine.paint(region(1, content="fill")))

    assert encoder.batches == [2, 2]
    assert first[0].pixels is not None
    assert second[0].pixels is not None
    assert not np.array_equal(first[0].pixels, second[0].pixels)


def test_a_slot_that_falls_free_is_filled_at_once(families: Mapping[str, Path]) -> None:
    model = load(families["sd-4"])
    unet, batch = Calls(model.unet), painter(model).open(sparing=True)

    finished(batch, [region(n, seeds=(1,) * (n + 1)) for n in range(5)])

    candidates = 1 + 2 + 3 + 4 + 5
    assert sum(unet.batches) == candidates * RUN * 2
    assert isinstance(batch, SlotBatch)
    assert batch.tally.filled == candidates * RUN
    assert unet.batches[: 3 * RUN] == [6] * (3 * RUN)


def test_a_sparing_batch_begins_one_candidate_of_a_region_after_the_other(
    families: Mapping[str, Path],
) -> None:
    model = load(families["sd-4"])
    unet, batch = Calls(model.unet), painter(model).open(sparing=True)

    def enough(batch: Batch, made: Made) -> None:
        if made.candidate is not None:
            batch.settle(made.ticket)
            settled.append(made.ticket)

    settled: list[int] = []
    tickets = [batch.submit(region(number)) for number in range(2)]
    while len(settled) < 2:
        for made in batch.advance():
            enough(batch, made)

    assert settled == tickets
    assert sum(unet.batches) == 2 * RUN * 2
    assert list(batch.advance()) == []


def test_on_an_accelerator_free_slots_are_filled_ahead_and_the_order_stays(
    families: Mapping[str, Path],
) -> None:
    model = load(families["sd-4"])
    tools = replace(painter(model).tools, speculates=True)
    unet, batch = Calls(model.unet), SlotBatch(tools, sparing=True)

    shown = finished(batch, [region(0, seeds=(1, 2, 3, 4)), region(1)])

    assert unet.batches[0] == 6
    assert [numbers(each) for each in shown.values()] == [[0, 1, 2, 3], [0, 1, 2]]


def test_settling_a_region_frees_all_its_slots(families: Mapping[str, Path]) -> None:
    model = load(families["sd-4"])
    unet, batch = Calls(model.unet), painter(model).open(sparing=False)
    first, second = batch.submit(region(0)), batch.submit(region(1))

    batch.advance()
    batch.settle(first)
    made = [each for _ in range(RUN) for each in batch.advance()]

    assert unet.batches == [6] * (1 + RUN)
    assert [each.ticket for each in made] == [second] * 4


def test_there_is_room_while_more_regions_would_be_painted(
    families: Mapping[str, Path],
) -> None:
    engine = painter(load(families["sd-4"]))
    welcome = {}

    for sparing in (False, True):
        batch, count = engine.open(sparing=sparing), 0
        while batch.room:
            batch.submit(region(count))
            count += 1
        welcome[sparing] = count

    assert welcome == {False: WINDOW, True: 3 * WINDOW}


def test_regions_of_different_sizes_are_never_in_one_call_and_all_come_out(
    families: Mapping[str, Path],
) -> None:
    model = load(families["sd-9"])
    unet = Calls(model.unet)
    asked = [region(n, working=Size(64, 64 + 32 * (n % 2))) for n in range(4)]

    shown = finished(painter(model).open(sparing=False), asked)

    assert all(numbers(each) == [0, 1, 2] for each in shown.values())
    assert set(unet.sizes) == {(16, 16), (24, 16)}
    assert unet.batches == [6] * (4 * RUN)


def test_a_region_that_cannot_be_painted_is_refused_and_leaves_no_trace(
    families: Mapping[str, Path],
) -> None:
    batch = painter(load(families["sd-4"])).open(sparing=False)

    with pytest.raises(PaintFailed, match="not divisible"):
        batch.submit(region(0, working=Size(62, 64)))

    assert batch.advance() == []


def test_a_request_without_seeds_ends_at_once(families: Mapping[str, Path]) -> None:
    batch = painter(load(families["sd-4"])).open(sparing=False)

    assert finished(batch, [region(0, seeds=())]) == {0: []}


def fails_for(prompt: str, engine: DiffusionInpainter, model: Checkpoint) -> None:
    """Make the UNet raise whenever a sample of this prompt is in the batch."""
    code = engine.prepare(region(9, prompt=prompt)).conditions.positive.hidden

    def check(
        _: torch.nn.Module, __: object, named: Mapping[str, torch.Tensor]
    ) -> None:
        for row in named["encoder_hidden_states"]:
            if torch.equal(row, code):
                raise RuntimeError("a kernel gave up\nand more")

    model.unet.register_forward_pre_hook(check, with_kwargs=True)


def test_a_candidate_that_breaks_the_network_fails_alone(
    families: Mapping[str, Path],
) -> None:
    model = load(families["sd-4"])
    engine = painter(model)
    expected = next(iter(engine.paint(region(1, seeds=(5,)))))
    fails_for("poison", engine, model)

    shown = finished(
        engine.open(sparing=False),
        [region(0, prompt="poison", seeds=(1,)), region(1, seeds=(5, 6))],
    )

    assert [c.problem for c in shown[0]] == ["a kernel gave up"]
    assert [c.problem for c in shown[1]] == ["", ""]
    assert_same(shown[1][0], expected)


def test_a_device_that_is_lost_ends_the_run(families: Mapping[str, Path]) -> None:
    model = load(families["sd-4"])

    def lost(_: torch.nn.Module, __: object) -> None:
        raise torch.AcceleratorError("CUDA error: device-side assert triggered")

    model.unet.register_forward_pre_hook(lost)

    with pytest.raises(EnvironmentProblem, match="does not answer"):
        finished(painter(model).open(sparing=False), [region(0)])


def test_a_decoding_that_fails_costs_that_candidate_only(
    families: Mapping[str, Path],
) -> None:
    model, calls = load(families["sd-4"]), list[int]()

    def check(_: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        calls.append(int(given[0].shape[0]))
        if calls[-1] > 1 or len(calls) == 3:
            raise RuntimeError("the decoder gave up")

    model.vae.decoder.register_forward_pre_hook(check)

    shown = finished(painter(model).open(sparing=False), [region(0)])[0]

    assert calls == [3, 1, 1, 1]
    assert [c.problem for c in shown] == ["", "the decoder gave up", ""]


def test_too_little_memory_shrinks_the_slots_step_by_step_and_changes_nothing(
    families: Mapping[str, Path],
) -> None:
    model, calls = load(families["sd-4"]), list[int]()
    engine = painter(model, batch=8)
    expected = finished(engine.open(sparing=False), [region(n) for n in range(3)])

    def check(_: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        calls.append(int(given[0].shape[0]))
        if calls[-1] > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")

    model.unet.register_forward_pre_hook(check)

    shown = finished(engine.open(sparing=False), [region(n) for n in range(3)])

    assert calls[:3] == [16, 8, 4]
    assert sum(calls[2:]) == 9 * RUN * 2
    for number, each in shown.items():
        assert all("2 side by side, not 8" in c.notes[-1] for c in each)
        for one, other in zip(each, expected[number], strict=True):
            assert_same(one, other)


def test_a_decoder_with_too_little_memory_decodes_fewer_at_a_time(
    families: Mapping[str, Path],
) -> None:
    model, calls = load(families["sd-4"]), list[int]()

    def check(_: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        calls.append(int(given[0].shape[0]))
        if calls[-1] > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")

    model.vae.decoder.register_forward_pre_hook(check)
    asked = [region(0, seeds=(1, 2, 3, 4))]

    shown = finished(painter(model, batch=4).open(sparing=False), asked)[0]

    assert calls == [4, 2, 2]
    assert all(c.pixels is not None for c in shown)


class Interrupted:
    """Raises inside the scheduler's step, after it has changed its memory."""

    def __init__(self, trajectory: Trajectory, times: int) -> None:
        self._scheduler, self._left = trajectory.scheduler, times

    def __getattr__(self, name: str) -> object:
        return getattr(self._scheduler, name)

    def step(self, *given: object, **named: object) -> object:
        told = self._scheduler.step(*given, **named)
        if self._left:
            self._left -= 1
            raise torch.OutOfMemoryError("CUDA out of memory")
        return told


def test_a_step_broken_off_inside_the_scheduler_is_begun_anew(
    families: Mapping[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load(families["sd-4"])
    expected = list(painter(model).paint(region(0)))
    begun: list[int] = []

    def disturbed(conditions: object, seed: int) -> Trajectory:
        trajectory = start(conditions, seed)  # type: ignore[arg-type]
        begun.append(seed)
        if begun.count(seed) == 1 and seed == 6:
            trajectory.scheduler = Interrupted(trajectory, 1)
        return trajectory

    for module in ("tickets", "careful"):
        name = f"pipeline.inpainters.diffusion.{module}.start"
        monkeypatch.setattr(name, disturbed)

    shown = list(painter(model).paint(region(0)))

    assert begun == [5, 6, 7, 6]
    for one, other in zip(shown, expected, strict=True):
        assert_same(one, other)


def test_a_scheduler_that_always_fails_costs_its_candidate_and_no_more(
    families: Mapping[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def disturbed(conditions: object, seed: int) -> Trajectory:
        trajectory = start(conditions, seed)  # type: ignore[arg-type]
        if seed == 6:
            trajectory.scheduler = Interrupted(trajectory, 99)
        return trajectory

    for module in ("tickets", "careful"):
        name = f"pipeline.inpainters.diffusion.{module}.start"
        monkeypatch.setattr(name, disturbed)

    shown = list(painter(load(families["sd-4"])).paint(region(0)))

    assert [bool(c.problem) for c in shown] == [False, True, False]


def test_a_finished_candidate_says_how_long_it_took(
    families: Mapping[str, Path],
) -> None:
    shown = list(painter(load(families["sd-4"])).paint(region(0)))

    assert all(0 < candidate.took_s < 60 for candidate in shown)
    assert STEPS > RUN
