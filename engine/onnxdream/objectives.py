"""What is amplified: a scalar loss appended to a network's graph.

The loss is the sum over layers of weight × mean(activation²), the objective of
google/deepdream (2015), whose gradient with respect to a layer is the layer
itself up to a factor.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .graph import FLOAT, LOSS, PREFIX, Builder, Graph, Node, Tensor

__all__ = ["append_loss", "append_seed", "term_output", "weight_input"]

_SEED = 0.25
"""The root mean square of the steepest layer's gradient, times the seed: what float16
can hold lies about as many powers of two above it as below."""

_LEAST_SLOPE = 1e-30

_SCALAR = Tensor(np.dtype(np.float32), ())


def weight_input(layer: str) -> str:
    """The name of the graph input that holds a layer's weight, a float32 scalar."""
    return f"{PREFIX}weight/{layer}"


def term_output(layer: str) -> str:
    """The name of the tensor that holds a layer's share of the loss, a float32 scalar."""
    return f"{PREFIX}term/{layer}"


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
        term = term_output(layer)
        graph.nodes.append(Node("Reshape", [b("Mul", squares, share), b.ints()], [term], name=term))
        terms.append(term)
    b.call_output(b("Sum", *terms), LOSS, _SCALAR)


def append_seed(graph: Graph, layers: Mapping[str, float]) -> str:
    """Append a number that brings the gradient of ``loss`` into the range of float16.

    The gradient with respect to a layer of N elements a is 2 · weight · a / N,
    which is far below that range. The number is inverse to the root mean
    square of the steepest of these gradients.

    Parameters
    ----------
    graph : Graph
        What `append_loss` left; changed in place.
    layers : mapping of str to float
        The tensors that are amplified.

    Returns
    -------
    str
        The name of a float32 scalar, finite and above zero.
    """
    b = Builder(graph, "objective")
    slopes = []
    for layer in layers:
        size = b("Cast", b("Size", layer), to=FLOAT)
        magnitude = b("Sqrt", b("Div", b("ReduceSumSquare", layer, keepdims=0), size))
        share = b("Div", weight_input(layer), size)
        slopes.append(b("Abs", b("Mul", b("Mul", share, magnitude), b.constant(2))))
    return b("Div", b.constant(_SEED), b("Max", *slopes, b.constant(_LEAST_SLOPE)))
