"""What can be known of shapes before a graph runs.

Height and width are symbolic, and most shapes of a network depend on them.
Shapes are therefore inferred for two concrete image sizes: a dimension that is
the same for both is a fact about the network (its channels, say), any other
depends on the image.
"""

from __future__ import annotations

import math

import numpy as np

from ..errors import NetworkFormatError
from .inference import Inference
from .ir import Graph
from .names import IMAGE

__all__ = ["Shapes", "infer", "least_size"]

_PROBES = ((421, 389), (486, 550))

_MOST_ELEMENTS = 2**29
"""Of a tensor, where the image has the size of a probe: 2 GiB of float32. What is more was
not made to be run on pictures; ONNX Runtime would take the memory before it found out."""


def infer(graph: Graph, height: int, width: int) -> dict[str, tuple[int, ...]]:
    """The shapes of a graph's tensors for one image size.

    Parameters
    ----------
    graph : Graph
        A graph whose ``image`` is [1, 3, H, W].
    height, width : int
        The size of the image in pixels.

    Returns
    -------
    dict of str to tuple of int
        For each tensor whose shape could be inferred; [] for a scalar.

    Raises
    ------
    NetworkFormatError
        If the network does not take images of this size.
    """
    return Inference(graph).at(height, width).shapes


class Shapes:
    """The shapes of a graph's tensors, as far as they do not depend on the image's size."""

    def __init__(self, graph: Graph) -> None:
        fixed = graph.inputs[IMAGE].shape
        assert fixed is not None
        height, width = fixed[2:]
        probes = [
            (
                height if isinstance(height, int) else h,
                width if isinstance(width, int) else w,
            )
            for h, w in _PROBES
        ]
        inference = Inference(graph)
        first, second = (inference.at(*probe, most=_MOST_ELEMENTS) for probe in probes)
        self._first, self._second = first.shapes, second.shapes
        self._dtypes = first.dtypes

    def __contains__(self, name: str) -> bool:
        return name in self._first and name in self._second

    def dtype(self, name: str) -> np.dtype[np.generic] | None:
        """A tensor's element type, or None where it could not be inferred."""
        return self._dtypes.get(name)

    def rank(self, name: str) -> int:
        """The number of dimensions of a tensor."""
        return len(self._of(name)[0])

    def dims(self, name: str) -> list[int | None]:
        """A tensor's dimensions; None for those that depend on the image's size."""
        first, second = self._of(name)
        return [a if a == b else None for a, b in zip(first, second, strict=True)]

    def stride(self, name: str) -> float:
        """How many rows of the image there are to a row of a tensor [N, C, H, W]."""
        shape = self._of(name)[0]
        return self._first[IMAGE][2] / shape[2] if len(shape) == 4 else math.inf

    def equal(self, one: str, other: str) -> bool:
        """Whether two tensors have the same shape, whatever the image's size."""
        return self._of(one) == self._of(other)

    def broadcast_axes(self, small: str, large: str) -> tuple[list[int], list[int]]:
        """How `small` is stretched when it is broadcast to the shape of `large`.

        Returns
        -------
        new : list of int
            The leading axes of `large` that `small` lacks.
        stretched : list of int
            The axes of `large` along which `small` has the one element.
        """
        first, whole = self._of(small)[0], self._of(large)[0]
        extra = len(whole) - len(first)
        stretched = [
            axis + extra for axis, d in enumerate(first) if d == 1 and whole[axis + extra] != 1
        ]
        return list(range(extra)), stretched

    def _of(self, name: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        try:
            first, second = self._first[name], self._second[name]
        except KeyError:
            raise NetworkFormatError(f"The shape of {name!r} could not be inferred.") from None
        if len(first) != len(second):
            raise NetworkFormatError(f"The rank of {name!r} depends on the image's size.")
        return first, second


def least_size(graph: Graph, most: int = 1024) -> int:
    """The least height and width for which the network makes something of an image.

    Parameters
    ----------
    graph : Graph
        A graph with a symbolic height and width.
    most : int
        Where to stop looking.
    """
    inference = Inference(graph)

    def fits(size: int) -> bool:
        try:
            inference.at(size, size)
        except NetworkFormatError:
            return False
        return True

    inference.at(most, most)
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high
