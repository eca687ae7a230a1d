"""What the rules write on: a builder that knows shapes, and phrases they share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..graph import Builder, Graph, Shapes

__all__ = ["Tape"]


class Tape(Builder):
    """A builder for gradients.

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

    def scaled(self, gradient: str, factor: float) -> str:
        """A gradient times a number."""
        return gradient if factor == 1 else self("Mul", gradient, self.constant(factor))

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
        zeros = self("ConstantOfShape", whole, value=np.zeros(1, np.float32))
        column = self.ints(*(-1 if i == axis else 1 for i in range(rank)))
        places = self("Expand", self("Reshape", indices, column), shape)
        return self("ScatterElements", zeros, places, gradient, axis=axis, reduction="add")
