"""Kinds of convolutions, told by a node (a Conv or the gradient of one) and its weights."""

from __future__ import annotations

import numpy as np

from ...graph import Node
from ..windows import windows_of

__all__ = ["is_compiled", "is_depthwise", "is_pointwise"]


def is_depthwise(node: Node, weight: np.ndarray) -> bool:
    """Whether each of several channels is convolved by itself."""
    outputs, inputs = weight.shape[:2]
    # With one channel only it is dense as well, and passes for that.
    return bool(outputs > 1 and node.integer("group", 1) == outputs and inputs == 1)


def is_pointwise(node: Node, weight: np.ndarray) -> bool:
    """Whether each pixel is convolved by itself, all channels of it with all."""
    pads = node.integers("pads", [0, 0, 0, 0])
    strides = node.integers("strides", [1, 1])
    dense = node.integer("group", 1) == 1
    return dense and weight.shape[2:] == (1, 1) and strides == [1, 1] and not any(pads)


def is_compiled(node: Node, weight: np.ndarray, block: int) -> bool:
    """Whether a compiled operator makes a convolution and its gradient (see `dense`)."""
    return is_pointwise(node, weight) or _is_filtered(node, weight, block)


def _is_filtered(node: Node, weight: np.ndarray, block: int) -> bool:
    """Whether minimal filtering takes a convolution, and less time than ONNX Runtime."""
    if weight.shape[2:] != (3, 3) or min(weight.shape[:2]) < block:
        return False
    windows = windows_of(node)
    # The gradient is padded by what these pads leave of two.
    if not all(0 <= pad <= 2 for pad in windows.before + windows.after):
        return False
    return windows.strides == windows.dilations == [1, 1] and node.integer("group", 1) == 1
