"""Which tensors have the same height and width, whatever the size of the image.

Sizes are symbolic, so that they are told apart by how they came about: an axis
is an offset to what it was before the last stride.
"""

from __future__ import annotations

from ...graph import Node
from ..windows import windows_of

__all__ = ["Size", "size_of", "size_through"]

Axis = tuple[object, int]
"""Where an axis comes from, and by how many elements it is longer."""

Size = tuple[Axis, Axis]
"""Of a tensor's height and width."""


def size_of(name: str) -> Size:
    """The size of a tensor of which no more is known."""
    return (f"{name} height", 0), (f"{name} width", 0)


def size_through(size: Size, node: Node) -> Size:
    """The size of what a convolution or a pool makes."""
    windows = windows_of(node)
    ceil = node.integer("ceil_mode", 0)
    axes: list[Axis] = []
    for axis in (0, 1):
        base, offset = size[axis]
        stride = windows.strides[axis]
        longer = windows.before[axis] + windows.after[axis] - windows.extents[axis] + 1
        if windows.same is not None:
            axes.append(((base, offset, stride, "same"), 0))
        elif stride > 1:
            axes.append(((base, offset + longer, stride, ceil), 0))
        else:
            axes.append((base, offset + longer))
    return axes[0], axes[1]
