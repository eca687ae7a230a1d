"""The accelerated spelling, for the CPU provider of ONNX Runtime.

The gradient operators become compiled ones of the domain ``onnxdream``, and
the convolutions run on blocked tensors from one end of the graph to the other,
so that nothing is reordered on the way: ONNX Runtime lays out convolutions in
blocks by itself, but goes back to plain order wherever it meets an operator
that is not its own.

=========================  ===============================================================
compiled operator          computes
=========================  ===============================================================
``GatedSum``               (g₁ + g₂ + …) where low < y < high, else 0
``MaxPoolGrad``            g, gated by y, moved to the first maximum of each window
``AveragePoolGrad``        g shared out evenly to each window, gated by x
``DepthwiseGrad``          the gradient of a depthwise convolution, gated before and after
``Pointwise``              a 1x1 convolution, added to a shortcut and clipped
``PointwiseGrad``          its gradient, gated before and after, added to other gradients
``Winograd``               a 3x3 convolution by minimal filtering, added to a shortcut and
                           clipped
``WinogradGrad``           its gradient, gated before and after, added to other gradients
``ExpandedDepthwise``      a 1x1 and a depthwise convolution, nothing stored between them
``ExpandedDepthwiseGrad``  the gradient of both
``Interleave``             the phases of a strided convolution's gradient, gated by x
``PixelShuffle``           the same from one blocked tensor to a plain one
``LRNGrad``                the gradient of local response normalization
=========================  ===============================================================

and ``Jitter``, ``Unjitter``, ``Blur`` and ``Ascend``, the step around them.
What they cannot take is spelled as in the portable lowering.
"""

from __future__ import annotations

from ...graph import DOMAIN, Graph, Node, cut
from ..portable import PORTABLE
from .backward import BACKWARD
from .forward import FORWARD
from .layout import BLOCKED_DOMAIN, Layout
from .plain import PLAIN

__all__ = ["BLOCKED_DOMAIN", "accelerated"]

_REWRITES = {**FORWARD, **BACKWARD}

_COMPILED = frozenset({"LRNGrad", "Jitter", "Unjitter", "Blur", "Ascend"})

_KEEP_ONE = frozenset(
    {"Add", "Cast", "CastLike", "Div", "Identity", "Mul", "Neg", "Sub", "Sum"}
    | {"Reshape", "Squeeze", "Unsqueeze"}
)
"""Operators that make one element of one element; the last row has a shape or
axes as a second input."""


def accelerated(graph: Graph, block: int) -> Graph:
    """Spell a graph for the CPU provider.

    Parameters
    ----------
    graph : Graph
        It is left as it is.
    block : int
        How many channels ONNX Runtime puts in a block on this machine; 1 if it
        has no blocked convolutions here.
    """
    at = Layout(graph.copy(), block)
    rewrites = _REWRITES if block > 1 else {}
    for node in at.source.nodes:
        if id(node) in at.done:
            continue
        rewrite = (
            None if node.domain not in ("", DOMAIN) or _in_half(node) else rewrites.get(node.op)
        )
        if rewrite is None or not rewrite(at, node):
            _copy(at, node)
    for name, tensor in at.source.outputs.items():
        made = at.plain(name)
        if made != name:
            at.write.call_output(made, name, tensor)
    return cut(at.graph, at.graph.outputs)


def _in_half(node: Node) -> bool:
    """Whether a gradient operator is on float16, which the compiled ones are not."""
    return bool(node.integer("half", 0))


def _copy(at: Layout, node: Node) -> None:
    """Append a node on tensors in plain order."""
    data = node.inputs[:1] if node.op in ("Reshape", "Squeeze", "Unsqueeze") else node.inputs
    if node.op in _KEEP_ONE and all(map(at.is_single, data)):
        at.mark_single(node.outputs[0])
    # Of x and y, the gradient of a convolution needs the height and width only.
    sizes = (2, 3) if node.op == "ConvGrad" else ()
    node.inputs = [
        name and (at.sized_like(name) if index in sizes else at.plain(name))
        for index, name in enumerate(node.inputs)
    ]
    spelling = PORTABLE.get(node.op) if _in_half(node) else PLAIN.get(node.op)
    compiled = node.op in _COMPILED and not _in_half(node)
    if node.domain != DOMAIN or compiled or spelling is None:
        at.write.copy(node)
        return
    for name, made in zip(node.outputs, spelling(at.write, node), strict=True):
        at.set_plain(name, made)
