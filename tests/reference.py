"""What every gradient is measured by: forward graphs in float64.

ONNX's reference evaluator does the work. Where it is wrong or knows float32
only, the operator is spelled here, by the definition and without haste.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from onnx import TensorProto
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from onnxdream.graph import Graph, Tensor, cut, to_model

__all__ = ["Reference"]


class Reference:
    """A graph of standard operators whose float32 numbers have become float64.

    Parameters
    ----------
    graph : Graph
        The graph; it is left as it is.
    outputs : sequence of str
        The tensors to compute.
    """

    def __init__(self, graph: Graph, outputs: Sequence[str]) -> None:
        kind = Tensor(np.dtype(np.float64), None)
        doubled = cut(graph.copy(), dict.fromkeys(outputs, kind)).copy()
        doubled.constants = {name: _doubled(v) for name, v in doubled.constants.items()}
        doubled.inputs = {
            name: Tensor(_doubled(np.empty(0, t.dtype)).dtype, t.shape)
            for name, t in doubled.inputs.items()
        }
        for node in doubled.nodes:
            if node.op == "Cast" and node.attributes["to"] == TensorProto.FLOAT:
                node.attributes["to"] = TensorProto.DOUBLE
        self._evaluator = ReferenceEvaluator(to_model(doubled), new_ops=_OPERATORS)

    def __call__(self, **feeds: np.ndarray) -> list[np.ndarray]:
        """The outputs for some inputs."""
        doubled = {name: _doubled(value) for name, value in feeds.items()}
        return [np.asarray(value) for value in self._evaluator.run(None, doubled)]

    def slope(
        self, feeds: Mapping[str, np.ndarray], along: Mapping[str, np.ndarray], step: float = 1e-6
    ) -> float:
        """The derivative of the last output, a scalar, along a direction: a central difference."""
        ahead = {name: value + step * along.get(name, 0.0) for name, value in feeds.items()}
        behind = {name: value - step * along.get(name, 0.0) for name, value in feeds.items()}
        return float(self(**ahead)[-1] - self(**behind)[-1]) / (2 * step)


def _doubled(value: np.ndarray) -> np.ndarray:
    return value.astype(np.float64) if value.dtype == np.float32 else value


def _padding(
    extent: int, window: int, stride: int, pads: Sequence[int], auto_pad: str
) -> tuple[int, int]:
    """The padding before and after one axis."""
    if auto_pad == "VALID":
        return 0, 0
    if auto_pad == "NOTSET":
        return pads[0], pads[1]
    total = max((-(-extent // stride) - 1) * stride + window - extent, 0)
    small, large = total // 2, total - total // 2
    return (small, large) if auto_pad == "SAME_UPPER" else (large, small)


def _windows(
    x: np.ndarray, kernel: Sequence[int], attributes: dict[str, Any], fill: float, padding: float
) -> np.ndarray:
    """What each window sees, [N, C, Hy, Wy, kh, kw].

    `padding` is what it sees in the padding, and `fill` beyond the padding,
    where ``ceil_mode`` lets it reach.
    """
    strides = attributes.get("strides") or [1, 1]
    dilations = attributes.get("dilations") or [1, 1]
    pads = attributes.get("pads") or [0, 0, 0, 0]
    auto_pad = attributes.get("auto_pad") or "NOTSET"
    extents = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    ends = [
        _padding(x.shape[2 + axis], extents[axis], strides[axis], pads[axis::2], auto_pad)
        for axis in (0, 1)
    ]
    shape = [x.shape[2 + axis] for axis in (0, 1)]
    x = np.pad(x, [(0, 0), (0, 0), *ends], constant_values=padding)
    x = np.pad(x, [(0, 0), (0, 0), *((0, e) for e in extents)], constant_values=fill)
    for axis, (k, s, d) in enumerate(zip(kernel, strides, dilations, strict=True)):
        before, after = ends[axis]
        room = shape[axis] + before + after - extents[axis]
        count = room // s + 1
        if attributes.get("ceil_mode"):
            # One more, if it starts before the padding behind.
            count = min(-(-room // s) + 1, -(-(shape[axis] + before) // s))
        places = np.arange(count)[:, None] * s + np.arange(k) * d
        x = np.moveaxis(np.take(x, places, axis=2 + axis), 3 + axis, -1)
    return x


class Conv(OpRun):
    """Convolution."""

    def _run(self, x, w, b=None, group=1, **attributes):  # type: ignore[no-untyped-def]
        seen = _windows(x, w.shape[2:], attributes, 0, 0)
        seen = seen.reshape(len(x), group, -1, *seen.shape[2:])
        weight = w.reshape(group, -1, *w.shape[1:])
        y = np.einsum("ngchwij,gocij->ngohw", seen, weight).reshape(len(x), -1, *seen.shape[3:5])
        return (y if b is None else y + b[:, None, None],)


class MaxPool(OpRun):
    """Maxima of windows, and where the first of each lies."""

    def _run(self, x, kernel_shape=None, storage_order=0, **attributes):  # type: ignore[no-untyped-def]
        seen = _windows(x, kernel_shape, attributes, -np.inf, -np.inf)
        if len(self.onnx_node.output) == 1:
            return (seen.max((-2, -1)),)
        n, c, height, width = x.shape
        numbers = np.arange(x.size, dtype=np.float64)
        columns_first = numbers.reshape(n, c, width, height).swapaxes(2, 3)
        places = columns_first if storage_order else numbers.reshape(x.shape)
        seen_places = _windows(places, kernel_shape, attributes, -1, -1)
        flat = *seen.shape[:4], -1
        first = seen.reshape(flat).argmax(-1)[..., None]
        indices = np.take_along_axis(seen_places.reshape(flat), first, -1)[..., 0]
        return seen.max((-2, -1)), indices.astype(np.int64)


class AveragePool(OpRun):
    """Means of windows; what lies beyond the padding is never counted."""

    def _run(self, x, kernel_shape=None, count_include_pad=0, **attributes):  # type: ignore[no-untyped-def]
        sums = _windows(x, kernel_shape, attributes, 0, 0).sum((-2, -1))
        counts = _windows(np.ones_like(x), kernel_shape, attributes, 0, count_include_pad or 0)
        return (sums / counts.sum((-2, -1)),)


class GlobalMaxPool(OpRun):
    """Maxima of channels."""

    def _run(self, x):  # type: ignore[no-untyped-def]
        return (x.max(tuple(range(2, x.ndim)), keepdims=True),)


class Pad(OpRun):
    """Cropping where an amount is negative, then padding."""

    def _run(self, x, pads, value=None, axes=None, mode="constant"):  # type: ignore[no-untyped-def]
        ends = [(0, 0)] * x.ndim
        axes = range(x.ndim) if axes is None else axes
        for axis, *both in zip(axes, pads, pads[len(axes) :], strict=False):
            ends[axis] = tuple(both)
        options = {"constant_values": 0 if value is None else value} if mode == "constant" else {}
        first, last = np.maximum(np.negative(ends), 0).T
        cropped = x[tuple(map(slice, first, np.array(x.shape) - last))]
        return (np.pad(cropped, np.maximum(ends, 0), mode=mode, **options),)


class LRN(OpRun):
    """Local response normalization."""

    def _run(self, x, alpha=1e-4, beta=0.75, bias=1.0, size=1):  # type: ignore[no-untyped-def]
        before, after = (size - 1) // 2, size // 2
        squares = np.pad(x * x, [(0, 0), (before, after)] + [(0, 0)] * (x.ndim - 2))
        sums = sum(squares[:, shift : shift + x.shape[1]] for shift in range(size))
        return (x / (bias + alpha / size * sums) ** beta,)


_OPERATORS = [Conv, MaxPool, AveragePool, GlobalMaxPool, Pad, LRN]
