"""A compiled UNet gives the same, and meets few shapes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from detectors.geometry import Size
from pipeline.inpainters.diffusion.compiled import (
    SIZES_COMPILED,
    FixedShapes,
    row_counts,
)
from pipeline.inpainters.diffusion.engine import DiffusionInpainter
from pipeline.settings import InpaintSettings
from tests.pipeline.inpainters.slot_runs import Calls, finished, load, painter, region

SETTINGS = InpaintSettings(steps=4, batch=3, compile=True)


@pytest.mark.parametrize(
    ("most", "counts"), [(1, (1,)), (6, (1, 2, 4, 6)), (2, (1, 2))]
)
def test_calls_are_padded_to_powers_of_two_and_the_most(
    most: int, counts: tuple[int, ...]
) -> None:
    assert row_counts(most) == counts


@pytest.mark.parametrize("family", ["sd-9", "xl-4"])
def test_a_compiled_engine_paints_the_same(
    families: Mapping[str, Path], family: str
) -> None:
    asked = [region(0), region(1, seeds=(1, 2))]
    plain = finished(painter(load(families[family])).open(sparing=False), asked)
    model = load(families[family])
    unet = Calls(model.unet)
    engine = DiffusionInpainter(model, SETTINGS, compile_backend="eager")

    shown = finished(engine.open(sparing=False), asked)

    for number, each in shown.items():
        for one, other in zip(each, plain[number], strict=True):
            assert one.pixels is not None
            assert other.pixels is not None
            assert np.abs(one.pixels.astype(int) - other.pixels).max() <= 1
    assert set(unet.batches) <= {1, 2, 4, 6}


class Counting:
    """A compiler that runs what it is given as it is, and counts."""

    def __init__(self) -> None:
        self.compiled = 0

    def __call__(self, graph: Any, _inputs: list[torch.Tensor]) -> Any:
        self.compiled += 1
        return graph.forward


class Doubling(torch.nn.Module):
    """Stands in for a UNet."""

    def forward(
        self, inputs: torch.Tensor, times: torch.Tensor, *, hidden: torch.Tensor
    ) -> tuple[torch.Tensor]:
        return (inputs * 2 + times[:, None, None, None] + hidden[:, :1, None, None],)


def call(shapes: FixedShapes, rows: int, side: int) -> torch.Tensor:
    inputs = torch.arange(rows * side * side, dtype=torch.float32)
    times, hidden = torch.arange(rows) * 1.0, torch.ones(rows, 1)
    found = shapes(inputs.view(rows, 1, side, side), times, hidden=hidden)[0]
    assert found.shape == (rows, 1, side, side)
    return found - 1 - times[:, None, None, None]


def test_each_padded_count_is_compiled_once_for_each_of_the_first_sizes() -> None:
    torch._dynamo.reset()
    counting = Counting()
    shapes = FixedShapes(Doubling(), 8, backend=counting)

    for side in range(2, 2 + SIZES_COMPILED + 2):
        for rows in range(1, 9):
            expected = 2 * torch.arange(rows * side * side, dtype=torch.float32)
            found = call(shapes, rows, side)
            torch.testing.assert_close(found.flatten(), expected)

    assert counting.compiled == SIZES_COMPILED * len(row_counts(8))


def older(model: Any, *, dynamic: bool, backend: Any) -> Any:
    """Compile as a torch without the newer arguments does."""
    return torch.compile(model, dynamic=dynamic, backend=backend)


def test_a_torch_that_cannot_be_told_per_function_compiles_as_often() -> None:
    torch._dynamo.reset()
    counting, before = Counting(), torch._dynamo.config.recompile_limit
    shapes = FixedShapes(Doubling(), 8, backend=counting, compiler=older)

    for side in range(2, 2 + SIZES_COMPILED):
        for rows in range(1, 9):
            call(shapes, rows, side)

    assert counting.compiled == SIZES_COMPILED * len(row_counts(8)) > before
    assert torch._dynamo.config.recompile_limit == before


def test_a_region_of_another_size_is_painted_as_well(
    families: Mapping[str, Path],
) -> None:
    model = load(families["sd-4"])
    engine = DiffusionInpainter(model, SETTINGS, compile_backend="eager")

    shown = finished(
        engine.open(sparing=False), [region(0), region(1, working=Size(64, 96))]
    )

    assert all(c.pixels is not None for each in shown.values() for c in each)
