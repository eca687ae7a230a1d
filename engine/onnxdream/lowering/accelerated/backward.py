"""The backward pass, on blocked tensors.

A gate (the gradient of Relu or Clip) is pushed into the operator before it
where that visits every element anyway, and into the compiled convolution
behind it. It passes through pooling: an element that is the maximum of its window is
within bounds exactly if the maximum is. A sum of gradients is taken along by
the convolutions that make its terms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from math import prod

import numpy as np

from ...graph import DOMAIN, Node
from ..windows import Windows, windows_of
from .convolutions import is_compiled, is_depthwise
from .dense import Target, dense_grad
from .gates import GATES, Gate, PendingGate, gate_of
from .layout import Layout, Part, Rewrite
from .mobile import expanded_depthwise_grad
from .plain import pool_attributes
from .sizes import size_of
from .weights import blocked, blocked_outputs, phases, stacked_phases, turned

__all__ = ["BACKWARD"]

_SUMS = ("Add", "Sum")

_MOST_TERMS = 8
"""As many gradients GatedSum adds up."""

_MOST_PHASES = 64
"""As many as Interleave takes. Each is a convolution, and more do not pay either."""


def _gate(at: Layout, node: Node) -> bool:
    y, g = node.inputs[:2]
    output, gate = node.outputs[0], gate_of(at.source, node)
    terms = at.sums.get(g, [g])
    aligned = at.aligned([y, *terms])
    if gate is None or aligned is None:
        return False
    reader = at.only_reader(output)
    expansion = at.expansions.get(id(reader))
    if len(terms) == 1 and expansion is not None and expansion.output == y:
        at.set_parts(output, aligned[1])
        return True
    if len(terms) == 1 and reader is not None and _takes_gate(at, reader, y, g):
        at.gates[output] = PendingGate(y, g, gate)
        return True
    made = []
    for slices in zip(*aligned, strict=True):
        names = [part.name for part in slices]
        name = at.write("GatedSum", *names, domain=DOMAIN, **gate._asdict())
        made.append(replace(slices[0], name=name))
    at.set_parts(output, made)
    return True


def _gate_behind(at: Layout, output: str, x: str) -> tuple[str, Gate]:
    """The gate on x that a gradient of x goes through next, taken along."""
    reader = at.only_reader(output)
    if reader is None or reader.op not in GATES or reader.inputs[0] != x:
        return output, Gate()
    if id(at.only_reader(reader.outputs[0])) in at.expansions:
        # Which knows the gate by its marks.
        return output, Gate()
    gate = gate_of(at.source, reader)
    if gate is None:
        return output, Gate()
    at.done.add(id(reader))
    return reader.outputs[0], gate


def _sum(at: Layout, node: Node) -> bool:
    output = node.outputs[0]
    convs = [at.convs.pop(name) for name in node.inputs if name in at.convs]
    made = {conv.outputs[0] for conv in convs}
    ready = [name for name in node.inputs if name not in made]
    aligned = at.congruent([*ready, *(conv.inputs[2] for conv in convs)])
    if aligned is None:
        for conv in convs:
            at.set_parts(conv.outputs[0], _turned_conv(at, conv))
        aligned = at.congruent(node.inputs)
        if aligned is None:
            return False
        ready, convs = list(node.inputs), []
    if not convs and _gate_adds(at, output, ready):
        at.sums[output] = ready
        at.set_parts(output, aligned[0])
        return True
    total = _added(at, aligned[: len(ready)]) if ready else None
    # The last of them may gate the sum.
    convs.sort(key=partial(_is_compiled_grad, at))
    for conv in convs[:-1]:
        total = _turned_conv(at, conv, total)
    if convs:
        output, total = _gated_conv(at, convs[-1], output, total)
    assert total is not None
    at.set_parts(output, total)
    return True


def _gate_adds(at: Layout, output: str, terms: Sequence[str]) -> bool:
    """Whether the gate behind a sum will add up its terms."""
    reader = at.only_reader(output)
    if reader is None or reader.op not in GATES or reader.inputs[1] != output:
        return False
    known = gate_of(at.source, reader) is not None
    return known and len(terms) <= _MOST_TERMS and bool(at.aligned([reader.inputs[0], *terms]))


def _added(at: Layout, aligned: Sequence[Sequence[Part]]) -> list[Part]:
    """The sum of tensors, part by part."""
    if len(aligned) == 1:
        return list(aligned[0])
    return [
        replace(slices[0], name=at.write("Sum", *(part.name for part in slices)))
        for slices in zip(*aligned, strict=True)
    ]


def _conv_grad(at: Layout, node: Node) -> bool:
    name, g, x = node.inputs[:3]
    expansion = at.expansions.get(id(node))
    if expansion is not None and g == expansion.g:
        # The convolution before takes this one along.
        return True
    weight = at.constant(name)
    if weight is None or weight.dtype != np.float32:
        return False
    windows = windows_of(node)
    if is_depthwise(node, weight):
        return _depthwise_grad(at, node, weight)
    if node.integer("group", 1) != 1:
        return False
    if expansion is None and at.blocked_input(at.pending(g).g, len(weight)) is None:
        return False
    if windows.strides != [1, 1]:
        if windows.dilations != [1, 1] or prod(windows.strides) > _MOST_PHASES:
            return False
        return _strided_grad(at, node, weight, windows)
    if min(windows.turned_pads) < 0:
        return False
    output = node.outputs[0]
    reader = at.only_reader(output)
    if at.parts(x) is not None and reader is not None and reader.op in _SUMS:
        at.convs[output] = node
        return True
    output, made = _gated_conv(at, node, output)
    at.set_parts(output, made)
    return True


def _is_compiled_grad(at: Layout, node: Node) -> bool:
    """Whether a node is the gradient of a convolution that a compiled operator makes."""
    if node.op != "ConvGrad" or id(node) in at.expansions or at.parts(node.inputs[2]) is None:
        return False
    weight = at.constant(node.inputs[0])
    return weight is not None and weight.dtype == np.float32 and is_compiled(node, weight, at.block)


def _gated_conv(
    at: Layout, node: Node, output: str, total: Sequence[Part] | None = None
) -> tuple[str, list[Part]]:
    """The same as _turned_conv, gated if it can be, and the name of what that has become."""
    gate = Gate()
    if _is_compiled_grad(at, node):
        output, gate = _gate_behind(at, output, node.inputs[2])
    return output, _turned_conv(at, node, total, gate)


def _turned_conv(
    at: Layout, node: Node, total: Sequence[Part] | None = None, gate: Gate | None = None
) -> list[Part]:
    """The gradient of a convolution of stride 1, added to what is given, then gated by x."""
    if id(node) in at.expansions:
        return expanded_depthwise_grad(at, at.expansions[id(node)], total)
    name, g, x = node.inputs[:3]
    weight = at.constant(name)
    assert weight is not None
    windows = windows_of(node)
    parts = at.parts(x)
    made = []
    for position, (channels, columns) in enumerate(_channels(at, x, weight.shape[1])):
        start = total[position].name if total else None
        kernel = turned(weight[:, columns])
        if parts and _is_compiled_grad(at, node):
            target = Target(parts[position], gate or Gate(), start)
            name = dense_grad(at, at.pending(g), kernel, windows.turned_pads, target)
        else:
            name = _conv_of_parts(at, g, kernel, windows.turned_pads, windows.dilations, start)
        size = parts[position].size if parts else size_of(x)
        made.append(Part(name, channels, size))
    return made


def _conv_of_parts(
    at: Layout,
    g: str,
    kernel: np.ndarray,
    pads: list[int],
    dilations: list[int],
    total: str | None = None,
) -> str:
    """Convolve all parts of a gradient and add up."""
    parts = at.parts(g)
    assert parts is not None
    start = 0
    for part in parts:
        here = slice(start, start := start + part.channels)
        weight = at.write.constant(blocked(kernel[:, here], at.block))
        total = at.on_blocks(
            "Conv",
            part.name,
            weight,
            None,
            total,
            kernel_shape=list(kernel.shape[2:]),
            dilations=dilations,
            pads=pads,
        )
    assert total is not None
    return total


def _channels(at: Layout, x: str, channels: int) -> list[tuple[int, slice]]:
    """The channels of each part of x: how many, and which of all."""
    parts = at.parts(x)
    counts = [channels] if parts is None else [part.channels for part in parts]
    ends = np.cumsum(counts).tolist()
    return [(count, slice(end - count, end)) for count, end in zip(counts, ends, strict=True)]


def _strided_grad(at: Layout, node: Node, weight: np.ndarray, windows: Windows) -> bool:
    """A convolution for each place within the stride, and a shuffle that interleaves them.

    Each phase reaches from the first padded element to beyond the last element
    that any window of the convolution can have read.
    """
    g, x = node.inputs[1:3]
    geometry = {k: v for k, v in node.attributes.items() if k in _GEOMETRY}
    one = [1, 1]
    if at.parts(x) is None:
        inputs = weight.shape[1]
        kernel = stacked_phases(weight, windows.strides)
        made = _conv_of_parts(at, g, kernel, _phase_pads(kernel, windows, (0, 0)), one)
        shuffled = at.write(
            "PixelShuffle",
            at.sized_like(x),
            made,
            domain=DOMAIN,
            channels=inputs,
            block=at.block,
            **geometry,
        )
        at.set_plain(node.outputs[0], shuffled)
        return True
    output, gate = _gate_behind(at, node.outputs[0], x)
    made_parts = []
    for part, (_, columns) in zip(
        at.parts(x) or [], _channels(at, x, weight.shape[1]), strict=True
    ):
        pieces = []
        places = product(*(range(s) for s in windows.strides))
        for place, kernel in zip(places, phases(weight[:, columns], windows.strides), strict=True):
            if kernel.size:
                pads = _phase_pads(kernel, windows, place)
                pieces.append(_conv_of_parts(at, g, kernel, pads, one))
            else:
                pieces.append(at.write.constant(np.zeros((1, 0, 1, 1))))
        attributes = gate._asdict() | geometry | {"block": at.block}
        name = at.write("Interleave", part.name, *pieces, domain=DOMAIN, **attributes)
        made_parts.append(replace(part, name=name))
    at.set_parts(output, made_parts)
    return True


def _phase_pads(kernel: np.ndarray, windows: Windows, place: tuple[int, ...]) -> list[int]:
    before = [extent - 1 for extent in kernel.shape[2:]]
    after = [
        (extent + stride - 1 - p + stride - 1) // stride - 1
        for extent, stride, p in zip(windows.extents, windows.strides, place, strict=True)
    ]
    return before + after


def _is_depthwise_grad(at: Layout, node: Node) -> bool:
    """Whether a node is a depthwise ConvGrad that the compiled operator can take."""
    if node.op != "ConvGrad":
        return False
    weight = at.constant(node.inputs[0])
    if weight is None or not is_depthwise(node, weight):
        return False
    return node.integers("dilations", [1, 1]) == [1, 1]


def _takes_gate(at: Layout, node: Node, y: str, g: str) -> bool:
    """Whether a node will gate the gradient that it reads."""
    if _is_compiled_grad(at, node):
        return True
    return _is_depthwise_grad(at, node) and at.aligned([g, y, node.inputs[2]]) is not None


def _depthwise_grad(at: Layout, node: Node, weight: np.ndarray) -> bool:
    name, g, x = node.inputs[:3]
    pending = at.pending(g)
    aligned = at.aligned([pending.g, pending.y, x])
    if not _is_depthwise_grad(at, node) or aligned is None:
        return False
    output, gate = _gate_behind(at, node.outputs[0], x)
    attributes = {k: v for k, v in node.attributes.items() if k in _GEOMETRY} | {
        "block": at.block,
        "gate_low": pending.gate.low,
        "gate_high": pending.gate.high,
        **gate._asdict(),
    }
    made = []
    columns = [columns for _, columns in _channels(at, x, weight.shape[0])]
    for (incoming, y, source), here in zip(zip(*aligned, strict=True), columns, strict=True):
        kernel = at.write.constant(blocked_outputs(weight[here], at.block))
        operands = incoming.name, y.name, kernel, source.name
        name = at.write("DepthwiseGrad", *operands, domain=DOMAIN, **attributes)
        made.append(replace(source, name=name))
    at.set_parts(output, made)
    return True


def _max_pool_grad(at: Layout, node: Node) -> bool:
    return _pool_grad(at, node, node.inputs)


def _average_pool_grad(at: Layout, node: Node) -> bool:
    return _pool_grad(at, node, [node.inputs[0], node.inputs[2]])


def _pool_grad(at: Layout, node: Node, operands: Sequence[str]) -> bool:
    aligned = at.aligned(operands)
    if aligned is None:
        return False
    output, gate = _gate_behind(at, node.outputs[0], node.inputs[0])
    attributes = pool_attributes(node) | gate._asdict() | {"block": at.block}
    made = []
    for slices in zip(*aligned, strict=True):
        names = [part.name for part in slices]
        name = at.write(node.op, *names, domain=DOMAIN, **attributes)
        made.append(replace(slices[0], name=name))
    at.set_parts(output, made)
    return True


_GEOMETRY = ("kernel_shape", "strides", "pads", "auto_pad")

BACKWARD: dict[str, Rewrite] = {
    "ReluGrad": _gate,
    "ClipGrad": _gate,
    "Add": _sum,
    "Sum": _sum,
    "ConvGrad": _conv_grad,
    "MaxPoolGrad": _max_pool_grad,
    "AveragePoolGrad": _average_pool_grad,
}
"""For each operator, what rewrites it on blocked tensors, or says that it cannot."""
