"""Local response normalization."""

from __future__ import annotations

from ...graph import Node
from ..table import Spellings, Writer

__all__ = ["SPELLINGS"]


def _lrn_grad(w: Writer, node: Node) -> list[str]:
    """The window over channels is an average pool over the axis of channels."""
    x, g = node.inputs
    size = node.integer("size", 1)
    alpha, beta = node.number("alpha", 1e-4), node.number("beta", 0.75)
    before, after = (size - 1) // 2, size // 2
    squares = _channel_sums(w, w("Mul", x, x), size, before, after)
    scaled = w("Mul", squares, w.constant(alpha / size))
    d = w("Add", scaled, w.constant(node.number("bias", 1.0)))
    own = w("Mul", g, w("Pow", d, w.constant(-beta)))
    # The window of whatever reads an element is the element's own, mirrored.
    crossed = _channel_sums(w, w("Div", w("Mul", own, x), d), size, after, before)
    others = w("Mul", w("Mul", x, crossed), w.constant(2 * alpha * beta / size))
    return [w("Sub", own, others)]


def _channel_sums(w: Writer, x: str, size: int, before: int, after: int) -> str:
    columns = w("Unsqueeze", w("Reshape", x, w.ints(0, 0, -1)), w.ints(1))
    averages = w(
        "AveragePool",
        columns,
        kernel_shape=[size, 1],
        pads=[before, 0, after, 0],
        count_include_pad=1,
    )
    return w("Reshape", w("Mul", averages, w.constant(size)), w.shape(x))


SPELLINGS: Spellings = {"LRNGrad": _lrn_grad}
