"""Give back to the elements of x what the windows over it received."""

from __future__ import annotations

import numpy as np

from ...graph import FLOAT, HALF
from ..table import Writer
from ..windows import Windows

__all__ = ["padding_before", "reciprocal_counts", "scatter"]

_NEAR = 64
"""Up to such a stride, to reach beyond the last element of x costs next to nothing."""


def scatter(w: Writer, g: str, weight: str, windows: Windows, group: int, x: str, y: str) -> str:
    """Give back to the elements of x what its windows received: a transposed convolution.

    Parameters
    ----------
    w : Writer
        Where to write.
    g : str
        The gradient of y, a tensor [N, O, Hy, Wy].
    weight : str
        How much of it each element of a window gets, [O, I/group, kh, kw].
    windows : Windows
        The windows.
    group : int
        The number of groups of channels.
    x, y : str
        The tensors over which the windows moved, and which they made.
    """
    # Whatever the padding behind, output_padding makes the result reach at
    # least to the last element of x; the rest is cropped.
    near = max(windows.strides) <= _NEAR
    whole = w(
        "ConvTranspose",
        g,
        weight,
        kernel_shape=windows.kernel,
        strides=windows.strides,
        dilations=windows.dilations,
        group=group,
        pads=[*windows.before, 0, 0],
        output_padding=[s - 1 if near else 0 for s in windows.strides],
    )
    axes, nowhere = w.ints(2, 3), w.ints(0, 0)
    end = w("Shape", x, start=2, end=4)
    start = nowhere
    if windows.same is not None:
        start = padding_before(w, windows, x, y)
        end = w("Add", start, end)
    if not near:
        missing = w("Max", w("Sub", end, w("Shape", whole, start=2, end=4)), nowhere)
        whole = w.padded(whole, nowhere, missing, range(2, 4), 4)
    return w("Slice", whole, start, end, axes)


def padding_before(w: Writer, windows: Windows, x: str, y: str) -> str:
    """The padding in front, [top, left], as a vector of int64."""
    if windows.same is None:
        return w.ints(*windows.before)
    reach = w("Mul", w("Sub", w("Shape", y, start=2, end=4), w.ints(1)), w.ints(*windows.strides))
    total = w("Sub", w("Add", reach, w.ints(*windows.extents)), w("Shape", x, start=2, end=4))
    total = w("Max", total, w.ints(0))
    if windows.same == "SAME_LOWER":
        total = w("Add", total, w.ints(1))
    return w("Div", total, w.ints(2))


def reciprocal_counts(
    w: Writer, windows: Windows, x: str, y: str, pads_count: bool, dtype: type[np.generic]
) -> str:
    """One over the number of elements that each window averages: [Hy, Wy], or a scalar.

    Parameters
    ----------
    w : Writer
        Where to write.
    windows : Windows
        The windows.
    x, y : str
        The tensors over which the windows moved, and which they made.
    pads_count : bool
        Whether padding counts as elements. What lies beyond the padding,
        where ``ceil_mode`` lets a window reach, never does.
    dtype : type
        The element type of the result, float32 or float16.
    """
    if pads_count and windows.same is not None:
        # The padding ends where the last window does.
        return w.constant(1 / np.prod(windows.kernel), dtype)
    before = padding_before(w, windows, x, y)
    columns = []
    for axis in (0, 1):
        here = w.ints(axis), w.ints(axis + 1)
        pad = w("Slice", before, *here)
        steps = w("Mul", w.indices(y, 2 + axis), w.ints(windows.strides[axis]))
        first = w("Sub", steps, pad)
        last = w("Add", first, w.ints(windows.kernel[axis]))
        low, high = w.ints(0), w.shape(x, 2 + axis)
        if pads_count:
            low, high = w("Neg", pad), w("Add", high, w.ints(windows.after[axis]))
        inside = w("Sub", w("Min", last, high), w("Max", first, low))
        columns.append(w("Cast", inside, to=HALF if dtype is np.float16 else FLOAT))
    rows = w("Unsqueeze", columns[0], w.ints(1))
    return w("Div", w.constant(1, dtype), w("Mul", rows, columns[1]))
