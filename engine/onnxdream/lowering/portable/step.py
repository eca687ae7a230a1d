"""What stands around a gradient graph in a step."""

from __future__ import annotations

import numpy as np

from ...graph import Node
from ..table import Spellings, Writer

__all__ = ["SPELLINGS"]


def _jitter(w: Writer, node: Node) -> list[str]:
    picture, shift = node.inputs
    mean, std = node.numbers("mean"), node.numbers("std")
    rolled = _rolled(w, picture, w("Neg", shift))
    image = w("Transpose", rolled, perm=[2, 0, 1])
    if node.integer("bgr", 0):
        image = w("Gather", image, w.ints(2, 1, 0), axis=0)
    column = np.array(mean).reshape(3, 1, 1), np.array(std).reshape(3, 1, 1)
    normalized = w("Div", w("Sub", image, w.constant(column[0])), w.constant(column[1]))
    return [w("Unsqueeze", normalized, w.ints(0))]


def _unjitter(w: Writer, node: Node) -> list[str]:
    gradient, shift = node.inputs
    std = np.array(node.numbers("std")).reshape(3, 1, 1)
    image = w("Div", w("Squeeze", gradient, w.ints(0)), w.constant(std))
    if node.integer("bgr", 0):
        image = w("Gather", image, w.ints(2, 1, 0), axis=0)
    return [_rolled(w, w("Transpose", image, perm=[1, 2, 0]), shift)]


def _rolled(w: Writer, picture: str, offset: str) -> str:
    """Row i of the result is row i + offset of the picture, and so are its columns.

    Gather is used and not Slice, whose bounds would only be known at run time:
    not every provider keeps such bounds on the device.
    """
    for axis in (0, 1):
        extent = w.shape(picture, axis)
        zero, one = w.constant(0, np.int64), w.constant(1, np.int64)
        everywhere = w("Range", zero, w("Squeeze", extent, w.ints(0)), one)
        here = w("Slice", offset, w.ints(axis), w.ints(axis + 1))
        picture = w("Gather", picture, w("Mod", w("Add", everywhere, here), extent), axis=axis)
    return picture


def _blur(w: Writer, node: Node) -> list[str]:
    picture, taps = node.inputs
    radius = w("Div", w.shape(taps, 0), w.ints(2))
    margin = w("Concat", radius, radius, axis=0)
    image = w("Unsqueeze", w("Transpose", picture, perm=[2, 0, 1]), w.ints(1))
    padded = w.padded(image, margin, margin, range(2, 4), 4, mode="edge")
    rows = w("Conv", padded, w("Reshape", taps, w.ints(1, 1, -1, 1)))
    both = w("Conv", rows, w("Reshape", taps, w.ints(1, 1, 1, -1)))
    return [w("Transpose", w("Squeeze", both, w.ints(1)), perm=[1, 2, 0])]


def _ascend(w: Writer, node: Node) -> list[str]:
    picture, gradient, step_size = node.inputs
    mean = w("ReduceMean", w("Abs", gradient), keepdims=0)
    move = w("Mul", gradient, w("Div", w("Mul", step_size, w.constant(1 / 255)), mean))
    return [w("Clip", w("Add", picture, move), w.constant(0), w.constant(1)), mean]


SPELLINGS: Spellings = {
    "Jitter": _jitter,
    "Unjitter": _unjitter,
    "Blur": _blur,
    "Ascend": _ascend,
}
