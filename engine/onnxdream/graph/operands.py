"""What an operator's operands must be to each other, beyond what onnx asks of them.

onnx looks at what it needs to tell the shape of the result. ONNX Runtime looks at more, and
refuses the rest; a lowering that lays weights out anew must never get to see it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import prod

from .ir import Node

__all__ = ["fault_of", "padded_elements", "windows_fit"]

Shape = tuple[int, ...]
Check = Callable[[Node, Sequence[Shape | None]], str | None]
"""``check(node, shapes)`` says what is wrong with a node whose inputs have these shapes."""

_LARGEST = 2**31 - 1
"""What a window may count: ONNX Runtime keeps some of it in 32 bits."""


def fault_of(node: Node, shapes: Mapping[str, Shape]) -> str | None:
    """What is wrong with the operands of a node, as the end of a sentence, or None.

    Parameters
    ----------
    node : Node
        A node of the working opset.
    shapes : mapping of str to tuple of int
        The shapes of tensors, as far as they are known.
    """
    checks = () if node.domain else _CHECKS.get(node.op, ())
    found = [shapes.get(name) for name in node.inputs]
    return next(filter(None, (check(node, found) for check in checks)), None)


def windows_fit(node: Node, shapes: Mapping[str, Shape]) -> bool:
    """Whether what a Conv or a pool moves over is as large as its windows.

    Shape inference rounds towards zero where less than one stride is missing,
    and finds one window there; ONNX Runtime refuses to convolve.
    """
    if node.domain or node.op not in _SLIDING:
        return True
    image = shapes.get(node.inputs[0], ())[2:]
    weight = shapes.get(node.inputs[1], ())[2:] if node.op == "Conv" else ()
    kernel = node.integers("kernel_shape", list(weight))
    dilations = node.integers("dilations", [1] * len(kernel))
    auto = node.text("auto_pad", "NOTSET")
    if auto.startswith("SAME"):
        return True
    none = [0] * 2 * len(kernel)
    pads = none if auto == "VALID" else node.integers("pads", none)
    ends = zip(pads, pads[len(kernel) :], strict=False)
    return all(
        (k - 1) * d < extent + before + after
        for k, d, extent, (before, after) in zip(kernel, dilations, image, ends, strict=False)
    )


def padded_elements(node: Node, shapes: Mapping[str, Shape]) -> int:
    """How many elements windows move over, with the padding that a file asks for."""
    shape = shapes.get(node.inputs[0], ()) if node.inputs else ()
    if node.domain or node.op not in _SLIDING or len(shape) < 3:
        return 0
    axes = len(shape) - 2
    pads = node.integers("pads", [0] * 2 * axes)
    ends = zip(shape[2:], pads, pads[axes:], strict=False)
    return prod([*shape[:2], *(extent + before + after for extent, before, after in ends)])


_SLIDING = frozenset({"Conv", "MaxPool", "AveragePool", "LpPool"})


def _windows(node: Node, shapes: Sequence[Shape | None]) -> str | None:
    """Windows over each axis but the first two, none of them without an element."""
    x, weight = (*shapes, None)[:2]
    axes = None if x is None else len(x) - 2
    if axes is not None and axes < 1:
        return f"moves windows over {list(x or ())}"
    kernel = None if weight is None or node.op in _POOLS else list(weight[2:])
    said = {
        "kernel_shape": (1, axes),
        "strides": (1, axes),
        "dilations": (1, axes),
        "pads": (0, None if axes is None else 2 * axes),
    }
    for name, (least, count) in said.items():
        values = node.integers(name, [])
        if name in node.attributes and count is not None and len(values) != count:
            return f"has {len(values)} {name}, where it takes {count}"
        if not all(least <= value <= _LARGEST for value in values):
            return f"has the {name} {values}"
    if kernel is not None and node.integers("kernel_shape", kernel) != kernel:
        return f"has weights of {kernel}, but the kernel_shape {node.integers('kernel_shape', [])}"
    return None


def _same(node: Node, shapes: Sequence[Shape | None]) -> str | None:
    """Padding to the same size, with windows that are far from reaching each other.

    Less than nothing is missing then. ONNX starts at the first element all the same, and
    ONNX Runtime's convolutions in the middle of what is left over.
    """
    weight = shapes[1] if node.op == "Conv" else None
    kernel = node.integers("kernel_shape", list(weight or ())[2:])
    dilations = node.integers("dilations", [1] * len(kernel))
    strides = node.integers("strides", [1] * len(kernel))
    apart = [s - (k - 1) * d - 1 for k, d, s in zip(kernel, dilations, strides, strict=False)]
    if node.text("auto_pad", "NOTSET").startswith("SAME") and max(apart, default=0) > 2:
        return f"pads to the same size with windows of {kernel} that are {strides} apart"
    return None


def _pads_within(node: Node, shapes: Sequence[Shape | None]) -> str | None:
    kernel, pads = node.integers("kernel_shape", []), node.integers("pads", [])
    if any(pad >= k for pad, k in zip(pads, kernel * 2, strict=False)):
        return f"has windows of {kernel} that lie in the pads {pads} altogether"
    return None


def _channels(node: Node, shapes: Sequence[Shape | None]) -> str | None:
    """Those of a Conv: of the image, the weights and the bias."""
    x, weight, bias = (*shapes, None, None)[:3]
    group = node.integer("group", 1)
    if group < 1:
        return f"has {group} groups"
    if weight is None:
        return None
    if len(weight) < 3 or (x is not None and len(x) != len(weight)):
        return f"has weights of shape {list(weight)}"
    outputs, inputs = weight[:2]
    if outputs % group:
        return f"makes {outputs} channels in {group} groups"
    if x is not None and x[1] != inputs * group:
        return f"reads {x[1]} channels with weights for {inputs * group}"
    return _one_for_each(bias, outputs, "bias")


def _of_each_channel(node: Node, shapes: Sequence[Shape | None]) -> str | None:
    """The scale, the shift and the statistics of a BatchNormalization."""
    x, *numbers = shapes
    if x is None or len(x) < 2:
        return None
    faults = (_one_for_each(shape, x[1], "parameter") for shape in numbers)
    return next(filter(None, faults), None)


def _one_for_each(shape: Shape | None, channels: int, what: str) -> str | None:
    if shape is None or shape == (channels,):
        return None
    return f"has a {what} of shape {list(shape)} for {channels} channels"


def _slope(node: Node, shapes: Sequence[Shape | None]) -> str | None:
    """Those of a PRelu: whether they fit along height and width depends on the image."""
    x, slope = shapes[:2]
    if x is None or slope is None:
        return None
    before = len(slope) - min(len(x), 4) + 2
    if len(slope) <= len(x) and _stretches(slope[: max(0, before)], x[:2]):
        return None
    return f"has slopes of shape {list(slope)} for {list(x)}"


def _product(node: Node, shapes: Sequence[Shape | None]) -> str | None:
    """A Gemm: two matrices, and what can be added to their product."""
    a, b, c = (*shapes, None)[:3]
    if a is None or b is None:
        return None
    if len(a) != 2 or len(b) != 2:
        return f"multiplies {list(a)} by {list(b)}"
    rows, inner = a[::-1] if node.integer("transA", 0) else a
    other, columns = b[::-1] if node.integer("transB", 0) else b
    if inner != other:
        return f"multiplies {[rows, inner]} by {[other, columns]}"
    if c is not None and not _stretches(c, (rows, columns)):
        return f"adds {list(c)} to {[rows, columns]}"
    return None


def _stretches(small: Shape, large: Shape) -> bool:
    """Whether a shape can be broadcast to another one."""
    pairs = zip(reversed(small), reversed(large), strict=False)
    return len(small) <= len(large) and all(a in (1, b) for a, b in pairs)


def _size(node: Node, shapes: Sequence[Shape | None]) -> str | None:
    """The window of an LRN over the channels."""
    size, x = node.integer("size", 1), shapes[0]
    if size < 1 or size % 2 == 0:
        return f"has the size {size}, which is to be odd"
    if x is not None and len(x) > 1 and size > 2 * x[1] + 1:
        return f"has the size {size} for {x[1]} channels"
    return None


def _order(node: Node, shapes: Sequence[Shape | None]) -> str | None:
    x, order = shapes[0], node.integers("perm", [])
    if "perm" not in node.attributes or x is None or sorted(order) == list(range(len(x))):
        return None
    return f"has the perm {order} for {list(x)}"


def _parts(node: Node, shapes: Sequence[Shape | None]) -> str | None:
    """Those of a Split: as many as are made."""
    lengths = (*shapes, None)[1]
    count = node.integer("num_outputs", len(node.outputs))
    if count != len(node.outputs) or lengths not in (None, (count,)):
        return f"makes {len(node.outputs)} parts, but is told of {count}"
    return None


def _vectors(first: int) -> Check:
    """Operands that are vectors, all of one length, from some place on."""

    def check(node: Node, shapes: Sequence[Shape | None]) -> str | None:
        known = [shape for shape in shapes[first:] if shape is not None]
        if any(len(shape) != 1 for shape in known) or len(set(known)) > 1:
            return f"has operands of the shapes {[list(shape) for shape in known]}"
        return None

    return check


_POOLS = ("MaxPool", "AveragePool", "LpPool")

_CHECKS: Mapping[str, Iterable[Check]] = {
    "AveragePool": (_windows, _same, _pads_within),
    "BatchNormalization": (_of_each_channel,),
    "Conv": (_windows, _same, _channels),
    "ConvTranspose": (_windows,),
    "Gemm": (_product,),
    "LRN": (_size,),
    "LpPool": (_windows, _pads_within),
    "MaxPool": (_windows, _same, _pads_within),
    "PRelu": (_slope,),
    "Slice": (_vectors(1),),
    "Split": (_parts,),
    "Transpose": (_order,),
}
