"""Gates: the gradient of an activation that is flat outside its bounds."""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from ...graph import Graph, Node

__all__ = ["GATES", "Gate", "PendingGate", "gate_of", "number"]

GATES = ("ReluGrad", "ClipGrad")
"""The operators that are gates."""


class Gate(NamedTuple):
    """The bounds strictly within which a gradient passes."""

    low: float = -inf
    high: float = inf


class PendingGate(NamedTuple):
    """A gradient g that passes where y is within the gate."""

    y: str
    g: str
    gate: Gate


def gate_of(graph: Graph, node: Node) -> Gate | None:
    """The bounds of a ReluGrad or ClipGrad, if they are constants."""
    if node.op == "ReluGrad":
        return Gate(low=0.0)
    low, high = number(graph, node.input(2), -inf), number(graph, node.input(3), inf)
    return None if low is None or high is None else Gate(low, high)


def number(graph: Graph, name: str | None, absent: float) -> float | None:
    """A constant of one element; `absent` where there is no such input, else None."""
    if name is None:
        return absent
    value = graph.constant(name)
    return float(value.item()) if value is not None and value.size == 1 else None
