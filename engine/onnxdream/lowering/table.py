"""Spell the operators of the domain ``onnxdream`` by a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..graph import Builder, Graph, Node

__all__ = ["Spelling", "Spellings", "element_type", "spell"]

Spelling = Callable[["Writer", Node], Sequence[str]]
"""``spelling(writer, node)`` appends nodes and returns what takes the place of
the node's outputs."""

Spellings = dict[str, Spelling]


class Writer(Builder):
    """A builder that can look at the nodes before it."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph, "lowered")
        self._producers: dict[str, Node] = {}

    def copy(self, node: Node) -> None:
        """Append a node as it is."""
        self.graph.nodes.append(node)
        self._producers.update(dict.fromkeys(filter(None, node.outputs), node))

    def producer(self, name: str) -> Node:
        """The node of the original graph that makes a tensor."""
        return self._producers[name]


def element_type(node: Node) -> type[np.floating[Any]]:
    """The element type of what an operator of the domain ``onnxdream`` reads and makes."""
    return np.float16 if node.integer("half", 0) else np.float32


def spell(graph: Graph, domain: str, spellings: Spellings) -> Graph:
    """Replace every node of a domain that has an entry in the table.

    Parameters
    ----------
    graph : Graph
        It is left as it is.
    domain : str
        The domain whose operators the table is for.
    spellings : mapping of str to Spelling
        The table.
    """
    source = graph.copy()
    lowered = Graph([], source.constants, source.inputs, source.outputs, source.metadata)
    writer = Writer(lowered)
    writer.reserve(source.names())
    names: dict[str, str] = {}
    for node in source.nodes:
        node.inputs = [names.get(name, name) for name in node.inputs]
        if node.domain == domain and node.op in spellings:
            made = spellings[node.op](writer, node)
            names.update(zip(node.outputs, made, strict=True))
        else:
            writer.copy(node)
    for name, tensor in source.outputs.items():
        if name in names:
            writer.call_output(names[name], name, tensor)
    return lowered
