"""The network itself, on blocked tensors.

A convolution takes the activation behind it along, and the sum with a shortcut.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...graph import Attribute, Node
from ..windows import windows_of
from .activation import activation_behind
from .convolutions import is_compiled, is_depthwise
from .dense import dense
from .gates import Gate
from .layout import Layout, Part, Rewrite
from .mobile import expanded_depthwise
from .sizes import Size, size_of, size_through
from .weights import blocked, blocked_outputs, padded

__all__ = ["FORWARD"]


def _conv(at: Layout, node: Node) -> bool:
    x = node.inputs[0]
    weight, bias = at.constant(node.input(1)), at.constant(node.input(2))
    if weight is None or weight.ndim != 4 or (node.input(2) and bias is None):
        return False
    if weight.dtype != np.float32:
        return False
    node = replace(node, attributes=node.attributes | {"kernel_shape": list(weight.shape[2:])})
    if bias is None:
        bias = np.zeros(len(weight), np.float32)
    if node.integer("group", 1) == 1:
        return expanded_depthwise(at, node) or _dense_conv(at, node, x, weight, bias)
    if is_depthwise(node, weight):
        return _depthwise_conv(at, node, x, weight, bias)
    return _grouped_conv(at, node, x, weight, bias)


def _dense_conv(at: Layout, node: Node, x: str, weight: np.ndarray, bias: np.ndarray) -> bool:
    outputs, inputs = weight.shape[:2]
    block = at.block
    if at.parts(x) is None and inputs < block:
        # So few channels are read as they lie.
        operands, lay_out = [(at.plain(x), weight)], blocked_outputs
        size = size_through(size_of(x), node)
    else:
        parts = at.blocked_input(x, inputs)
        if parts is None:
            return False
        ends = np.cumsum([part.channels for part in parts])[:-1]
        pieces = np.split(weight, ends, axis=1)
        operands = [(p.name, w) for p, w in zip(parts, pieces, strict=True)]
        lay_out = blocked
        size = size_through(parts[0].size, node)
    output, total = _shortcut(at, node.outputs[0], outputs, size)
    output, bounds, activation = _activation(at, output)
    compiled = at.parts(x) is not None and is_compiled(node, weight, block)
    for position, (source, kernel) in enumerate(operands):
        first, last = position == 0, position == len(operands) - 1
        offset = at.write.constant(padded(bias, 0, block)) if first else None
        if compiled:
            windows, here = windows_of(node), bounds if last else Gate()
            pads = windows.before + windows.after
            total = dense(at, source, kernel, pads, offset, total, here)
        else:
            weights = at.write.constant(lay_out(kernel, block))
            attributes = node.attributes | (activation if last else {})
            total = at.on_blocks("Conv", source, weights, offset, total, **attributes)
    assert total is not None
    at.set_parts(output, [Part(total, outputs, size)], node)
    return True


def _depthwise_conv(at: Layout, node: Node, x: str, weight: np.ndarray, bias: np.ndarray) -> bool:
    parts = at.blocked_input(x, weight.shape[0])
    if parts is None:
        return False
    output, _, activation = _activation(at, node.outputs[0])
    attributes = node.attributes | activation
    made, start = [], 0
    for part in parts:
        here = slice(start, start := start + part.channels)
        kernel = blocked_outputs(weight[here], at.block)
        attributes["group"] = kernel.shape[0]
        offset = at.write.constant(padded(bias[here], 0, at.block))
        name = at.on_blocks("Conv", part.name, at.write.constant(kernel), offset, **attributes)
        made.append(Part(name, part.channels, size_through(part.size, node)))
    at.set_parts(output, made, node)
    return True


def _grouped_conv(at: Layout, node: Node, x: str, weight: np.ndarray, bias: np.ndarray) -> bool:
    group = node.integer("group", 1)
    outputs, inputs = weight.shape[:2]
    parts = at.blocked_input(x, inputs * group)
    if parts is None or len(parts) != 1 or inputs % at.block or (outputs // group) % at.block:
        return False
    output, _, activation = _activation(at, node.outputs[0])
    attributes = node.attributes | activation
    operands = at.write.constant(blocked(weight, at.block)), at.write.constant(bias)
    made = at.on_blocks("Conv", parts[0].name, *operands, **attributes)
    at.set_parts(output, [Part(made, outputs, size_through(parts[0].size, node))], node)
    return True


def _shortcut(at: Layout, output: str, channels: int, size: Size) -> tuple[str, str | None]:
    """What is added to a convolution's output, if it is there already."""
    reader = at.only_reader(output)
    if reader is None or reader.op != "Add":
        return output, None
    other = reader.inputs[1 - reader.inputs.index(output)]
    parts = at.parts(other)
    if parts is None or [(p.channels, p.size) for p in parts] != [(channels, size)]:
        return output, None
    at.done.add(id(reader))
    return reader.outputs[0], parts[0].name


