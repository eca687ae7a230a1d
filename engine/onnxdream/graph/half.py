"""A forward graph in half precision.

Weights and activations become float16, the type in which the units for matrix
products of a GPU are fast. What goes beyond the range or the eleven bits of
float16 stays in float32, between two casts: squares and their sums, means,
exponentials, normalizations.

What reads tensors of nearly the image's size stays in float32, too. There are
few channels there, and later layers amplify their differences: with these in
float16, what is rounded off them makes most of the error of the gradient.
"""

from __future__ import annotations

from collections.abc import Container

import numpy as np

from .builder import Builder
from .ir import FLOAT, HALF, Graph, Node
from .shapes import Shapes

__all__ = ["in_half"]

_LEAST_STRIDE = 3.0
"""Between two elements of what is read in half precision lie at least so many pixels."""

_ALL = range(1 << 31)

_HALF: dict[str, Container[int]] = {
    **dict.fromkeys(
        {"Abs", "Add", "Clip", "Concat", "Conv", "Div", "Elu", "Gemm", "HardSigmoid", "HardSwish"}
        | {"Identity", "LeakyRelu", "MatMul", "Mul", "Neg", "PRelu", "Relu", "Sigmoid", "Sub"}
        | {"Sum", "Tanh"},
        _ALL,
    ),
    **dict.fromkeys(
        {"AveragePool", "Dropout", "Flatten", "Gather", "GlobalMaxPool", "MaxPool", "Reshape"}
        | {"Slice", "Split", "Squeeze", "Transpose", "Unsqueeze"},
        (0,),
    ),
    "Pad": (0, 2),
}
"""The operators that hold in half precision, each with the inputs that are of its element type."""


def in_half(graph: Graph) -> Graph:
    """A graph with the same inputs and outputs that computes in half precision within.

    Parameters
    ----------
    graph : Graph
        A forward graph in float32. It is left as it is.
    """
    return _Halving(graph).made


class _Halving:
    """One walk through a graph.

    A tensor of float32 that has a half bears its own name; its half, if there
    is need of one, bears a new name.
    """

    def __init__(self, graph: Graph) -> None:
        self._source = graph
        self._shapes = Shapes(graph)
        inputs, outputs = dict(graph.inputs), dict(graph.outputs)
        self.made = Graph([], dict(graph.constants), inputs, outputs, dict(graph.metadata))
        self._write = Builder(self.made, "half")
        self._write.reserve(graph.names())
        self._halves: dict[str, str] = {}
        self._wholes = {*graph.inputs, *graph.constants}
        for node in graph.nodes:
            self._rewrite(node)
        for name in graph.outputs:
            self._whole(name)

    def _rewrite(self, node: Node) -> None:
        source = node.input(0)
        if not node.domain and node.op in _HALF and source and self._holds_in_half(source):
            self._append_half(node, _HALF[node.op])
        else:
            self._append_whole(node)

    def _append_half(self, node: Node, places: Container[int]) -> None:
        inputs = [
            self._half(name) if name and place in places else name
            for place, name in enumerate(node.inputs)
        ]
        outputs = [self._new_half(name) for name in node.outputs]
        self._append(node, inputs, outputs)

    def _append_whole(self, node: Node) -> None:
        inputs = [self._whole(name) if name else name for name in node.inputs]
        self._append(node, inputs, node.outputs)
        self._wholes.update(node.outputs)

    def _append(self, node: Node, inputs: list[str], outputs: list[str]) -> None:
        attributes = dict(node.attributes)
        self.made.nodes.append(Node(node.op, inputs, outputs, attributes, node.domain, node.name))

    def _half(self, name: str) -> str:
        """The half of a tensor; one that is made where there is none yet."""
        if name not in self._halves:
            value = self._source.constant(name)
            if value is None:
                self._halves[name] = self._write("Cast", name, to=HALF)
            else:
                self._halves[name] = self._constant(value)
        return self._halves[name]

    def _constant(self, value: np.ndarray) -> str:
        """A constant of float16; bounds that it cannot hold become its largest number."""
        most = np.finfo(np.float16).max
        return self._write.constant(np.clip(value, -most, most), np.float16)

    def _new_half(self, name: str) -> str:
        """The name of the half of a tensor, if it is one that has a half."""
        if not self._is_float(name):
            self._wholes.add(name)
            return name
        self._halves[name] = self._write.name("half")
        return self._halves[name]

    def _whole(self, name: str) -> str:
        """A tensor in float32; one that is cast from its half where there is nothing else."""
        if name not in self._wholes:
            self.made.nodes.append(Node("Cast", [self._halves[name]], [name], {"to": FLOAT}))
            self._wholes.add(name)
        return name

    def _holds_in_half(self, name: str) -> bool:
        """Whether half precision is enough for what reads a tensor of float32."""
        return (
            self._is_float(name)
            and name in self._shapes
            and self._shapes.stride(name) >= _LEAST_STRIDE
        )

    def _is_float(self, name: str) -> bool:
        return self._shapes.dtype(name) == np.float32
