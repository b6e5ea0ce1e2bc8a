"""The convolutions of MediaPipe's hand landmark network, as torch layers."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

TOP = 1152
"""Channels of the coarsest map."""


class BlockShape(NamedTuple):
    """One inverted bottleneck of the trunk."""

    narrow_in: int
    wide: int
    narrow_out: int
    kernel: int
    stride: int


BLOCKS = (
    BlockShape(16, 64, 24, 3, 2),
    BlockShape(24, 144, 24, 3, 1),
    BlockShape(24, 144, 40, 5, 2),
    BlockShape(40, 240, 40, 5, 1),
    BlockShape(40, 240, 80, 3, 2),
    BlockShape(80, 480, 80, 3, 1),
    BlockShape(80, 480, 80, 3, 1),
    BlockShape(80, 480, 112, 5, 1),
    BlockShape(112, 672, 112, 5, 1),
    BlockShape(112, 672, 112, 5, 1),
    BlockShape(112, 672, 192, 5, 2),
    BlockShape(192, 1152, 192, 5, 1),
    BlockShape(192, 1152, 192, 5, 1),
    BlockShape(192, 1152, 192, 5, 1),
)
"""The layers of MediaPipe's hand landmark network, read from its flatbuffer graph."""

TAPS = (1, 3, 6, 9, 13)
"""Blocks whose output is read: 56x56x24, 28x28x40, 14x14x80, 14x14x112, 7x7x192."""

POOLED = 3 * (40 + 80 + 112 + 192) + TOP
"""Mean, maximum and spread of four inner maps, and the means of the top."""


_ONE_DNN: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
_IN_ONE_PASS: Any = getattr(torch.ops.mkldnn, "_convolution_pointwise", None)
"""Convolution and clipping in one pass over memory; torch's own compiler uses it.

It is not part of torch's public interface, so its absence is no error. Measured on one
core: 1.75 times as fast as two passes, answers alike to 3e-5.
"""
_REORDER: Any = getattr(torch._C._nn, "mkldnn_reorder_conv2d_weight", None)
"""Lays a kernel out as that pass reads it, which it otherwise does at every call."""


class SameConv(nn.Conv2d):
    """A convolution padded as TensorFlow's "SAME" pads: the odd row at the end.

    torch pads both ends alike. A kernel that is longer by the odd row, with zeros
    before the others, makes the same of it without a padded copy of what is read.
    """

    _is_final = False
    _packed: tuple[Tensor, int] | None = None

    def forward(self, x: Tensor) -> Tensor:
        if _can_fuse(x):
            return self._in_one_pass(x, "none", [])
        kernel, padding = self._kernel()
        return functional.conv2d(
            x, kernel, self.bias, self.stride, padding, 1, self.groups
        )

    def clipped(self, x: Tensor) -> Tensor:
        """Return the answer clipped to 0..6."""
        if _can_fuse(x):
            return self._in_one_pass(x, "hardtanh", [0.0, 6.0])
        return functional.relu6(self(x))

    def finish(self) -> None:
        """Promise that the kernel does not change any more: it can be packed."""
        self._is_final = True

    def _in_one_pass(self, x: Tensor, then: str, numbers: list[float]) -> Tensor:
        kernel, padding = self._packed or self._kernel()
        both, stride = [padding, padding], list(self.stride)
        if self._is_final and self._packed is None and _REORDER is not None:
            # Which layout is best depends on what is read; the first is like the rest.
            told = (both, stride, [1, 1], self.groups, list(x.shape))
            kernel = _REORDER(kernel.to_mkldnn(), *told)
            self._packed = kernel, padding
        done: Tensor = _IN_ONE_PASS(
            x, kernel, self.bias, both, stride, [1, 1], self.groups, then, numbers, ""
        )
        return done

    def _kernel(self) -> tuple[Tensor, int]:
        """Return the kernel, and the padding of both ends that goes with it."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        total = max(kernel - stride, 0)
        before, after = total // 2, total - total // 2
        if before == after:
            return self.weight, after
        return functional.pad(self.weight, (1, 0, 1, 0)), after


def _can_fuse(x: Tensor) -> bool:
    return (
        _IN_ONE_PASS is not None
        and _ONE_DNN
        and not torch.is_grad_enabled()
        and x.device.type == "cpu"
        and x.dtype == torch.float32
    )


class Bottleneck(nn.Module):
    """Widen, look around in each channel, narrow; add the input where shapes agree."""

    def __init__(self, shape: BlockShape) -> None:
        super().__init__()
        self.expand = SameConv(shape.narrow_in, shape.wide, 1)
        self.look = SameConv(
            shape.wide, shape.wide, shape.kernel, shape.stride, groups=shape.wide
        )
        self.project = SameConv(shape.wide, shape.narrow_out, 1)
        self.adds = shape.stride == 1 and shape.narrow_in == shape.narrow_out

    def forward(self, x: Tensor) -> Tensor:
        wide = self.look.clipped(self.expand.clipped(x))
        narrow: Tensor = self.project(wide)
        return x + narrow if self.adds else narrow


class HandTrunk(nn.Module):
    """The convolutions of MediaPipe's hand landmark network."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv(3, 24, 3, 2)
        self.stem_look = SameConv(24, 24, 3, 1, groups=24)
        self.stem_project = SameConv(24, 16, 1)
        self.blocks = nn.ModuleList(Bottleneck(shape) for shape in BLOCKS)
        self.top = SameConv(192, TOP, 1)
        self.top_look = SameConv(TOP, TOP, 3, 1, groups=TOP)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the maps of `TAPS`, finest first, and the top, 7x7x1152.

        Args:
            x: (N, 3, 224, 224) float RGB in 0..1.
        """
        x = self.stem_look.clipped(self.stem.clipped(x))
        x = self.stem_project(x)
        levels: list[Tensor] = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in TAPS:
                levels.append(x)
        top = self.top_look.clipped(self.top.clipped(x))
        return [*levels, top]
