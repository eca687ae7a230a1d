"""The gradient of MaxPool without a scatter.

A scatter that adds lets the order of its sums to chance where many threads run
it, and counts its places as the layout of the tensor has them. Here every sum
is spelled out. Offset t = j·d within a window is looked at for all windows at
once: where the element there is the first to equal the maximum, it takes the
gradient. With t = q·s + r, what the windows hand to this offset belongs to the
elements (i + q)·s + r: those of one remainder r, moved by q windows. So the
offsets of one remainder are added up, and the sums of all remainders are
interleaved.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any

import numpy as np

from ...graph import Node
from ..table import Spellings, Writer, element_type
from ..windows import Windows, windows_of
from .pooling import SPELLINGS as POOLING
from .spreading import padding_before

__all__ = ["ORDERED"]

Offset = tuple[int, int]

_MOST_PIECES = 1024
"""Each takes nodes of its own: with ever more of them the graph does not end."""


def _max_pool_grad(w: Writer, node: Node) -> list[str]:
    windows = windows_of(node)
    if windows.strides[0] != windows.strides[1] or _pieces(windows) > _MOST_PIECES:
        # DepthToSpace interleaves as many rows as columns.
        return list(POOLING["MaxPoolGrad"](w, node))
    x, y, g = node.inputs
    dtype = element_type(node)
    stride = windows.strides[0]
    before = padding_before(w, windows, x, y)
    reach = [-(-(extent - 1) // stride) for extent in windows.extents]
    sums: dict[Offset, list[str]] = {}
    for (down, right), share in _handed_out(w, windows, before, x, y, g, dtype):
        moved = [down // stride, right // stride]
        rest = [most - q for most, q in zip(reach, moved, strict=True)]
        remainder = down % stride, right % stride
        sums.setdefault(remainder, []).append(
            w.padded(share, w.ints(*moved), w.ints(*rest), range(2, 4), 4)
        )
    totals = {r: w("Sum", *terms) if len(terms) > 1 else terms[0] for r, terms in sums.items()}
    whole = totals[0, 0]
    if stride > 1:
        nothing = w.zeros(w.shape(whole), dtype)
        remainders = product(range(stride), range(stride))
        parts = [totals.get(remainder, nothing) for remainder in remainders]
        stacked = w("Concat", *parts, axis=1)
        whole = w("DepthToSpace", stacked, blocksize=stride, mode="DCR")
    end = w("Add", before, w("Shape", x, start=2, end=4))
    return [w("Slice", whole, before, end, w.ints(2, 3))]


def _pieces(windows: Windows) -> int:
    """How many offsets and remainders there are."""
    return prod(windows.kernel) + prod(windows.strides)


def _handed_out(
    w: Writer, windows: Windows, before: str, x: str, y: str, g: str, dtype: type[np.floating[Any]]
) -> Iterator[tuple[Offset, str]]:
    """For each offset within a window what all windows hand to it, [N, C, Hy, Wy]."""
    zero, lowest = w.constant(0, dtype), w.constant(np.finfo(dtype).min, dtype)
    axes, steps = w.ints(2, 3), w.ints(*windows.strides)
    behind = [e + s for e, s in zip(windows.extents, windows.strides, strict=True)]
    padded = w.padded(x, before, w.ints(*behind), range(2, 4), 4, lowest)
    last = w("Mul", w("Sub", w("Shape", y, start=2, end=4), w.ints(1)), steps)
    left = g
    for place in product(*map(range, windows.kernel)):
        offset = place[0] * windows.dilations[0], place[1] * windows.dilations[1]
        ends = w("Add", last, w.ints(*(t + 1 for t in offset)))
        elements = w("Slice", padded, w.ints(*offset), ends, axes, steps)
        largest = w("Equal", elements, y)
        yield offset, w("Where", largest, left, zero)
        left = w("Where", largest, zero, left)


ORDERED: Spellings = {"MaxPoolGrad": _max_pool_grad}
"""The spelling whose sums have an order."""
