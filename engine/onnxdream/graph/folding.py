"""Fold batch normalizations into the convolutions before them."""

from __future__ import annotations

from collections.abc import Container

import numpy as np

from .ir import PREFIX, Graph, Node

__all__ = ["fold_normalizations"]


def fold_normalizations(graph: Graph, kept: Container[str]) -> None:
    """Scale and shift a convolution's weights instead of what it makes.

    With the statistics m, v and the weights γ, β of a normalization, the
    factor is γ / √(v + ε). It is computed in float64.

    Parameters
    ----------
    graph : Graph
        Changed in place.
    kept : container of str
        Tensors that must stay: the layers.
    """
    producers, consumers = graph.producers(), graph.consumers()
    folded: set[int] = set()
    for node in graph.nodes:
        if node.op != "BatchNormalization" or node.domain or any(node.outputs[1:]):
            continue
        between = node.inputs[0]
        conv = producers.get(between)
        if conv is None or conv.op != "Conv" or conv.domain or between in kept:
            continue
        if len(consumers[between]) > 1 or between in graph.outputs:
            continue
        if _fold(graph, conv, node):
            folded.add(id(node))
            conv.outputs = [node.outputs[0]]
    graph.nodes = [node for node in graph.nodes if id(node) not in folded]


def _fold(graph: Graph, conv: Node, norm: Node) -> bool:
    weight, bias = graph.constant(conv.inputs[1]), graph.constant(conv.input(2))
    statistics = [graph.constant(name) for name in norm.inputs[1:]]
    if weight is None or (conv.input(2) and bias is None) or norm.integer("training_mode", 0):
        return False
    known = [value.astype(np.float64) for value in statistics if value is not None]
    numbers = known if bias is None else [*known, bias]
    if len(known) < len(statistics) or any(value.shape != weight.shape[:1] for value in numbers):
        return False
    scale, shift, mean, variance = known
    # What is infinite or no number comes out as such.
    with np.errstate(all="ignore"):
        factor = scale / np.sqrt(variance + norm.number("epsilon", 1e-5))
        column = factor.reshape(-1, *[1] * (weight.ndim - 1))
        offset = shift - mean * factor
        if bias is not None:
            offset = offset + bias * factor
        made = [value.astype(weight.dtype) for value in (weight * column, offset)]
    names = [f"{PREFIX}folded/{conv.outputs[0]}/{what}" for what in ("weight", "bias")]
    graph.constants |= zip(names, made, strict=True)
    conv.inputs = [conv.inputs[0], *names]
    return True
