"""The kernels in NumPy: what the compiled ones are measured by, and their substitute.

Every function fills the rows [first, last) of its result, as the compiled one of
the same name does. Shapes are the caller's business (see ``_checked.py``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["absolute_block_sums", "ascend", "jitter_normalize", "resize", "unjitter_blur"]

_Floats = NDArray[np.float32]
_Indices = NDArray[np.intp]


def _blend(source: _Floats, starts: _Indices, weights: _Floats, axis: int) -> _Floats:
    """Return, along one axis, the weighted sums of runs of slices that begin at starts."""
    spread = [1] * source.ndim
    spread[axis] = -1
    total = np.zeros(1, np.float32)
    for k in range(weights.shape[1]):
        total = total + np.take(source, starts + k, axis) * weights[:, k].reshape(spread)
    return total


def resize(
    picture: _Floats,
    row_starts: _Indices,
    row_weights: _Floats,
    column_starts: _Indices,
    column_weights: _Floats,
    columns_first: bool,
    out: _Floats,
    first: int,
    last: int,
) -> None:
    """Resize a picture by two tables of taps, rows first whatever is asked for.

    Each band would blend the columns of the whole source otherwise.
    """
    rows = _blend(picture, row_starts[first:last], row_weights[first:last], axis=0)
    out[first:last] = _blend(rows, column_starts, column_weights, axis=1)


def jitter_normalize(
    picture: _Floats,
    shift_y: int,
    shift_x: int,
    mean: _Floats,
    std: _Floats,
    bgr: bool,
    out: _Floats,
    first: int,
    last: int,
) -> None:
    """Roll a picture, put its channels in the network's order and normalize them."""
    rows = (np.arange(first, last) - shift_y) % len(picture)
    rolled = np.roll(picture[rows], shift_x, axis=1)
    ordered = rolled[..., ::-1] if bgr else rolled
    out[0, :, first:last] = np.moveaxis((ordered - mean) / std, -1, 0)


def _convolve(pixels: _Floats, kernel: _Floats, axis: int) -> _Floats:
    """Return the convolution along one axis with a symmetric kernel, where it fits."""
    lines = np.moveaxis(pixels, axis, 0)
    total = np.zeros(1, np.float32)
    for k, weight in enumerate(kernel):
        total = total + lines[k : k + len(lines) - len(kernel) + 1] * weight
    return np.moveaxis(total, 0, axis)


def unjitter_blur(
    gradient: _Floats,
    shift_y: int,
    shift_x: int,
    std: _Floats,
    bgr: bool,
    weights: _Floats,
    out: _Floats,
    first: int,
    last: int,
) -> None:
    """Undo normalization, channel order and roll, then blur by a kernel."""
    height, width, _ = out.shape
    radius = len(weights) // 2
    # Indices clipped to the picture repeat its edge.
    rows = np.clip(np.arange(first - radius, last + radius), 0, height - 1)
    columns = np.clip(np.arange(-radius, width + radius), 0, width - 1)
    pixels = np.moveaxis(gradient[0][:, (rows + shift_y) % height], 0, -1) / std
    ordered = pixels[..., ::-1] if bgr else pixels
    rolled = np.roll(ordered, -shift_x, axis=1)
    down = _convolve(rolled, weights, axis=0)
    out[first:last] = _convolve(down[:, columns], weights, axis=1)


def absolute_block_sums(
    values: _Floats, size: int, out: NDArray[np.float64], first: int, last: int
) -> None:
    """Sum |values| over blocks of size values, in float64."""
    blocks = np.abs(values[first * size : last * size])
    out[first:last] = np.add.reduceat(blocks, np.arange(0, len(blocks), size), dtype=np.float64)


def ascend(
    picture: _Floats,
    gradient: _Floats,
    step_size: float,
    mean_abs: float,
    out: _Floats,
    first: int,
    last: int,
) -> None:
    """Move a picture along a gradient whose mean absolute value is given, and clip it."""
    limit = float(np.finfo(np.float32).max)
    scale = min(max(step_size / 255 / mean_abs, -limit), limit)
    moved = picture[first:last] + gradient[first:last] * scale
    out[first:last] = np.clip(moved, 0, 1)
