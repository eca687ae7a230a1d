"""Pooling."""

from __future__ import annotations

from ..graph import Node
from .table import gradient_of
from .tape import Tape


@gradient_of("MaxPool")
def max_pool(t: Tape, node: Node, g: str, indices: str | None = None) -> list[str | None]:
    x = node.inputs[0]
    if t.shapes.rank(x) != 4:
        return [None]
    return [t.left("MaxPoolGrad", x, node.outputs[0], g, like=x, **node.attributes)]


@gradient_of("AveragePool")
def average_pool(t: Tape, node: Node, g: str) -> list[str | None]:
    x = node.inputs[0]
    dims = t.shapes.dims(x)
    if len(dims) != 4 or dims[1] is None:
        return [None]
    attributes = node.attributes | {"channels": dims[1]}
    return [t.left("AveragePoolGrad", x, node.outputs[0], g, like=x, **attributes)]


@gradient_of("GlobalAveragePool")
def global_average_pool(t: Tape, node: Node, g: str) -> list[str | None]:
    x = node.inputs[0]
    count = t("Div", t("Size", x), t("Size", node.outputs[0]))
    return [t("Expand", t("Div", g, t("CastLike", count, g)), t.shape(x))]


@gradient_of("GlobalMaxPool")
def global_max_pool(t: Tape, node: Node, g: str) -> list[str | None]:
    """The first maximum of each channel takes the gradient."""
    x = node.inputs[0]
    flat = t("Reshape", x, t.ints(0, 0, -1))
    first = t("ArgMax", flat, axis=2)
    here = t("Equal", t.indices(flat, 2), first)
    spread = t("Where", here, t("Reshape", g, t.ints(0, 0, -1)), t.number(0, x))
    return [t.shaped_as(spread, x)]
