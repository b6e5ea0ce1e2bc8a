"""What the engine `transformer` does where a device has too little memory."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch

from detectors.geometry import Size
from pipeline.errors import EnvironmentProblem
from pipeline.inpainters.transformer.engine import TransformerInpainter
from pipeline.inpainters.transformer.families import FAMILIES
from pipeline.inpainters.transformer.load import Whole, load_whole
from pipeline.inpainters.transformer.memory import Ladder
from pipeline.models import LocatedModel
from pipeline.records import PaintRequest
from pipeline.settings import InpaintSettings
from tests.pipeline.inpainters.requests import hole, request, stripes
from tests.pipeline.inpainters.scripted import CPU, Scripted, scripted
from tests.pipeline.inpainters.tiny_whole import save_whole

GPU = torch.device("cuda:0")
WORKING, MULTIPLE = Size(1024, 512), 16
OOM = torch.OutOfMemoryError


def asked(seeds: tuple[int, ...] = (11,), side: int = 512) -> PaintRequest:
    pixels, mask = stripes(64, 64), hole(64, 64, (16, 24, 48, 48))
    size = Size(side, side)
    return request(pixels, mask, seeds=seeds, working=size, negative_prompt="")


def test_short_memory_leads_down_the_ladder_and_never_to_the_same_rung_twice() -> None:
    pipe, painter = scripted(OOM(), OOM())

    first, second = painter.paint(asked((1, 2)))

    # A CPU has nothing to move parts from, so a smaller picture follows the tiles.
    assert pipe.tiled == 3
    assert pipe.sizes == [(512, 512), (512, 512), (384, 384), (384, 384)]
    for candidate in (first, second):
        assert candidate.notes == (
            "memory ran short: encoded and decoded in tiles, painted at three quarters "
            "of the size",
        )
        assert candidate.pixels is not None
        assert candidate.pixels.shape == (64, 64, 3)


def test_a_picture_no_larger_than_a_tile_is_made_smaller_at_once() -> None:
    pipe, painter = scripted(OOM())

    list(painter.paint(asked(side=64)))

    assert pipe.tiled == 0
    assert pipe.sizes == [(64, 64), (48, 48)]


def test_when_no_rung_is_left_the_candidate_says_so() -> None:
    _, painter = scripted(*(OOM() for _ in range(5)))

    (candidate,) = painter.paint(asked(side=64))

    assert candidate.pixels is None
    assert "too little memory for 64x64" in candidate.problem


class Offloading(Scripted):
    """A pipeline that takes down how it was told to spare memory."""

    def __init__(self, *lacks: str) -> None:
        super().__init__([])
        self.lacks = lacks
        self.told: list[str] = []

    def enable_tiling(self) -> None:
        self.told.append("tiles")

    def enable_model_cpu_offload(self, device: Any) -> None:
        if "parts" in self.lacks:
            raise ImportError("accelerate is not installed")
        self.told.append("parts")

    def enable_sequential_cpu_offload(self, device: Any) -> None:
        if "layers" in self.lacks:
            raise ValueError("it is quantized")
        self.told.append("layers")

    def to(self, kind: Any) -> None:
        if kind == GPU:
            self.told.append("back")


def test_on_a_gpu_parts_are_moved_before_the_picture_is_made_smaller() -> None:
    pipe = Offloading()
    ladder = Ladder(pipe, GPU)

    sizes, notes = [], []
    while ladder.climb_down(WORKING, MULTIPLE):
        sizes.append(ladder.size(WORKING, MULTIPLE))
        notes.append(ladder.note)

    assert list(dict.fromkeys(pipe.told)) == ["tiles", "parts", "layers"]
    assert sizes == [*[WORKING] * 3, Size(768, 384)]
    assert notes[-1] == (
        "memory ran short: encoded and decoded in tiles, layers were moved to the "
        "device in turn, painted at three quarters of the size"
    )


def test_a_rung_that_cannot_be_had_is_passed_over() -> None:
    pipe = Offloading("parts")
    ladder = Ladder(pipe, GPU)

    assert ladder.climb_down(Size(64, 64), MULTIPLE)

    assert pipe.told == ["back", "layers"]
    assert "layers" in ladder.note


class Short(torch.nn.Module):
    """A network that runs out of memory until it was spared."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.left = times

    def forward(self, _: Any = None) -> None:
        if self.left:
            self.left -= 1
            raise OOM("CUDA out of memory")


