"""The walk backwards through a graph."""

from __future__ import annotations

from ..errors import NetworkFormatError, UnsupportedOperatorError
from ..graph import Graph, Node, Shapes, cut, descendants
from .table import DIFFERENTIABLE, STOPS
from .tape import Tape

__all__ = ["differentiate", "unsupported"]


def differentiate(graph: Graph, loss: str, wrt: str, seed: str | None = None) -> str:
    """Append the nodes that compute d `loss` / d `wrt`.

    Parameters
    ----------
    graph : Graph
        A graph of the working opset; it grows in place.
    loss : str
        A scalar.
    wrt : str
        An input of the graph.
    seed : str, optional
        A scalar by which every gradient on the way is multiplied; 1 if not
        given. It is not differentiated itself.

    Returns
    -------
    str
        The name of the gradient, a tensor of the shape of `wrt`.

    Raises
    ------
    UnsupportedOperatorError
        If there is no rule for an operator between the two; it lists them all.
    NetworkFormatError
        If `loss` does not depend on `wrt`, or a shape cannot be inferred.
    """
    active, nodes = _between(graph, loss, wrt)
    unknown = [node for node in nodes if not _known(node)]
    if unknown:
        raise UnsupportedOperatorError(
            "The gradient of these operators is not known: "
            + ", ".join(map(str, unknown))
            + ". Choose a layer before them."
        )
    tape = Tape(graph, Shapes(graph))
    terms: dict[str, list[str]] = {loss: [seed or tape.constant(1)]}
    for node in reversed(nodes):
        gradients = [tape.total(terms[o]) if o in terms else None for o in node.outputs]
        if any(gradients):
            for name, gradient in zip(
                node.inputs, _inputs_gradients(tape, node, gradients), strict=False
            ):
                if name not in active:
                    continue
                if gradient is None:
                    raise UnsupportedOperatorError(
                        f"The gradient of {node} with respect to {name!r} is not known. "
                        "Choose a layer before it."
                    )
                terms.setdefault(name, []).append(gradient)
    return tape.total(terms[wrt])


def unsupported(graph: Graph, layer: str, wrt: str) -> list[Node]:
    """The nodes between an input and a layer that have no gradient rule."""
    return [node for node in _between(graph, layer, wrt)[1] if not _known(node)]


def _between(graph: Graph, loss: str, wrt: str) -> tuple[set[str], list[Node]]:
    """The tensors that depend on `wrt`, and of their makers those that `loss` needs."""
    active = descendants(graph, wrt, STOPS)
    if loss not in active:
        raise NetworkFormatError(f"{loss!r} does not depend on {wrt!r}.")
    needed = cut(graph, {loss: graph.inputs[wrt]}).nodes
    return active, [node for node in needed if active.intersection(node.outputs)]


def _known(node: Node) -> bool:
    return not node.domain and node.op in DIFFERENTIABLE


def _inputs_gradients(tape: Tape, node: Node, gradients: list[str | None]) -> list[str | None]:
    found = list(DIFFERENTIABLE[node.op](tape, node, *gradients))
    return found + [None] * (len(node.inputs) - len(found))
