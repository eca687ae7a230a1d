"""An onnxdream graph as a PyTorch module: the other side of the comparison.

The module is plain straight-line code over ``torch.nn.functional``, as a person
would write it for speed: symmetric padding is left to the convolution,
asymmetric padding is a constant, and activations and sums are in place wherever
autograd allows it. Batch normalizations that were folded into convolutions stay
folded.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable

import torch
from torch import fx
from torch.nn import functional

from onnxdream.graph import IMAGE, Graph, Node, cut, infer

__all__ = ["torch_module"]

Dims = tuple[int, ...]


def torch_module(graph: Graph, layer: str, size: int) -> fx.GraphModule:
    """Write a network as a PyTorch module.

    Parameters
    ----------
    graph : Graph
        A network's forward pass.
    layer : str
        The tensor that the module returns; nothing behind it is computed.
    size : int
        Height and width of the image, which auto_pad depends on.

    Raises
    ------
    NotImplementedError
        If the graph has an operator that is not known here.
    """
    part = cut(graph, {layer: graph.inputs[IMAGE]})
    writer = _Writer(part, infer(part, size, size))
    for node in part.nodes:
        writer.write(node)
    return writer.module(layer)


class _Writer:
    """Writes the forward of a module, a line a node."""

    def __init__(self, graph: Graph, shapes: dict[str, Dims]) -> None:
        self._constants = graph.constants
        self._shapes = shapes
        self._uses = Counter(name for node in graph.nodes for name in node.inputs)
        self._root = torch.nn.Module()
        self._code = fx.Graph()
        self._values: dict[str, fx.Node] = {IMAGE: self._code.placeholder("image")}
        self._spare: set[str] = set()

    def write(self, node: Node) -> None:
        """Write one node."""
        if node.op not in _WRITERS:
            raise NotImplementedError(f"{node} has no counterpart in PyTorch here.")
        self._values[node.outputs[0]] = _WRITERS[node.op](self, node)
        # Nothing in the backward pass of these asks what they made.
        if node.op in ("Conv", "Add") and self._uses[node.outputs[0]] == 1:
            self._spare.add(node.outputs[0])

    def module(self, output: str) -> fx.GraphModule:
        """Return what was written, in evaluation mode."""
        self._code.output(self._values[output])
        return fx.GraphModule(self._root, self._code).eval()

    def call(self, function: Callable[..., object], *arguments: object, **named: object) -> fx.Node:
        return self._code.call_function(function, arguments, named)

    def value(self, name: str | None) -> fx.Node | None:
        """The value of a tensor; a constant becomes a buffer when it is first asked for."""
        if name is None:
            return None
        if name not in self._values:
            buffer = f"constant{len(list(self._root.buffers()))}"
            self._root.register_buffer(buffer, torch.tensor(self._constants[name]))
            self._values[name] = self._code.get_attr(buffer)
        return self._values[name]

    def is_spare(self, name: str) -> bool:
        """Whether a tensor may be overwritten by the node that reads it."""
        return name in self._spare

    def scalar(self, name: str | None) -> float:
        return self._constants[name].item()

    def pads(self, node: Node) -> tuple[list[int], list[int]]:
        """The padding before and after, over height and width."""
        auto = node.text("auto_pad", "NOTSET")
        if auto in ("NOTSET", "VALID"):
            pads = node.integers("pads", [0, 0, 0, 0])
            return pads[:2], pads[2:]
        kernel = node.integers("kernel_shape", [])
        strides = node.integers("strides", [1, 1])
        dilations = node.integers("dilations", [1, 1])
        extents = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
        sides = zip(self._shapes[node.inputs[0]][2:], strides, extents, strict=True)
        totals = [max((-(-side // s) - 1) * s + e - side, 0) for side, s, e in sides]
        small, large = [t // 2 for t in totals], [t - t // 2 for t in totals]
        return (small, large) if auto == "SAME_UPPER" else (large, small)


def _convolution(w: _Writer, node: Node) -> fx.Node:
    x, weight = w.value(node.inputs[0]), w.value(node.inputs[1])
    (top, left), (bottom, right) = w.pads(node)
    padding = [top, left]
    if (top, left) != (bottom, right):
        x, padding = w.call(functional.pad, x, [left, right, top, bottom]), [0, 0]
    strides, dilations = node.integers("strides", [1, 1]), node.integers("dilations", [1, 1])
    groups = node.integer("group", 1)
    bias = w.value(node.input(2))
    return w.call(functional.conv2d, x, weight, bias, strides, padding, dilations, groups)


def _relu(w: _Writer, node: Node) -> fx.Node:
    name = node.inputs[0]
    return w.call(functional.relu, w.value(name), inplace=w.is_spare(name))


def _clip(w: _Writer, node: Node) -> fx.Node:
    name = node.inputs[0]
    low, high = w.scalar(node.input(1)), w.scalar(node.input(2))
    return w.call(functional.hardtanh, w.value(name), low, high, inplace=w.is_spare(name))


def _add(w: _Writer, node: Node) -> fx.Node:
    # A sum of two spare tensors overwrites the first.
    first, second = sorted(node.inputs, key=w.is_spare, reverse=True)
    function = operator.iadd if w.is_spare(first) else operator.add
    return w.call(function, w.value(first), w.value(second))


def _concat(w: _Writer, node: Node) -> fx.Node:
    return w.call(torch.cat, [w.value(name) for name in node.inputs], node.integer("axis", 1))


def _max_pool(w: _Writer, node: Node) -> fx.Node:
    return _pool(w, node, functional.max_pool2d)


def _average_pool(w: _Writer, node: Node) -> fx.Node:
    whole = bool(node.integer("count_include_pad", 0))
    return _pool(w, node, functional.avg_pool2d, count_include_pad=whole)


def _pool(w: _Writer, node: Node, function: Callable[..., object], **named: object) -> fx.Node:
    before, after = w.pads(node)
    if before != after or node.integers("dilations", [1, 1]) != [1, 1]:
        raise NotImplementedError(f"{node} has pads or dilations that PyTorch's pools lack.")
    kernel, strides = node.integers("kernel_shape", []), node.integers("strides", [1, 1])
    ceil = bool(node.integer("ceil_mode", 0))
    x = w.value(node.inputs[0])
    return w.call(function, x, kernel, strides, before, ceil_mode=ceil, **named)


_WRITERS: dict[str, Callable[[_Writer, Node], fx.Node]] = {
    "Add": _add,
    "AveragePool": _average_pool,
    "Clip": _clip,
    "Concat": _concat,
    "Conv": _convolution,
    "MaxPool": _max_pool,
    "Relu": _relu,
}
