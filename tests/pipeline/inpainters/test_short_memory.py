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
from pipeline.inpainters.diffusion.memory import Ladder, rungs
from pipeline.inpainters.diffusion.turns import Turns
from pipeline.records import Candidate
from tests.pipeline.inpainters.slot_runs import finished, load, painter, region

ASKED, SMALLER = Size(64, 64), Size(48, 48)
CPU, REST = torch.device("cpu"), torch.device("cpu:0")
"""Two names for main memory, so that what was moved where can be told apart."""


class Tiles:
    """A VAE that takes down whether it works in tiles."""

    tiled = False

    def enable_tiling(self) -> None:
        self.tiled = True

    def disable_tiling(self) -> None:
        self.tiled = False


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


def test_the_ladder_goes_from_fewer_to_tiles_to_smaller_to_one_network() -> None:
    told = [rung.note for rung in rungs(5, in_turn=True)]

    assert told == [
        "",
        "memory ran short: 2 side by side, not 5",
        "memory ran short: painted one by one",
        "memory ran short: painted one by one, decoded in tiles",
        "memory ran short: painted one by one, decoded in tiles, painted at three "
        "quarters of the size",
        "memory ran short: painted one by one, decoded in tiles, painted at three "
        "quarters of the size, one network at a time on the device",
    ]


@pytest.mark.parametrize("slots", [1, 2, 3, 8])
@pytest.mark.parametrize("moves", [False, True])
def test_no_rung_is_the_same_as_the_one_before(slots: int, moves: bool) -> None:
    turns = Turns([], CPU) if moves else None
    ladder = Ladder(Tiles(), slots, 8, turns)

    seen = [(ladder.rung(ASKED), ladder.painted(ASKED))]
    while ladder.climb_down(ASKED, ladder.rung(ASKED).slots):
        seen.append((ladder.rung(ASKED), ladder.painted(ASKED)))

    assert len(set(seen)) == len(seen)
    assert seen[-1][1] == SMALLER
    assert seen[-1][0].in_turn == moves


def test_a_size_that_cannot_be_smaller_skips_that_rung() -> None:
    ladder, least = Ladder(Tiles(), 1, 8), Size(8, 8)

    assert ladder.climb_down(least, 1)
    assert not ladder.climb_down(least, 1)
    assert ladder.painted(least) == least


def test_networks_take_turns_for_every_size_from_then_on() -> None:
    ladder, other = Ladder(Tiles(), 1, 8, Turns([], CPU)), Size(96, 96)

    for _ in range(3):
        assert ladder.climb_down(ASKED, 1)

    assert "one network at a time" in ladder.rung(other).note
    assert ladder.painted(other) == other


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

    # One by one and with tiles; the smaller size is remembered.
    assert tried == widths.count(ASKED.width // model.scale) == 2
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
