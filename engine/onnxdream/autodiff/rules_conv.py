"""Convolution: its gradient has several good spellings, and is left to a lowering."""

from __future__ import annotations

from ..graph import DOMAIN, Node
from .table import gradient_of
from .tape import Tape


@gradient_of("Conv")
def conv(t: Tape, node: Node, g: str) -> list[str | None]:
    x, weight = node.inputs[:2]
    dims = t.shapes.dims(weight)
    if len(dims) != 4 or None in dims:
        return [None]
    attributes = node.attributes | {"kernel_shape": dims[2:], "channels": dims[:2]}
    operands = weight, g, x, node.outputs[0]
    return [t("ConvGrad", *operands, domain=DOMAIN, **attributes)]
