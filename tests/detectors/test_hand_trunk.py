"""The convolutions pad as TensorFlow does, however they are computed."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from detectors.hand_trunk import SameConv

SHAPES = ((24, 24, 3, 2, 24), (24, 24, 5, 2, 24), (24, 24, 5, 1, 24), (24, 40, 1, 1, 1))
"""Channels in and out, kernel, stride and groups, as the trunk has them."""


def as_tensorflow_pads(layer: SameConv, x: Tensor) -> Tensor:
    """Return the answer by a padded copy: an odd row goes to the end."""
    total = max(layer.kernel_size[0] - layer.stride[0], 0)
    before, after = total // 2, total - total // 2
    padded = functional.pad(x, (before, after, before, after))
    return functional.conv2d(
        padded, layer.weight, layer.bias, layer.stride, 0, 1, layer.groups
    )


@pytest.mark.parametrize(("narrow", "wide", "kernel", "stride", "groups"), SHAPES)
def test_every_way_to_compute_pads_the_odd_row_at_the_end(
    narrow: int, wide: int, kernel: int, stride: int, groups: int
) -> None:
    torch.manual_seed(0)
    layer = SameConv(narrow, wide, kernel, stride, groups=groups)
    x = torch.randn(2, narrow, 28, 28)

    learning = layer(x)
    with torch.no_grad():
        expected = as_tensorflow_pads(layer, x)
        as_loaded = layer(x)
        layer.finish()
        packed, clipped = layer(x), layer.clipped(x)
        alone = layer(x[:1])

    assert expected.shape[2] == 28 // stride
    for answer in (learning, as_loaded, packed):
        assert torch.allclose(answer, expected, atol=1e-5)
    assert torch.allclose(clipped, expected.clamp(0, 6), atol=1e-5)
    assert torch.allclose(alone, expected[:1], atol=1e-5), "packed for two"


def test_what_learns_is_never_packed() -> None:
    layer = SameConv(4, 4, 3)
    x = torch.randn(1, 4, 8, 8)
    with torch.no_grad():
        layer(x)
        layer.weight.mul_(2)
        doubled = layer(x)

    assert torch.allclose(doubled, as_tensorflow_pads(layer, x), atol=1e-5)
