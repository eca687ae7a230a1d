"""Convolution.

The gradient of a convolution with respect to its image is a convolution with
the kernel turned around, where the stride is 1, and a transposed convolution
otherwise.
"""

from __future__ import annotations

import numpy as np

from ...graph import Node
from ..table import Spellings, Writer
from ..windows import windows_of
from .spreading import scatter

__all__ = ["SPELLINGS"]


def _conv_grad(w: Writer, node: Node) -> list[str]:
    weight, g, x, y = node.inputs
    windows = windows_of(node)
    group = node.integer("group", 1)
    # Turning the kernel around asks for negative pads where p is beyond its extent.
    if windows.strides != [1, 1] or min(windows.turned_pads) < 0:
        return [scatter(w, g, weight, windows, group, x, y)]
    turned = w(
        "Conv",
        g,
        _turned_around(w, weight, node),
        kernel_shape=windows.kernel,
        dilations=windows.dilations,
        group=group,
        pads=windows.turned_pads,
    )
    return [turned]


def _turned_around(w: Writer, weight: str, node: Node) -> str:
    """[O, I/group, kh, kw] to [I, O/group, kh, kw], with both spatial axes reversed.

    ONNX Runtime folds these nodes when it loads the graph, so that a file
    holds each weight once.
    """
    outputs, inputs = node.integers("channels", [])
    kernel = node.integers("kernel_shape", [])
    group = node.integer("group", 1)
    if kernel != [1, 1]:
        lowest = np.iinfo(np.int64).min
        ends, steps = w.ints(lowest, lowest), w.ints(-1, -1)
        weight = w("Slice", weight, w.ints(-1, -1), ends, w.ints(2, 3), steps)
    if group == 1:
        return w("Transpose", weight, perm=[1, 0, 2, 3])
    if group == outputs and inputs == 1:
        return weight
    grouped = w("Reshape", weight, w.ints(group, outputs // group, inputs, *kernel))
    swapped = w("Transpose", grouped, perm=[0, 2, 1, 3, 4])
    return w("Reshape", swapped, w.ints(group * inputs, outputs // group, *kernel))


SPELLINGS: Spellings = {"ConvGrad": _conv_grad}
