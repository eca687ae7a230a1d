"""A graph as plain Python: what the rest of the package works on instead of protobufs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

__all__ = ["DOMAIN", "FLOAT", "HALF", "PREFIX", "Attribute", "Graph", "Node", "Tensor", "rename"]

DOMAIN = "onnxdream"
"""The operator domain of the gradient operators that a lowering spells out or compiles."""

PREFIX = "onnxdream/"
"""Every tensor that onnxdream adds to a graph begins with this; no layer does."""

FLOAT, HALF = 1, 10
"""How the attribute ``to`` of Cast spells float32 and float16."""

Attribute = int | float | str | list[int] | list[float] | list[str] | np.ndarray | object
"""What an attribute holds; protobufs of rarer kinds are carried through unread."""


@dataclass
class Node:
    """One operator application.

    An absent optional input or output has the name ``""``, as in ONNX.
    """

    op: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Attribute] = field(default_factory=dict)
    domain: str = ""
    name: str = ""

    def input(self, index: int) -> str | None:
        """The name of an input, or None where it is absent."""
        return (self.inputs[index] or None) if index < len(self.inputs) else None

    def integers(self, attribute: str, default: list[int]) -> list[int]:
        """An attribute that is a list of integers."""
        value = self.attributes.get(attribute, default)
        assert isinstance(value, list)
        return [int(v) for v in value]

    def integer(self, attribute: str, default: int) -> int:
        """An attribute that is an integer."""
        value = self.attributes.get(attribute, default)
        assert isinstance(value, int)
        return value

    def number(self, attribute: str, default: float) -> float:
        """An attribute that is a number."""
        value = self.attributes.get(attribute, default)
        assert isinstance(value, float | int)
        return value

    def numbers(self, attribute: str) -> list[float]:
        """An attribute that is a list of numbers, and must be there."""
        value = self.attributes[attribute]
        assert isinstance(value, list)
        return [float(v) for v in value]

    def text(self, attribute: str, default: str) -> str:
        """An attribute that is a string."""
        return str(self.attributes.get(attribute, default))

    def __str__(self) -> str:
        kind = f"{self.domain}.{self.op}" if self.domain else self.op
        return f"{kind} {(self.name or self.outputs[0])!r}"


@dataclass(frozen=True)
class Tensor:
    """The element type and shape of a graph's input or output.

    A dimension is a number, or a symbol such as ``"H"``; a shape of None is unknown.
    """

    dtype: np.dtype[np.generic]
    shape: tuple[int | str, ...] | None


@dataclass
class Graph:
    """Nodes in topological order, with what flows in and out.

    ``constants`` holds the weights. A name in both ``inputs`` and ``constants``
    is an input with a default value.
    """

    nodes: list[Node]
    constants: dict[str, np.ndarray]
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]
    metadata: dict[str, str] = field(default_factory=dict)

    def copy(self) -> Graph:
        """A graph that can be changed without changing this one; weights are shared."""
        nodes = [
            Node(n.op, list(n.inputs), list(n.outputs), dict(n.attributes), n.domain, n.name)
            for n in self.nodes
        ]
        return Graph(
            nodes,
            dict(self.constants),
            dict(self.inputs),
            dict(self.outputs),
            dict(self.metadata),
        )

    def producers(self) -> dict[str, Node]:
        """For each tensor that a node makes, that node."""
        return {name: node for node in self.nodes for name in node.outputs if name}

    def consumers(self) -> dict[str, list[Node]]:
        """For each tensor that nodes read, those nodes, in order."""
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(node.inputs):
                if name:
                    found.setdefault(name, []).append(node)
        return found

    def names(self) -> Iterator[str]:
        """Every tensor's name."""
        yield from self.inputs
        yield from (name for name in self.constants if name not in self.inputs)
        for node in self.nodes:
            yield from filter(None, node.outputs)

    def constant(self, name: str | None) -> np.ndarray | None:
        """The value of a tensor that cannot change from run to run, or None."""
        if name is None or name in self.inputs:
            return None
        return self.constants.get(name)

    def activations(self) -> list[str]:
        """The tensors that nodes of the network itself make, in order."""
        made = (name for node in self.nodes for name in node.outputs)
        return [name for name in made if name and not name.startswith(PREFIX)]


def rename(nodes: Iterable[Node], names: dict[str, str]) -> None:
    """Rename tensors in place, wherever the nodes mention them."""
    for node in nodes:
        node.inputs = [names.get(name, name) for name in node.inputs]
        node.outputs = [names.get(name, name) for name in node.outputs]
