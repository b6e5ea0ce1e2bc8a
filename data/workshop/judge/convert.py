"""Read MediaPipe's hand landmark network out of its flatbuffer into torch layers.

The graph holds 31 convolutions, 16 depthwise convolutions and four fully connected
layers, with weights stored as float16 and every batch norm folded in. It is the trunk
that the judge is fine-tuned from; `LandmarkNet` puts the four original outputs on top,
so that the conversion can be held against the interpreter.
"""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from ai_edge_litert import schema_py_generated as schema
from torch import Tensor, nn

from detectors.hand_trunk import HandTrunk, SameConv

MEMBER = "hand_landmarks_detector.tflite"

_ADD, _CONV, _DEPTHWISE, _DENSE, _DEQUANTIZE = 0, 3, 4, 9, 6
_RELU6 = 3


class LandmarkNet(nn.Module):
    """The whole landmark network: 21 points, presence, handedness, 21 points in 3-D."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = HandTrunk()
        self.presence = nn.Linear(1152, 1)
        self.right = nn.Linear(1152, 1)
        self.points = nn.Linear(1152, 63)
        self.world = nn.Linear(1152, 63)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return (points, presence, right, world), shaped as the interpreter's."""
        top = self.trunk(x)[-1].mean((2, 3))
        return (
            self.points(top),
            torch.sigmoid(self.presence(top)),
            torch.sigmoid(self.right(top)),
            self.world(top),
        )


class _Graph:
    """The operators of the flatbuffer, in running order, with their constants."""

    def __init__(self, content: bytes) -> None:
        root = schema.Model.GetRootAsModel(content, 0)
        self.model: Any = schema.ModelT.InitFromObj(root)
        self.graph = self.model.subgraphs[0]
        self._half: dict[int, int] = {}
        for operator in self.graph.operators:
            if self.code(operator) == _DEQUANTIZE:
                self._half[int(operator.outputs[0])] = int(operator.inputs[0])

    def code(self, operator: Any) -> int:
        entry = self.model.operatorCodes[operator.opcodeIndex]
        return max(int(entry.builtinCode), int(entry.deprecatedBuiltinCode))

    def constant(self, number: int) -> npt.NDArray[np.float32]:
        """Return a stored float16 tensor as float32."""
        tensor = self.graph.tensors[self._half[int(number)]]
        raw = self.model.buffers[tensor.buffer].data
        values = np.frombuffer(bytes(raw), np.float16).reshape(tuple(tensor.shape))
        return values.astype(np.float32)

    def layers(self, *codes: int) -> list[Any]:
        return [op for op in self.graph.operators if self.code(op) in codes]


def read_member(task: Path) -> bytes:
    """Return the landmark network that a .task file (a zip archive) holds."""
    with zipfile.ZipFile(task) as archive:
        return archive.read(MEMBER)


def landmark_net(task: Path) -> LandmarkNet:
    """Convert the landmark network.

    Args:
        task: Path of `hand_landmarker.task`.

    Raises:
        ValueError: the graph is not the one that `HandTrunk` describes.
    """
    graph = _Graph(read_member(task))
    net = LandmarkNet()
    stored = graph.layers(_CONV, _DEPTHWISE)
    ours = _in_running_order(net.trunk)
    if len(stored) != len(ours):
        raise ValueError(f"{task} holds {len(stored)} convolutions, not {len(ours)}")
    for layer, operator in zip(ours, stored, strict=True):
        _fill_convolution(layer, operator, graph)
    heads = (net.right, net.presence, net.points, net.world)
    for head, operator in zip(heads, graph.layers(_DENSE), strict=True):
        _fill_dense(head, operator, graph)
    return net.eval()


def _in_running_order(trunk: HandTrunk) -> list[SameConv]:
    return [layer for layer in trunk.modules() if isinstance(layer, SameConv)]


def _fill_convolution(layer: SameConv, operator: Any, graph: _Graph) -> None:
    """Copy (out, kh, kw, in), or (1, kh, kw, out) when depthwise, into a layer."""
    weight = graph.constant(operator.inputs[1])
    depthwise = graph.code(operator) == _DEPTHWISE
    order = (3, 0, 1, 2) if depthwise else (0, 3, 1, 2)
    turned = torch.from_numpy(np.ascontiguousarray(weight.transpose(order)))
    stride = int(operator.builtinOptions.strideW)
    if turned.shape != layer.weight.shape or stride != layer.stride[0]:
        raise ValueError(
            f"expected {tuple(layer.weight.shape)} with stride {layer.stride[0]}, "
            f"the file has {tuple(turned.shape)} with stride {stride}"
        )
    bias = torch.from_numpy(graph.constant(operator.inputs[2]))
    with torch.no_grad():
        layer.weight.copy_(turned)
        if layer.bias is not None:
            layer.bias.copy_(bias)


def _fill_dense(layer: nn.Linear, operator: Any, graph: _Graph) -> None:
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(graph.constant(operator.inputs[1])))
        layer.bias.copy_(torch.from_numpy(graph.constant(operator.inputs[2])))
