"""Gates: the gradient of an activation that is flat outside its bounds.

They have two spellings. A product with a huge number, clipped to 0 … 1, is by
far the fastest on the CPU. A comparison and a choice take fewer passes over
memory, and hold in float16, where the huge number would be infinite.
"""

from __future__ import annotations

from ...graph import Node
from ..table import Spellings, Writer, element_type

__all__ = ["CHOOSING", "SPELLINGS"]


def _relu_grad(w: Writer, node: Node) -> list[str]:
    if node.integer("half", 0):
        return _choosing_relu_grad(w, node)
    y, g = node.inputs
    return [w("Mul", g, w.positive(y))]


def _clip_grad(w: Writer, node: Node) -> list[str]:
    if node.integer("half", 0):
        return _choosing_clip_grad(w, node)
    y, g = node.inputs[:2]
    low, high = node.input(2), node.input(3)
    if low is not None:
        g = w("Mul", g, w.positive(w("Sub", y, low)))
    if high is not None:
        g = w("Mul", g, w.positive(w("Sub", high, y)))
    return [g]


def _choosing_relu_grad(w: Writer, node: Node) -> list[str]:
    y, g = node.inputs
    zero = w.constant(0, element_type(node))
    return [w("Where", w("Greater", y, zero), g, zero)]


def _choosing_clip_grad(w: Writer, node: Node) -> list[str]:
    y, g = node.inputs[:2]
    low, high = node.input(2), node.input(3)
    inside = [w("Greater", y, low)] if low is not None else []
    inside += [w("Less", y, high)] if high is not None else []
    if not inside:
        return [g]
    both = w("And", *inside) if len(inside) == 2 else inside[0]
    return [w("Where", both, g, w.constant(0, element_type(node)))]


SPELLINGS: Spellings = {"ReluGrad": _relu_grad, "ClipGrad": _clip_grad}

CHOOSING: Spellings = {"ReluGrad": _choosing_relu_grad, "ClipGrad": _choosing_clip_grad}
"""The spelling by comparison and choice."""
