"""Keep of a graph only what some of its tensors need."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import NetworkFormatError
from .ir import Graph, Tensor

__all__ = ["cut", "descendants"]

_CONTROL_FLOW = frozenset({"If", "Loop", "Scan", "SequenceMap"})
"""Operators that run graphs of their own, which read tensors they do not name as inputs."""


def cut(graph: Graph, outputs: dict[str, Tensor]) -> Graph:
    """A graph that computes `outputs` and nothing else.

    Parameters
    ----------
    graph : Graph
        It is left as it is; nodes and weights are shared with the result.
    outputs : dict of str to Tensor
        The tensors to compute; they become the outputs of the result.
        Inputs stay as they are, needed or not, but for those with a default.

    Raises
    ------
    NetworkFormatError
        If they need control flow.
    """
    needed = set(outputs)
    kept = []
    for node in reversed(graph.nodes):
        if needed.intersection(node.outputs):
            if node.op in _CONTROL_FLOW and not node.domain:
                raise NetworkFormatError(
                    f"The network has control flow, {node}; choose a layer before it."
                )
            kept.append(node)
            needed.update(filter(None, node.inputs))
    constants = {name: value for name, value in graph.constants.items() if name in needed}
    inputs = {
        name: tensor
        for name, tensor in graph.inputs.items()
        if name in needed or name not in graph.constants
    }
    return Graph(kept[::-1], constants, inputs, dict(outputs), dict(graph.metadata))


def descendants(graph: Graph, source: str, stops: Iterable[str] = ()) -> set[str]:
    """The tensors that depend on `source`, itself included.

    Parameters
    ----------
    graph : Graph
        The graph to look at.
    source : str
        A tensor.
    stops : iterable of str
        Operators through which no dependence is followed.
    """
    found = {source}
    blocked = set(stops)
    for node in graph.nodes:
        if node.op not in blocked and found.intersection(node.inputs):
            found.update(filter(None, node.outputs))
    return found
