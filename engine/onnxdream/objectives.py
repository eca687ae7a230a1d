"""What is amplified: a scalar loss appended to a network's graph.

The loss is the sum over layers of weight × mean(activation²), the objective of
google/deepdream (2015), whose gradient with respect to a layer is the layer
itself up to a factor.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .graph import FLOAT, LOSS, PREFIX, Builder, Graph, Tensor

__all__ = ["append_loss", "weight_input"]

_SCALAR = Tensor(np.dtype(np.float32), ())


def weight_input(layer: str) -> str:
    """The name of the graph input that holds a layer's weight, a float32 scalar."""
    return f"{PREFIX}weight/{layer}"


def append_loss(graph: Graph, layers: Mapping[str, float]) -> None:
    """Append ``loss``, the sum over layers of weight × mean(activation²).

    Parameters
    ----------
    graph : Graph
        Changed in place: ``loss`` joins its outputs.
    layers : mapping of str to float
        The tensors to amplify, each with its weight. A weight becomes an input
        with a default, so that it can be changed from run to run.
    """
    b = Builder(graph, "objective")
    terms = []
    for layer, weight in layers.items():
        name = weight_input(layer)
        graph.inputs[name] = _SCALAR
        graph.constants[name] = np.array(weight, np.float32)
        share = b("Div", name, b("Cast", b("Size", layer), to=FLOAT))
        squares = b("ReduceSumSquare", layer, keepdims=1)
        terms.append(b("Reshape", b("Mul", squares, share), b.ints()))
    b.call_output(b("Sum", *terms), LOSS, _SCALAR)