class Networked(Offloading):
    """A pipeline of a transformer and a VAE, of which one is short of memory."""

    def __init__(self, transformer: int, vae: int) -> None:
        super().__init__()
        self.transformer, self.decoder = Short(transformer), Short(vae)

    @property
    def components(self) -> dict[str, Any]:
        return {"transformer": self.transformer, "vae": self.decoder, "tokenizer": None}

    def __call__(self, **given: Any) -> Any:
        self.transformer()
        self.decoder()
        return super().__call__(**given)


@pytest.mark.parametrize(
    ("transformer", "vae", "told"),
    [(1, 0, ["parts"]), (0, 1, ["tiles"]), (1, 1, ["parts", "tiles"])],
)
def test_tiles_are_tried_only_when_it_was_not_the_transformer(
    transformer: int, vae: int, told: list[str]
) -> None:
    pipe = Networked(transformer, vae)
    takes = frozenset({"strength"})
    whole = Whole("net", FAMILIES[0], pipe, takes, GPU, torch.float16)

    (candidate,) = TransformerInpainter(whole, InpaintSettings(steps=4)).paint(asked())

    assert candidate.pixels is not None
    assert pipe.told == told


@pytest.fixture(scope="session")
def sd3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_whole("sd3", tmp_path_factory.mktemp("wholes"))


def crowded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let every pipeline be too large for the device; return where it was moved."""
    kind, moved = diffusers.StableDiffusion3InpaintPipeline, list[str]()

    def to(self: Any, where: Any, **_: Any) -> Any:
        moved.append(str(where))
        if where == GPU:
            raise OOM("CUDA out of memory")
        return self

    monkeypatch.setattr(kind, "to", to)
    return moved


def test_a_model_that_does_not_fit_starts_in_main_memory_and_in_parts(
    sd3: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved, begun = crowded(monkeypatch), list[str]()
    monkeypatch.setattr(
        diffusers.StableDiffusion3InpaintPipeline,
        "enable_model_cpu_offload",
        lambda _, device: begun.append(str(device)),
    )

    whole = load_whole(LocatedModel("sd3", sd3), (), GPU, torch.float32)
    TransformerInpainter(whole, InpaintSettings())

    assert not whole.fits
    assert moved == ["cuda:0", "cpu", "cpu"]
    assert begun == ["cuda:0"]


def test_every_candidate_says_that_the_model_does_not_fit() -> None:
    pipe, takes = Offloading(), frozenset({"strength"})
    whole = Whole(
        "large", FAMILIES[0], pipe, takes, GPU, torch.float16, None, fits=False
    )

    (candidate,) = TransformerInpainter(whole, InpaintSettings(steps=4)).paint(asked())

    assert candidate.notes == (
        "memory ran short: parts were moved to the device in turn",
    )


def test_where_no_part_can_be_moved_one_sentence_ends_the_run() -> None:
    pipe = Offloading("parts", "layers")
    whole = Whole(
        "large", FAMILIES[0], pipe, frozenset(), GPU, torch.float16, None, fits=False
    )

    with pytest.raises(EnvironmentProblem, match=r"cuda:0 has too little .* large,"):
        TransformerInpainter(whole, InpaintSettings())

    assert "back" not in pipe.told


def test_another_error_of_moving_is_not_taken_for_too_little_memory(
    sd3: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def to(*_: Any, **__: Mapping[str, Any]) -> None:
        raise RuntimeError("no kernel image is available")

    monkeypatch.setattr(diffusers.StableDiffusion3InpaintPipeline, "to", to)

    with pytest.raises(RuntimeError, match="no kernel image"):
        load_whole(LocatedModel("sd3", sd3), (), CPU, torch.float32)
