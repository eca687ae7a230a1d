"""Reverse-mode differentiation of ONNX graphs.

`differentiate` walks a graph backwards, from a scalar to one of its inputs,
and asks for each node the rule in the table: given the gradient of the node's
output, what are the gradients of its inputs? The answers are nodes appended to
the same graph. It knows nothing of layers or dreams.

Most gradients are spelled in standard operators. A few, whose best spelling
depends on where the graph will run, are left as operators of the domain
``onnxdream`` for a lowering to spell:

===================  ==================  ========================================
operator             inputs              computes
===================  ==================  ========================================
``ReluGrad``         y, g                g where y > 0, else 0
``ClipGrad``         y, g, low, high     g where low < y < high, else 0
``ConvGrad``         w, g, x, y          g convolved back to x, through the weights w
``MaxPoolGrad``      x, y, g             g moved to the first maximum of each window
``AveragePoolGrad``  x, y, g             g shared out evenly to each window
``LRNGrad``          x, g                the gradient of local response normalization
===================  ==================  ========================================

Here x is what an operator read and y what it made. The last four bear the
attributes of the node that they differentiate; ``ConvGrad`` has also
``channels`` = [O, I/group], the weight's, and ``AveragePoolGrad`` has x's. The
attribute ``half`` = 1 marks those whose tensors are of float16.
"""

# Importing the rules enters them into the table.
from . import (  # noqa: F401
    rules_arithmetic,
    rules_conv,
    rules_layout,
    rules_linear,
    rules_pool,
    rules_smooth,
)
from .table import DIFFERENTIABLE, STOPS
from .walk import differentiate, unsupported

__all__ = ["DIFFERENTIABLE", "STOPS", "differentiate", "unsupported"]
