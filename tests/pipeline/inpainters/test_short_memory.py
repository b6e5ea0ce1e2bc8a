"""What the engine does, rung by rung, when a device has too little memory."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from detectors.geometry import Size
from pipeline.inpainters.diffusion.checkpoint import Checkpoint
from pipeline.inpainters.diffusion.engine import DiffusionInpainter
from pipeline.inpainters.diffusion.turns import Turns
from pipeline.records import Candidate
from tests.pipeline.inpainters.slot_runs import (
    Calls,
    finished,
    load,
    painter,
    region,
)

ASKED, SMALLER = Size(64, 64), Size(48, 48)
CPU, REST = torch.device("cpu"), torch.device("cpu:0")
"""Two names for main memory, so that what was moved where can be told apart."""


def short_above(
    most: Size, model: Checkpoint, widths: list[int], *, pixels: bool = False
) -> Callable[..., None]:
    """Run out of memory on what is wider than a working size; latents by default."""
    limit = most.width if pixels else most.width // model.scale

    def check(_: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        widths.append(int(given[0].shape[-1]))
        if widths[-1] > limit:
            raise torch.OutOfMemoryError("CUDA out of memory")

    return check


def assert_as_if_asked_for_smaller(
    shown: list[Candidate], engine: DiffusionInpainter
) -> None:
    expected = list(engine.paint(region(0, working=SMALLER)))
    assert [c.number for c in shown] == [c.number for c in expected]
    for one, other in zip(shown, expected, strict=True):
        assert one.pixels is not None
        assert other.pixels is not None
        assert np.abs(one.pixels.astype(int) - other.pixels).max() <= 1
        assert "painted at three quarters of the size" in one.notes[-1]


def test_a_region_too_large_for_memory_is_painted_smaller_and_fits_its_window(
    families: Mapping[str, Path],
) -> None:
    model, widths = load(families["sd-9"]), list[int]()
    model.unet.register_forward_pre_hook(short_above(SMALLER, model, widths))
    engine = painter(model, batch=1)

    shown = finished(engine.open(sparing=False), [region(0)])[0]
    tried = widths.count(ASKED.width // model.scale)
    again = finished(engine.open(sparing=False), [region(0)])[0]

    # Tiles would not have helped the UNet, and the smaller size is remembered.
    assert tried == widths.count(ASKED.width // model.scale) == 1
    for each in (shown, again):
        assert_as_if_asked_for_smaller(each, painter(load(families["sd-9"])))


def test_what_was_painted_is_begun_again_where_only_a_smaller_one_can_be_decoded(
    families: Mapping[str, Path],
) -> None:
    model, widths = load(families["sd-4"]), list[int]()
    model.vae.decoder.register_forward_pre_hook(short_above(SMALLER, model, widths))

    shown = finished(painter(model).open(sparing=False), [region(0)])[0]

    assert_as_if_asked_for_smaller(shown, painter(load(families["sd-4"])))


def test_a_picture_too_large_to_be_encoded_is_encoded_smaller(
    families: Mapping[str, Path],
) -> None:
    model, widths = load(families["sd-9"]), list[int]()
    hook = short_above(SMALLER, model, widths, pixels=True)
    model.vae.encoder.register_forward_pre_hook(hook)

    shown = finished(painter(model).open(sparing=False), [region(0)])[0]

    assert_as_if_asked_for_smaller(shown, painter(load(families["sd-9"])))


def test_the_two_pictures_of_an_inpainting_model_are_encoded_one_by_one_if_need_be(
    families: Mapping[str, Path],
) -> None:
    model, expected = load(families["sd-9"]), painter(load(families["sd-9"]))
    encoded = short_of_rows(model.vae.encoder, 1)
    unet = Calls(model.unet)

    shown = finished(painter(model).open(sparing=False), [region(0)])[0]

    assert encoded == [2, 1, 1]
    assert set(unet.batches) == {6}
    assert_the_same(shown, list(expected.paint(region(0))))
    assert all(c.notes == ("memory ran short: encoded one by one",) for c in shown)


def test_a_decoder_that_runs_short_leaves_the_unet_its_slots(
    families: Mapping[str, Path],
) -> None:
    model, expected = load(families["sd-4"]), painter(load(families["sd-4"]), batch=8)
    decoded, unet = short_of_rows(model.vae.decoder, 1), Calls(model.unet)
    asked = [region(n, seeds=tuple(range(8))) for n in range(2)]

    shown = finished(painter(model, batch=8).open(sparing=False), asked)

    # Never the same twice; the second region starts where the first one got to.
    assert decoded == [4, 2, *[1] * 16]
    assert set(unet.batches) == {16}
    assert_the_same(shown[0], list(expected.paint(asked[0])))
    notes = {note for each in shown.values() for c in each for note in c.notes}
    assert notes == {"memory ran short: decoded one by one"}


def test_prompts_that_cannot_be_read_are_no_reason_to_paint_smaller(
    families: Mapping[str, Path],
) -> None:
    model = load(families["sd-4"])
    read = short_of_rows(model.text_encoders[0], 0)

    shown = finished(painter(model).open(sparing=False), [region(0)])[0]

    assert read == [1]
    assert all("too little memory for 64x64" in c.problem for c in shown)


def short_of_rows(network: torch.nn.Module, most: int) -> list[int]:
    """Let a network run out of memory on more rows; return the rows of each call."""
    rows: list[int] = []

    def check(_: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        rows.append(int(given[0].shape[0]))
        if rows[-1] > most:
            raise torch.OutOfMemoryError("CUDA out of memory")

    network.register_forward_pre_hook(check)
    return rows


def assert_the_same(shown: list[Candidate], expected: list[Candidate]) -> None:
    for one, other in zip(shown, expected, strict=True):
        assert one.pixels is not None
        assert other.pixels is not None
        assert np.abs(one.pixels.astype(int) - other.pixels).max() <= 1


def test_a_candidate_set_aside_is_painted_smaller_as_well(
    families: Mapping[str, Path],
) -> None:
    model, widths = load(families["sd-9"]), list[int]()
    batch = painter(model).open(sparing=False)
    ticket = batch.submit(region(0), preview_at=0.3)
    previews = [made for made in batch.advance() if made.preview]
    for made in previews:
        assert made.candidate is not None
        batch.drop(ticket, made.candidate.number, made.candidate.number)
    model.unet.register_forward_pre_hook(short_above(SMALLER, model, widths))

    shown: list[Candidate] = []
    for _ in range(50):
        made_now = batch.advance()
        shown += [m.candidate for m in made_now if m.candidate and not m.preview]
        if any(made.last for made in made_now):
            break

    assert len(previews) == 3
    assert [c.number for c in shown if c.pixels is not None] == [0]
    expected = painter(load(families["sd-9"])).paint(region(0, working=SMALLER))
    np.testing.assert_allclose(
        np.asarray(shown[0].pixels, dtype=int),
        np.asarray(next(expected).pixels),
        atol=1,
    )


def test_networks_that_take_turns_paint_the_same_and_are_never_there_together(
    families: Mapping[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load(families["sd-9"])
    expected = list(painter(load(families["sd-9"])).paint(region(0)))
    names = {id(model.unet): "unet", id(model.vae): "vae"}
    names |= {id(encoder): "text" for encoder in model.text_encoders}
    present: set[str] = set()
    most: list[int] = []
    moved = torch.nn.Module.to

    def watched(self: torch.nn.Module, *where: Any, **how: Any) -> Any:
        name = names.get(id(self))
        if name and where == (CPU,):
            present.add(name)
        if name and where == (REST,):
            present.discard(name)
        most.append(len(present))
        return moved(self, *where, **how)

    for network in (model.unet, model.vae, *model.text_encoders):
        monkeypatch.setattr(network, "to", watched.__get__(network))
    turns = Turns([(model.unet,), (model.vae,), model.text_encoders], CPU, REST)
    turns.begin()
    turns.begin()

    shown = list(painter(model).paint(region(0)))

    assert max(most) == 1
    assert present == {"vae"}
    for one, other in zip(shown, expected, strict=True):
        assert one.pixels is not None
        assert other.pixels is not None
        np.testing.assert_array_equal(one.pixels, other.pixels)


@pytest.mark.parametrize(
    "error",
    [
        torch.AcceleratorError("CUDA error: out of memory"),
        RuntimeError("cuDNN error: CUDNN_STATUS_NOT_SUPPORTED"),
        RuntimeError("MPS backend out of memory"),
    ],
)
def test_whatever_words_it_has_too_little_memory_means_fewer_at_a_time(
    families: Mapping[str, Path], error: Exception
) -> None:
    model, rows = load(families["sd-4"]), list[int]()

    def check(_: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        rows.append(int(given[0].shape[0]))
        if rows[-1] > 2:
            raise error

    model.unet.register_forward_pre_hook(check)

    shown = finished(painter(model).open(sparing=False), [region(0)])[0]

    assert rows[:2] == [6, 2]
    assert all(c.notes == ("memory ran short: painted one by one",) for c in shown)