def _activation(at: Layout, output: str) -> tuple[str, Gate, dict[str, Attribute]]:
    """The activation behind a convolution, taken along: its bounds, and how ORT is told."""
    found = activation_behind(at, output)
    if found is None:
        return output, Gate(), {}
    at.done.add(id(found.node))
    return found.node.outputs[0], found.bounds, found.attributes


def _pool(at: Layout, node: Node) -> bool:
    parts = at.parts(node.inputs[0])
    if parts is None or any(node.outputs[1:]):
        return False
    if node.integer("ceil_mode", 0) and node.integer("count_include_pad", 0):
        # ONNX Runtime counts here what lies beyond the padding, too.
        return False
    known = {k: v for k, v in node.attributes.items() if k != "storage_order"}
    made = [
        Part(at.on_blocks(node.op, p.name, **known), p.channels, size_through(p.size, node))
        for p in parts
    ]
    at.set_parts(node.outputs[0], made)
    return True


def _elementwise(at: Layout, node: Node) -> bool:
    """Operators that leave zero at zero, on tensors of one shape or one and a number."""
    names = [name for name in node.inputs if name]
    tensors = [name for name in names if not at.is_single(name)]
    shifted = node.op == "Sub" and len(tensors) < len(names)
    aligned = at.congruent(tensors)
    if not aligned or shifted or (node.op == "Clip" and not _keeps_zero(at, node)):
        return False
    made = []
    for slices in zip(*aligned, strict=True):
        names_here = dict(zip(tensors, (part.name for part in slices), strict=True))
        inputs = [names_here.get(n) or (n and at.plain(n)) for n in node.inputs]
        name = at.write(node.op, *inputs, domain=node.domain, **node.attributes)
        made.append(replace(slices[0], name=name))
    at.set_parts(node.outputs[0], made)
    return True


def _keeps_zero(at: Layout, node: Node) -> bool:
    low, high = at.number(node.input(1), -1.0), at.number(node.input(2), 1.0)
    return low is not None and high is not None and low <= 0 <= high


def _same(at: Layout, node: Node) -> bool:
    parts = at.parts(node.inputs[0])
    if parts is None or any(node.outputs[1:]):
        return False
    at.set_parts(node.outputs[0], parts)
    return True


def _concat(at: Layout, node: Node) -> bool:
    lists = [at.parts(name) for name in node.inputs]
    known = [parts for parts in lists if parts is not None]
    if node.integer("axis", 0) not in (1, -3) or len(known) < len(lists):
        return False
    at.set_parts(node.outputs[0], [part for parts in known for part in parts])
    return True


def _split(at: Layout, node: Node) -> bool:
    parts, lengths = at.parts(node.inputs[0]), at.constant(node.input(1))
    if parts is None or lengths is None or node.integer("axis", 0) not in (1, -3):
        return False
    rest = list(parts)
    shares: list[list[Part]] = []
    for length in lengths.tolist():
        share: list[Part] = []
        while rest and sum(p.channels for p in share) < length:
            share.append(rest.pop(0))
        if sum(p.channels for p in share) != length:
            return False
        shares.append(share)
    for name, share in zip(node.outputs, shares, strict=True):
        at.set_parts(name, share)
    return True


def _sum_of_squares(at: Layout, node: Node) -> bool:
    parts = at.parts(node.inputs[0])
    if parts is None or len(node.inputs) > 1 or not node.integer("keepdims", 1):
        return False
    at.mark_single(node.outputs[0])
    sums = [at.write("ReduceSumSquare", part.name, keepdims=1) for part in parts]
    at.set_plain(node.outputs[0], at.write("Sum", *sums))
    return True


def _size(at: Layout, node: Node) -> bool:
    """How many elements a tensor has without those that fill up its blocks."""
    at.mark_single(node.outputs[0])
    parts = at.parts(node.inputs[0])
    if parts is None:
        return False
    channels = sum(part.channels for part in parts)
    filled = -(-parts[0].channels // at.block) * at.block
    size = at.write("Mul", at.write("Size", parts[0].name), at.write.constant(channels, np.int64))
    made = at.write("Div", size, at.write.constant(filled, np.int64))
    at.set_plain(node.outputs[0], made)
    return True


FORWARD: dict[str, Rewrite] = {
    "Conv": _conv,
    "MaxPool": _pool,
    "AveragePool": _pool,
    "Relu": _elementwise,
    "LeakyRelu": _elementwise,
    "Clip": _elementwise,
    "Tanh": _elementwise,
    "HardSwish": _elementwise,
    "Elu": _elementwise,
    "Abs": _elementwise,
    "Neg": _elementwise,
    "Mul": _elementwise,
    "Sub": _elementwise,
    "Identity": _same,
    "Dropout": _same,
    "Concat": _concat,
    "Split": _split,
    "ReduceSumSquare": _sum_of_squares,
    "Size": _size,
}
"""For each operator, what rewrites it on blocked tensors, or says that it cannot."""
