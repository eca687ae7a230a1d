"""Pooling."""

from __future__ import annotations

from math import prod

import numpy as np

from ...errors import NetworkFormatError
from ...graph import Node
from ..table import Spellings, Writer, element_type
from ..windows import windows_of
from .spreading import reciprocal_counts, scatter

__all__ = ["SPELLINGS"]

_MOST_SHARES = 2**26
"""Of all channels: 256 MiB of ones."""


def _max_pool_grad(w: Writer, node: Node) -> list[str]:
    x, y, g = node.inputs
    indices = _indices(w, x, w.producer(y))
    everything = w.ints(-1)
    places, values = (w("Reshape", name, everything) for name in (indices, g))
    size = w("Reshape", w("Size", x), w.ints(1))
    moved = w.added_at(places, values, size, half=element_type(node) is np.float16)
    return [w("Reshape", moved, w.shape(x))]


def _indices(w: Writer, x: str, pool: Node) -> str:
    """Where the maximum of each window lies in x, counted row by row."""
    if pool.integer("storage_order", 0):
        row_by_row = {**pool.attributes, "storage_order": 0}
        return w.many("MaxPool", [x], 2, domain="", **row_by_row)[1]
    if len(pool.outputs) == 1:
        pool.outputs.append("")
    pool.outputs[1] = pool.outputs[1] or w.name("indices")
    return pool.outputs[1]


def _average_pool_grad(w: Writer, node: Node) -> list[str]:
    """Each element of a window gets an equal share."""
    x, y, g = node.inputs
    channels = node.integer("channels", 1)
    windows = windows_of(node)
    if windows.kernel == [1, 1] and windows.strides == [1, 1]:
        # Shared among one. ONNX Runtime 1.32 fails to load a pool of one element between
        # multiplications of which one is by 1.
        return [g]
    pads_count = bool(node.integer("count_include_pad", 0))
    dtype = element_type(node)
    shares = w("Mul", g, reciprocal_counts(w, windows, x, y, pads_count, dtype))
    pads = windows.turned_pads
    if windows.strides == [1, 1] and not node.integer("ceil_mode", 0) and min(pads) >= 0:
        kernel = windows.kernel
        averages = w("AveragePool", shares, kernel_shape=kernel, pads=pads, count_include_pad=1)
        return [w("Mul", averages, w.constant(kernel[0] * kernel[1], dtype))]
    if channels * prod(windows.kernel) > _MOST_SHARES:
        raise NetworkFormatError(
            f"An AveragePool has windows of {windows.kernel} over {channels} channels, which the "
            "portable lowering cannot take back; choose a layer before it."
        )
    ones = w.constant(np.ones((channels, 1, *windows.kernel), dtype), dtype)
    return [scatter(w, shares, ones, windows, channels, x, y)]


SPELLINGS: Spellings = {"MaxPoolGrad": _max_pool_grad, "AveragePoolGrad": _average_pool_grad}
