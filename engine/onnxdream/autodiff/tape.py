"""What the rules write on: a builder that knows shapes, and phrases they share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..graph import DOMAIN, HALF, Attribute, Builder, Graph, Shapes

__all__ = ["Tape"]


class Tape(Builder):
    """A builder for gradients.

    A gradient has the element type of what it is the gradient of: float32, or
    float16 where a graph computes in half precision.

    Parameters
    ----------
    graph : Graph
        The graph that grows.
    shapes : Shapes
        The shapes of the tensors that were there before.
    """

    def __init__(self, graph: Graph, shapes: Shapes) -> None:
        super().__init__(graph, "gradient")
        self.shapes = shapes

    def half(self, name: str) -> bool:
        """Whether a tensor of the forward pass is of float16."""
        return self.shapes.dtype(name) == np.float16

    def number(self, value: float, like: str) -> str:
        """The name of a constant of the element type of a tensor."""
        return self.constant(value, self._dtype(like))

    def zeros_like(self, name: str) -> str:
        """Zeros in the shape and of the element type of a tensor."""
        return self.zeros(self.shape(name), self._dtype(name))

    def positive(self, name: str) -> str:
        """1 where a tensor is above zero, else 0."""
        if not self.half(name):
            return super().positive(name)
        # What is huge enough for the smallest numbers is infinite here, and 0 · ∞ is no number.
        return self("Cast", self("Greater", name, self.number(0, name)), to=HALF)

    def left(self, op: str, *inputs: str | None, like: str, **attributes: Attribute) -> str:
        """An operator for a lowering to spell, marked ``half`` where `like` is of float16."""
        marks = {"half": 1} if self.half(like) else {}
        return self(op, *inputs, domain=DOMAIN, **attributes, **marks)

    def total(self, terms: Sequence[str]) -> str:
        """The sum of tensors of one shape."""
        if len(terms) == 1:
            return terms[0]
        return self("Add" if len(terms) == 2 else "Sum", *terms)

    def sum_back(self, gradient: str, broadcast: str, source: str) -> str:
        """Undo a broadcast: sum a gradient over the axes that were stretched.

        Parameters
        ----------
        gradient : str
            A gradient of the shape of `broadcast`.
        broadcast : str
            The tensor that the operator made.
        source : str
            The input of the operator whose gradient is wanted.
        """
        if self.shapes.equal(source, broadcast):
            return gradient
        new, stretched = self.shapes.broadcast_axes(source, broadcast)
        if new or stretched:
            gradient = self("ReduceSum", gradient, self.ints(*new, *stretched))
        return self("Squeeze", gradient, self.ints(*new)) if new else gradient

    def scaled(self, gradient: str, factor: float, like: str) -> str:
        """A gradient times a number; both of the element type of `like`."""
        return gradient if factor == 1 else self("Mul", gradient, self.number(factor, like))

    def shaped_as(self, gradient: str, name: str) -> str:
        """A gradient in the shape of a tensor of as many elements."""
        return self("Reshape", gradient, self.shape(name))

    def add_along(self, gradient: str, indices: str, x: str, axis: int, rank: int) -> str:
        """Add the slices of a gradient to the given places along an axis of zeros.

        It is the gradient of Gather: places may repeat.

        Parameters
        ----------
        gradient : str
            The slices, as many along `axis` as there are indices.
        indices : str
            A vector of int64, none of them negative.
        x : str
            The tensor whose extent the result has along `axis`.
        axis, rank : int
            The axis, and the rank of the gradient.
        """
        shape = self.shape(gradient)
        whole = self("ScatterElements", shape, self.ints(axis), self.shape(x, axis), axis=0)
        column = self.ints(*(-1 if i == axis else 1 for i in range(rank)))
        places = self("Expand", self("Reshape", indices, column), shape)
        return self.added_at(places, gradient, whole, axis, self.half(x))

    def _dtype(self, name: str) -> type[np.generic]:
        return np.float16 if self.half(name) else np.float32
