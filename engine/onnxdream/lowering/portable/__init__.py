"""The portable spelling: standard operators only.

It is what files contain and what every provider runs.

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

from ...graph import DOMAIN, Graph
from ..table import Spellings, spell
from . import activations, convolution, normalization, pooling, step

__all__ = ["PORTABLE", "portable"]

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
