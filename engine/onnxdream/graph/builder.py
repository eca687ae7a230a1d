"""Add nodes to a graph, one call each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count

import numpy as np
from numpy.typing import ArrayLike

from .ir import FLOAT, HALF, PREFIX, Attribute, Graph, Node, Tensor

__all__ = ["Builder"]

_SHARED = 1024


class Builder:
    """Appends nodes to a graph and names what they make.

    Parameters
    ----------
    graph : Graph
        The graph that grows.
    room : str
        A word that goes into the names of the new tensors, to tell a reader
        of the file which part of onnxdream made them.
    """

    def __init__(self, graph: Graph, room: str) -> None:
        self.graph = graph
        self._prefix = f"{PREFIX}{room}/"
        self._taken = set(graph.names())
        self._numbers = count()
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def reserve(self, names: Iterable[str]) -> None:
        """Keep names from being given to new tensors."""
        self._taken.update(names)

    def name(self, word: str) -> str:
        """A tensor name that the graph does not have yet."""
        while True:
            name = f"{self._prefix}{word}_{next(self._numbers)}"
            if name not in self._taken:
                self._taken.add(name)
                return name

    def __call__(
        self, op: str, *inputs: str | None, domain: str = "", **attributes: Attribute
    ) -> str:
        """Append a node with one output and return the output's name."""
        return self.many(op, inputs, 1, domain=domain, **attributes)[0]

    def many(
        self,
        op: str,
        inputs: Sequence[str | None],
        outputs: int,
        domain: str = "",
        **attributes: Attribute,
    ) -> list[str]:
        """Append a node with several outputs and return their names."""
        made = [self.name(op) for _ in range(outputs)]
        names = [name or "" for name in inputs]
        self.graph.nodes.append(Node(op, names, made, attributes, domain, made[0]))
        return made

    def call_output(self, tensor: str, name: str, kind: Tensor) -> None:
        """Give a tensor the name of an output and make it one."""
        self.graph.nodes.append(Node("Identity", [tensor], [name], name=name))
        self.graph.outputs[name] = kind

    def constant(self, value: ArrayLike, dtype: type[np.generic] = np.float32) -> str:
        """The name of a constant; equal small constants share one."""
        array = np.asarray(value, dtype)
        if array.size > _SHARED:
            name = self.name("constant")
            self.graph.constants[name] = array
            return name
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            name = self.name("constant")
            self.graph.constants[name] = array
            self._constants[key] = name
        return self._constants[key]

    def ints(self, *values: int) -> str:
        """The name of a constant vector of int64, as axes and shapes are given."""
        return self.constant(values, np.int64)

    def shape(self, name: str, axis: int | None = None) -> str:
        """A tensor's shape at run time, or the one dimension `axis` of it, as a vector."""
        if axis is None:
            return self("Shape", name)
        return self("Shape", name, start=axis, end=axis + 1)

    def padded(
        self,
        name: str,
        before: str,
        after: str,
        axes: range,
        rank: int,
        value: str | None = None,
        mode: str = "constant",
    ) -> str:
        """Pad consecutive axes of a tensor by vectors of int64, one number for each axis.

        Pad can be told the axes, but ONNX Runtime 1.32 forgets about them where it moves
        a Transpose through it: the other axes are padded by nothing.
        """
        zeros = [0] * axes.start, [0] * (rank - len(axes)), [0] * (rank - axes.stop)
        first, between, last = (self.ints(*few) if few else None for few in zeros)
        pieces = [piece for piece in (first, before, between, after, last) if piece]
        return self("Pad", name, self("Concat", *pieces, axis=0), value, mode=mode)

    def extent(self, name: str, axis: int) -> str:
        """The number of elements along an axis, as a scalar of int64."""
        return self("Squeeze", self.shape(name, axis), self.ints(0))

    def indices(self, name: str, axis: int) -> str:
        """0, 1, 2, … for each element along an axis: a vector of int64."""
        zero, one = self.constant(0, np.int64), self.constant(1, np.int64)
        return self("Range", zero, self.extent(name, axis), one)

    def zeros(self, shape: str, dtype: type[np.generic] = np.float32) -> str:
        """Zeros in a shape, which is a tensor itself."""
        return self("ConstantOfShape", shape, value=np.zeros(1, dtype))

    def zeros_like(self, name: str) -> str:
        """Zeros in the shape of a tensor."""
        return self.zeros(self.shape(name))

    def added_at(
        self, places: str, values: str, shape: str, axis: int = 0, half: bool = False
    ) -> str:
        """Add values to zeros in a shape, each at its place along an axis; places may repeat.

        Values of float16, which `half` tells, are cast there and back: ONNX
        Runtime's CPU adds none here.
        """
        if half:
            values = self("Cast", values, to=FLOAT)
        zeros = self.zeros(shape)
        sums = self("ScatterElements", zeros, places, values, axis=axis, reduction="add")
        return self("Cast", sums, to=HALF) if half else sums

    def positive(self, name: str) -> str:
        """1 where a tensor is above zero, else 0.

        The product with a huge number is clipped: ONNX Runtime runs this
        several times faster than Sign, Where or a comparison with a Cast.
        """
        huge = self("Mul", name, self.constant(1e38))
        return self("Clip", huge, self.constant(0), self.constant(1))
