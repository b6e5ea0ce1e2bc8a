"""Which way down the engine `diffusion` takes, by what memory ran out for."""

import pytest
import torch

from detectors.geometry import Size
from pipeline.inpainters.diffusion.memory import Ladder, Need
from pipeline.inpainters.diffusion.turns import Turns

ASKED, SMALLER, OTHER = Size(512, 512), Size(384, 384), Size(640, 640)
CPU = torch.device("cpu")


class Tiles:
    """A VAE that takes down whether it works in tiles."""

    tiled = False

    def enable_tiling(self) -> None:
        self.tiled = True

    def disable_tiling(self) -> None:
        self.tiled = False


def tried_at(ladder: Ladder, size: Size, need: Need) -> int:
    """Return what a full batch would have tried at the present rung."""
    rung = ladder.rung(size)
    most = {"unet": rung.slots, "decode": rung.decoded, "encode": rung.encoded}
    return most.get(need, 1)


def all_the_way_down(ladder: Ladder, need: Need, size: Size = ASKED) -> list[str]:
    notes = [ladder.rung(size).note]
    while ladder.climb_down(size, need, tried_at(ladder, size, need)):
        notes.append(ladder.rung(size).note)
    return [note.removeprefix("memory ran short: ") for note in notes]


def test_the_unet_gets_fewer_then_smaller_then_the_device_for_itself() -> None:
    told = all_the_way_down(Ladder(Tiles(), 5, 8, Turns([], CPU)), "unet")

    smaller = "painted one by one, painted at three quarters of the size"
    assert told == [
        "",
        "2 side by side, not 5",
        "painted one by one",
        smaller,
        f"{smaller}, one network at a time on the device",
    ]


def test_the_decoder_gets_fewer_then_tiles_and_the_unet_keeps_its_slots() -> None:
    told = all_the_way_down(Ladder(Tiles(), 5, 8, Turns([], CPU)), "decode")

    tiles = "decoded one by one, encoded and decoded in tiles"
    assert told == [
        "",
        "decoded 2 at a time",
        "decoded one by one",
        tiles,
        f"{tiles}, painted at three quarters of the size",
        f"{tiles}, painted at three quarters of the size, "
        "one network at a time on the device",
    ]


def test_the_encoder_gets_fewer_then_tiles() -> None:
    told = all_the_way_down(Ladder(Tiles(), 5, 8), "encode")

    tiles = "encoded one by one, encoded and decoded in tiles"
    assert told[1:] == [
        "encoded one by one",
        tiles,
        f"{tiles}, painted at three quarters of the size",
    ]


def test_reading_the_prompts_needs_the_device_and_nothing_else() -> None:
    told = all_the_way_down(Ladder(Tiles(), 5, 8, Turns([], CPU)), "text")

    assert told == ["", "one network at a time on the device"]


@pytest.mark.parametrize("slots", [1, 2, 3, 8])
@pytest.mark.parametrize("moves", [False, True])
@pytest.mark.parametrize("need", ["unet", "decode", "encode"])
def test_no_rung_is_the_same_as_the_one_before(
    need: Need, slots: int, moves: bool
) -> None:
    ladder = Ladder(Tiles(), slots, 8, Turns([], CPU) if moves else None)

    told = all_the_way_down(ladder, need)

    assert len(set(told)) == len(told)
    assert ladder.painted(ASKED) == SMALLER
    assert ladder.rung(ASKED).in_turn == moves


def test_what_ran_short_last_does_not_undo_what_ran_short_before() -> None:
    ladder = Ladder(Tiles(), 4, 8)

    assert ladder.climb_down(ASKED, "unet", 4)
    assert ladder.climb_down(ASKED, "decode", 2)

    rung = ladder.rung(ASKED)
    assert (rung.slots, rung.decoded, rung.tiled) == (2, 1, False)
    assert rung.note == "memory ran short: 2 side by side, not 4, decoded one by one"


def test_a_size_that_cannot_be_smaller_skips_that_rung() -> None:
    ladder, least = Ladder(Tiles(), 1, 8), Size(8, 8)

    assert not ladder.climb_down(least, "unet", 1)
    assert not ladder.climb_down(least, "decode", 1)
    assert ladder.painted(least) == least


def test_what_must_keep_its_size_takes_turns_instead() -> None:
    ladder = Ladder(Tiles(), 1, 8, Turns([], CPU))

    assert ladder.climb_down(ASKED, "decode", 1, resize=False)
    assert ladder.climb_down(ASKED, "decode", 1, resize=False)
    assert not ladder.climb_down(ASKED, "decode", 1, resize=False)

    assert ladder.painted(ASKED) == ASKED
    assert ladder.rung(ASKED).in_turn


def test_tiles_are_switched_by_working_size() -> None:
    vae = Tiles()
    ladder = Ladder(vae, 1, 8)
    ladder.climb_down(ASKED, "decode", 1)

    seen = [(ladder.rung(size).tiled, vae.tiled) for size in (ASKED, OTHER, ASKED)]

    assert seen == [(True, True), (False, False), (True, True)]


def test_networks_take_turns_for_every_size_from_then_on() -> None:
    ladder = Ladder(Tiles(), 1, 8, Turns([], CPU))

    while ladder.climb_down(ASKED, "unet", 1):
        pass

    assert "one network at a time" in ladder.rung(OTHER).note
    assert ladder.painted(OTHER) == OTHER
