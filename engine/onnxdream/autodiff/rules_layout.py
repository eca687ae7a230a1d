"""What moves numbers around without changing them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..graph import FLOAT, HALF, Node
from .table import gradient_of
from .tape import Tape

_FLOATS = {FLOAT, HALF, 11, 16}
"""How the attribute ``to`` of Cast spells float32, float16, float64 and bfloat16."""


@gradient_of("Identity")
def identity(t: Tape, node: Node, g: str) -> list[str | None]:
    return [g]


@gradient_of("Dropout")
def dropout(t: Tape, node: Node, g: str, mask: str | None = None) -> list[str | None]:
    """Inference only, where it passes everything."""
    training = t.graph.constant(node.input(2))
    return [g if node.input(2) is None or (training is not None and not training) else None]


@gradient_of("Cast")
def cast(t: Tape, node: Node, g: str) -> list[str | None]:
    """Between floats; nothing flows back through whole numbers."""
    if node.attributes["to"] not in _FLOATS:
        return [t.zeros_like(node.inputs[0])]
    return [t("CastLike", g, node.inputs[0])]


@gradient_of("Reshape", "Flatten", "Squeeze", "Unsqueeze")
def reshape(t: Tape, node: Node, g: str) -> list[str | None]:
    return [t.shaped_as(g, node.inputs[0])]


@gradient_of("Transpose")
def transpose(t: Tape, node: Node, g: str) -> list[str | None]:
    rank = t.shapes.rank(node.inputs[0])
    order = node.integers("perm", list(reversed(range(rank))))
    return [t("Transpose", g, perm=[order.index(axis) for axis in range(rank)])]


@gradient_of("Concat")
def concat(t: Tape, node: Node, g: str) -> list[str | None]:
    axis = node.integer("axis", 1) % t.shapes.rank(node.inputs[0])
    extents = [t.shapes.dims(x)[axis] for x in node.inputs]
    if None in extents:
        lengths = t("Concat", *(t.shape(x, axis) for x in node.inputs), axis=0)
    else:
        lengths = t.ints(*(e for e in extents if e is not None))
    return list(t.many("Split", [g, lengths], len(node.inputs), axis=axis))


@gradient_of("Split")
def split(t: Tape, node: Node, *gradients: str | None) -> list[str | None]:
    axis = node.integer("axis", 0) % t.shapes.rank(node.inputs[0])
    parts = [g or t.zeros_like(part) for part, g in zip(node.outputs, gradients, strict=True)]
    return [t("Concat", *parts, axis=axis)]


@gradient_of("Slice")
def slice_(t: Tape, node: Node, g: str) -> list[str | None]:
    """Undo one axis after the other: slicing the indices tells where each part came from."""
    x = node.inputs[0]
    rank = t.shapes.rank(x)
    count = t.shapes.dims(node.inputs[1])[0]
    # They may be of int32.
    starts, ends = (t("CastLike", bounds, t.ints(0)) for bounds in node.inputs[1:3])
    axes = _ints(t, node.input(3), range(count or 0))
    steps = _ints(t, node.input(4), [1] * len(axes or ()))
    if axes is None or steps is None:
        return [None]
    for position, (axis, step) in enumerate(zip(axes, steps, strict=True)):
        here = t.ints(position), t.ints(position + 1)
        bounds = [t("Slice", starts, *here), t("Slice", ends, *here)]
        indices = t("Slice", t.indices(x, axis % rank), *bounds, t.ints(0), t.ints(step))
        if step == 1:
            g = _pad_back(t, g, indices, x, axis % rank)
        else:
            g = t.add_along(g, indices, x, axis % rank, rank)
    return [g]


@gradient_of("Gather")
def gather(t: Tape, node: Node, g: str) -> list[str | None]:
    """Each slice goes back to where it was taken; the places are known beforehand."""
    x, name = node.inputs
    places = t.graph.constant(name)
    rank = t.shapes.rank(x)
    axis = node.integer("axis", 0) % rank
    extent = t.shapes.dims(x)[axis]
    if places is None or places.ndim > 1 or extent is None:
        return [None]
    if places.ndim == 0:
        g = t("Unsqueeze", g, t.ints(axis))
    indices = t.ints(*(int(place) % extent for place in places.ravel()))
    return [t.add_along(g, indices, x, axis, rank)]


@gradient_of("Pad")
def pad(t: Tape, node: Node, g: str) -> list[str | None]:
    x, pads = node.inputs[:2]
    mode = node.text("mode", "constant")
    rank = t.shapes.rank(x)
    axes = _ints(t, node.input(3), range(rank))
    amounts = _ints(t, pads, ())
    if axes is None or not amounts:
        return [t("Pad", g, t("Neg", pads), None, node.input(3)) if mode == "constant" else None]
    if mode == "constant":
        # Of all axes, as `Builder.padded` does it.
        less = np.zeros((2, rank), np.int64)
        less[:, axes] = np.negative(amounts).reshape(2, -1)
        return [t("Pad", g, t.ints(*less.ravel()))]
    for axis, *ends in zip(axes, amounts, amounts[len(axes) :], strict=False):
        if any(ends):
            indices = t("Pad", t.indices(x, axis % rank), t.ints(*ends), mode=mode)
            g = t.add_along(g, indices, x, axis % rank, rank)
    return [g]


def _ints(t: Tape, name: str | None, default: Iterable[int]) -> list[int] | None:
    """The integers of a constant, or the default where there is no such input."""
    if name is None:
        return list(default)
    value = t.graph.constant(name)
    return None if value is None else [int(v) for v in value.ravel()]


def _pad_back(t: Tape, g: str, indices: str, x: str, axis: int) -> str:
    """Zeros before and after a gradient of consecutive places along an axis."""
    before = t("Slice", indices, t.ints(0), t.ints(1))
    last = t("Slice", indices, t.ints(-1), t.ints(np.iinfo(np.int64).max))
    after = t("Sub", t("Sub", t.shape(x, axis), last), t.ints(1))
    return t.padded(g, before, after, range(axis, axis + 1), t.shapes.rank(x))
