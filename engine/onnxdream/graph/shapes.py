"""What can be known of shapes before a graph runs.

Height and width are symbolic, and most shapes of a network depend on them.
Shapes are therefore inferred for two concrete image sizes: a dimension that is
the same for both is a fact about the network (its channels, say), any other
depends on the image.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from onnx import GraphProto, helper, shape_inference

from ..errors import NetworkFormatError
from .ir import Graph, Node, Tensor
from .names import IMAGE
from .protobuf import to_model

__all__ = ["Shapes", "infer"]

_PROBES = ((421, 389), (486, 550))
_SMALL = 4096
_SLIDING = frozenset({"Conv", "MaxPool", "AveragePool"})


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
    return _shapes(graph, _inferred(graph, height, width), height, width)


def _inferred(graph: Graph, height: int, width: int) -> GraphProto:
    """What onnx knows of a graph's tensors for one image size."""
    light = Graph(list(graph.nodes), {}, dict(graph.inputs), dict(graph.outputs))
    light.inputs[IMAGE] = replace(light.inputs[IMAGE], shape=(1, 3, height, width))
    for name, value in graph.constants.items():
        # Only small constants, such as target shapes and pads, have a say in
        # shapes; the weights stay out, so that nothing large is copied.
        if value.size <= _SMALL or name in graph.inputs:
            light.constants[name] = value
        else:
            light.inputs[name] = Tensor(value.dtype, value.shape)
    light.outputs = {name: Tensor(t.dtype, None) for name, t in graph.outputs.items()}
    try:
        model = shape_inference.infer_shapes(to_model(light), strict_mode=True, data_prop=True)
    except shape_inference.InferenceError as error:
        reason = str(error).strip().splitlines()[0]
        raise NetworkFormatError(
            f"The network does not take an image of {width}×{height}: {reason}"
        ) from error
    return model.graph


def _shapes(
    graph: Graph, inferred: GraphProto, height: int, width: int
) -> dict[str, tuple[int, ...]]:
    """The shapes of tensors, none of them empty."""
    shapes = {name: value.shape for name, value in graph.constants.items()}
    for info in (*inferred.input, *inferred.value_info, *inferred.output):
        tensor = info.type.tensor_type
        if tensor.HasField("shape") and all(d.HasField("dim_value") for d in tensor.shape.dim):
            shapes[info.name] = tuple(d.dim_value for d in tensor.shape.dim)
    for name, shape in shapes.items():
        if name not in graph.constants and any(d <= 0 for d in shape):
            raise NetworkFormatError(
                f"An image of {width}×{height} is too small for the network: "
                f"{name!r} would be empty."
            )
    for node in graph.nodes:
        if node.op in _SLIDING and not _windows_fit(node, shapes):
            raise NetworkFormatError(
                f"An image of {width}×{height} is too small for the network: "
                f"the windows of {node} would not fit."
            )
    return shapes


def _dtypes(graph: Graph, inferred: GraphProto) -> dict[str, np.dtype[np.generic]]:
    """The element types of tensors."""
    dtypes = {name: value.dtype for name, value in graph.constants.items()}
    for info in (*inferred.input, *inferred.value_info, *inferred.output):
        kind = info.type.tensor_type.elem_type
        if kind:
            dtypes[info.name] = np.dtype(helper.tensor_dtype_to_np_dtype(kind))
    return dtypes


def _windows_fit(node: Node, shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Whether what a Conv or a pool moves over is as large as its windows.

    Shape inference rounds towards zero where less than one stride is missing,
    and finds one window there; ONNX Runtime refuses to convolve.
    """
    image = shapes.get(node.inputs[0], ())[2:]
    weight = shapes.get(node.inputs[1], ())[2:] if node.op == "Conv" else ()
    kernel = node.integers("kernel_shape", list(weight))
    dilations = node.integers("dilations", [1] * len(kernel))
    pads = node.integers("pads", [0] * 2 * len(kernel))
    if node.text("auto_pad", "NOTSET").startswith("SAME"):
        return True
    ends = zip(pads, pads[len(kernel) :], strict=False)
    return all(
        (k - 1) * d < extent + before + after
        for k, d, extent, (before, after) in zip(kernel, dilations, image, ends, strict=False)
    )


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
        inferred = [_inferred(graph, *probe) for probe in probes]
        self._first, self._second = (
            _shapes(graph, found, *probe) for found, probe in zip(inferred, probes, strict=True)
        )
        self._dtypes = _dtypes(graph, inferred[0])

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

    def fits(size: int) -> bool:
        try:
            infer(graph, size, size)
        except NetworkFormatError:
            return False
        return True

    if not fits(most):
        infer(graph, most, most)
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high
