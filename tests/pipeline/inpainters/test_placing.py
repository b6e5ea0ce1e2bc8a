"""Networks that a device has too little room for wait in main memory."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch

from pipeline.errors import EnvironmentProblem
from pipeline.inpainters.diffusion.checkpoint import Checkpoint
from pipeline.inpainters.diffusion.control_load import load_control
from pipeline.inpainters.diffusion.engine import DiffusionInpainter
from pipeline.inpainters.diffusion.load import load_checkpoint
from pipeline.inpainters.diffusion.placing import groups_of
from pipeline.models import LocatedModel
from pipeline.settings import InpaintSettings
from tests.pipeline.inpainters.slot_runs import SIZE

CPU, GPU = torch.device("cpu"), torch.device("cuda:0")
REAL = torch.nn.Module.to


class Crowded:
    """A device that holds so many networks, and keeps nothing in truth."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.present: set[int] = set()
        self.most = 0

    def to(self, network: torch.nn.Module, *where: Any, **how: Any) -> Any:
        if where == (CPU,):
            self.present.discard(id(network))
        if where != (GPU,):
            return REAL(network, *where, **how)
        self.present.add(id(network))
        if len(self.present) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        self.most = max(self.most, len(self.present))
        return network


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch) -> Crowded:
    device = Crowded(room=99)

    def to(self: torch.nn.Module, *where: Any, **how: Any) -> Any:
        return device.to(self, *where, **how)

    monkeypatch.setattr(torch.nn.Module, "to", to)
    return device


def loaded(folder: Path, device: torch.device = GPU) -> Checkpoint:
    return load_checkpoint(LocatedModel("tiny", folder), (), device, torch.float32)


def first_note(checkpoint: Checkpoint, control: Any = None) -> str:
    made = DiffusionInpainter(checkpoint, InpaintSettings(), control=control)
    return made.tools.ladder.rung(SIZE).note


def test_what_fits_is_put_on_the_device(
    families: Mapping[str, Path], crowded: Crowded
) -> None:
    checkpoint = loaded(families["sd-9"])

    assert not checkpoint.rests
    assert crowded.most == 3
    assert first_note(checkpoint) == ""


def test_what_does_not_fit_begins_on_the_last_rung(
    families: Mapping[str, Path], crowded: Crowded
) -> None:
    crowded.room = 2

    checkpoint = loaded(families["sd-9"])

    assert checkpoint.rests
    assert not crowded.present
    assert first_note(checkpoint) == (
        "memory ran short: one network at a time on the device"
    )


def test_both_text_encoders_must_have_room_together(
    families: Mapping[str, Path], crowded: Crowded
) -> None:
    crowded.room = 1

    with pytest.raises(EnvironmentProblem, match=r"cuda:0 has too little .* 'tiny'"):
        loaded(families["xl-9"])


def test_where_not_even_one_network_fits_the_run_ends_with_what_to_do(
    families: Mapping[str, Path], crowded: Crowded
) -> None:
    crowded.room = 0

    with pytest.raises(EnvironmentProblem) as told:
        loaded(families["sd-9"])

    assert str(told.value) == (
        "the device cuda:0 has too little memory for the model 'tiny', even for one "
        "part of it at a time; end what else runs there, or choose a smaller "
        "inpaint.model or --device cpu"
    )


@pytest.fixture
def net(families: Mapping[str, Path], tmp_path: Path) -> Path:
    unet = loaded(families["sd-4"], CPU).unet
    diffusers.ControlNetModel.from_unet(unet).save_pretrained(tmp_path / "net")
    return tmp_path / "net"


def steered(net: Path) -> InpaintSettings:
    return InpaintSettings(control="inpaint", control_model=str(net))


def test_a_controlnet_that_does_not_fit_beside_the_others_sends_all_to_rest(
    families: Mapping[str, Path], net: Path, crowded: Crowded
) -> None:
    crowded.room = 3
    checkpoint = loaded(families["sd-4"])

    control = load_control(steered(net), checkpoint)

    assert control is not None
    assert (checkpoint.rests, control.rests) == (False, True)
    assert not crowded.present
    assert "one network at a time" in first_note(checkpoint, control)


def test_a_controlnet_joins_networks_that_rest(
    families: Mapping[str, Path], net: Path, crowded: Crowded
) -> None:
    crowded.room = 2
    checkpoint = loaded(families["sd-4"])

    control = load_control(steered(net), checkpoint)

    assert control is not None
    assert control.rests
    assert not crowded.present


def test_a_controlnet_without_room_beside_the_unet_alone_is_named(
    families: Mapping[str, Path], net: Path, crowded: Crowded
) -> None:
    crowded.room = 1
    checkpoint = loaded(families["sd-4"])

    with pytest.raises(EnvironmentProblem, match=r"'tiny' with the ControlNet '.*net'"):
        load_control(steered(net), checkpoint)


def test_a_controlnet_runs_with_the_unet(families: Mapping[str, Path]) -> None:
    checkpoint = replace(loaded(families["sd-4"], CPU), text_encoders=())

    groups = groups_of(checkpoint, ("net",))

    assert groups == ((checkpoint.unet, "net"), (checkpoint.vae,), ())
