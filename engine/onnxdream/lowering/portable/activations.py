"""Gates: the gradient of an activation that is flat outside its bounds."""

from __future__ import annotations

from ...graph import Node
from ..table import Spellings, Writer

__all__ = ["SPELLINGS"]


def _relu_grad(w: Writer, node: Node) -> list[str]:
    y, g = node.inputs
    return [w("Mul", g, w.positive(y))]


def _clip_grad(w: Writer, node: Node) -> list[str]:
    y, g = node.inputs[:2]
    low, high = node.input(2), node.input(3)
    if low is not None:
        g = w("Mul", g, w.positive(w("Sub", y, low)))
    if high is not None:
        g = w("Mul", g, w.positive(w("Sub", high, y)))
    return [g]


SPELLINGS: Spellings = {"ReluGrad": _relu_grad, "ClipGrad": _clip_grad}
