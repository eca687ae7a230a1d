"""Assemble a gradient graph: a network's forward pass, an objective, and its backward pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from .autodiff import STOPS, differentiate
from .errors import NetworkFormatError
from .graph import (
    GRADIENT,
    IMAGE,
    LOSS,
    Builder,
    Graph,
    Shapes,
    Tensor,
    cut,
    descendants,
    fold_normalizations,
    in_half,
)
from .objectives import append_loss, append_seed

__all__ = ["gradient_graph"]


def gradient_graph(network: Graph, layers: Mapping[str, float], half: bool = False) -> Graph:
    """The forward and backward pass of a network, as one graph.

    Parameters
    ----------
    network : Graph
        A forward graph whose input is ``image``. It is left as it is.
    layers : mapping of str to float
        The tensors to amplify, each with its weight.
    half : bool
        Compute in half precision, as far as that holds; see `in_half`. What
        goes in and comes out is float32 all the same.

    Returns
    -------
    Graph
        ``image`` [1, 3, H, W] in; ``loss`` and ``gradient`` = d loss / d image
        out. The forward part ends at the deepest layer. A few operators of the
        domain ``onnxdream`` are left for a lowering to spell.

    Raises
    ------
    UnsupportedOperatorError
        If the gradient of an operator is not known.
    NetworkFormatError
        If the layers do not depend on the image or are not of float32, or the
        network takes images of one size only.
    """
    image = network.inputs[IMAGE]
    graph = cut(network.copy(), dict.fromkeys(layers, replace(image, shape=None)))
    fold_normalizations(graph, kept=layers)
    graph.inputs[IMAGE] = replace(image, shape=(1, 3, "H", "W"))
    _check_dependence(graph, layers)
    with _any_size(image):
        # As outputs, layers would be expected to be of float32.
        shapes = Shapes(Graph(graph.nodes, graph.constants, graph.inputs, {}))
    _check_types(shapes, layers)
    with _any_size(image):
        if half:
            graph = in_half(graph)
        graph.outputs = {}
        append_loss(graph, layers)
        seed = append_seed(graph, layers) if half else None
        gradient = differentiate(graph, LOSS, IMAGE, seed)
    b = Builder(graph, "gradient")
    if seed is not None:
        gradient = b("Div", gradient, seed)
    b.call_output(gradient, GRADIENT, graph.inputs[IMAGE])
    return cut(graph, graph.outputs)


@contextmanager
def _any_size(image: Tensor) -> Iterator[None]:
    """Say so where a network only takes images of the size that its file names."""
    try:
        yield
    except NetworkFormatError as error:
        if image.shape is None or not all(isinstance(d, int) for d in image.shape[2:]):
            raise
        height, width = image.shape[2:]
        raise NetworkFormatError(
            f"Up to this layer the network takes images of {width}×{height} only; "
            f"choose an earlier layer. ({error})"
        ) from error


def _check_types(shapes: Shapes, layers: Iterable[str]) -> None:
    for layer in layers:
        kind = shapes.dtype(layer)
        if kind is not None and kind != np.float32:
            raise NetworkFormatError(
                f"The layer {layer!r} is of {kind}, and only float32 can be amplified: choose "
                "another layer, or export the network in float32."
            )


def _check_dependence(graph: Graph, layers: Iterable[str]) -> None:
    dependent = descendants(graph, IMAGE, STOPS)
    for layer in layers:
        if layer not in dependent:
            raise NetworkFormatError(f"The layer {layer!r} does not depend on the image.")
