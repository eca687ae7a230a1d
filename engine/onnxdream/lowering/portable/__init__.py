"""The portable spelling: standard operators only.

It is what files contain and what every provider runs. A few operators are
spelled otherwise for a device that is no CPU; see `on_device`.

===================  ==========================================================
operator             spelled
===================  ==========================================================
``ReluGrad``         g · clip(y · huge, 0, 1)
``ClipGrad``         g · clip((y − low) · huge, 0, 1) · clip((high − y) · huge, 0, 1)
``ConvGrad``         a convolution with the kernel turned around, where the
                     stride is 1, and a transposed convolution otherwise
``MaxPoolGrad``      MaxPool's own indices, and a scatter that adds
``AveragePoolGrad``  an average pool or a transposed convolution of the shares
``LRNGrad``          g · d^−β − 2αβ/n · x · Σ g · x · d^(−β−1)
``Jitter``           two Gathers, a transpose, a scale and a shift
``Unjitter``         the same, backwards
``Blur``             an edge Pad and two convolutions
``Ascend``           x + g · step / mean|g|, clipped to 0 … 1
===================  ==========================================================
"""

from __future__ import annotations

from ...graph import DOMAIN, Graph, Node
from ..table import Spellings, Writer, spell
from . import activations, convolution, normalization, ordered, pooling, step

__all__ = ["PORTABLE", "on_device", "portable"]

PORTABLE: Spellings = {
    **activations.SPELLINGS,
    **convolution.SPELLINGS,
    **normalization.SPELLINGS,
    **pooling.SPELLINGS,
    **step.SPELLINGS,
}
"""How each operator of the domain ``onnxdream`` is spelled."""


def portable(graph: Graph) -> Graph:
    """Spell a graph in standard operators."""
    return spell(graph, DOMAIN, PORTABLE)


def on_device(graph: Graph, in_order: bool = False) -> Graph:
    """Spell a graph in standard operators for a device that is no CPU.

    Gates compare and choose, which takes fewer passes over memory than the
    product that is the fastest on the CPU. The number of elements of a tensor
    is computed from its shape: ONNX Runtime folds that away where sizes are
    known, and the operator Size it never does, but runs it on the CPU.

    Parameters
    ----------
    graph : Graph
        It is left as it is.
    in_order : bool
        Whether MaxPoolGrad makes do without a scatter, whose sums have no
        order where many threads run it.
    """
    table = PORTABLE | activations.CHOOSING | (ordered.ORDERED if in_order else {})
    return spell(spell(graph, DOMAIN, table), "", {"Size": _size})


def _size(w: Writer, node: Node) -> list[str]:
    return [w("ReduceProd", w.shape(node.inputs[0]), keepdims=0)]
