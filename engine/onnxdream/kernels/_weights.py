"""What the kernels weigh pixels with: the taps of a resize, a Gaussian."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["FILTERS", "Taps", "gaussian", "resize_taps"]

# The extent of SciPy's gaussian_filter, so that a sigma means what people expect.
_TRUNCATE = 4.0


class _Filter(NamedTuple):
    """A resampling filter: its weight at a distance in pixels, zero beyond its support."""

    support: float
    weight: Callable[[NDArray[np.float64]], NDArray[np.float64]]


class Taps(NamedTuple):
    """How one side of a picture is resized, for each row (or column) of the result.

    Attributes
    ----------
    starts : intp array, (size,)
        Where its first tap lies in the source; never decreasing.
    weights : float32 array, (size, taps)
        What its taps weigh; each row sums to one.
    """

    starts: NDArray[np.intp]
    weights: NDArray[np.float32]


def _box(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    # Half open, so that a pixel halfway between two centres is counted once.
    return np.where((distance > -0.5) & (distance <= 0.5), 1.0, 0.0)


def _triangle(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(1.0 - np.abs(distance), 0.0)


def _catmull_rom(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    x = np.abs(distance)
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return np.where(x < 1.0, near, np.where(x < 2.0, far, 0.0))


FILTERS: Mapping[str, _Filter] = MappingProxyType(
    {
        "bilinear": _Filter(1.0, _triangle),
        "bicubic": _Filter(2.0, _catmull_rom),
        "area": _Filter(0.5, _box),
    }
)


@lru_cache(maxsize=32)
def resize_taps(source: int, size: int, filter: str) -> Taps:
    """Return the taps that resize one side of a picture.

    Pixels are unit squares with their centres at one half. When shrinking, the
    filter is widened by the ratio of the sides, which averages what would alias;
    beyond the edge nothing is weighed, and what is left is made to sum to one.
    These are the conventions of Pillow's ``Image.resize``.

    Parameters
    ----------
    source, size : int
        The side of the source and of the result, in pixels, at least 1.
    filter : str
        One of `FILTERS`.
    """
    support, weight = FILTERS[filter]
    ratio = source / size
    widening = max(ratio, 1.0)
    centres = (np.arange(size) + 0.5) * ratio
    reach = support * widening
    starts = np.maximum(np.floor(centres - reach + 0.5), 0).astype(np.intp)
    stops = np.minimum(np.floor(centres + reach + 0.5), source).astype(np.intp)
    taps = int((stops - starts).max())
    # Near the far edge the taps begin earlier, so that all of them are pixels.
    indices = np.minimum(starts, source - taps)[:, np.newaxis] + np.arange(taps)
    # In Pillow's order of operations: where the box ends, the last bit decides.
    weights = weight((indices - centres[:, np.newaxis] + 0.5) * (1.0 / widening))
    weights[(indices < starts[:, np.newaxis]) | (indices >= stops[:, np.newaxis])] = 0.0
    weights /= weights.sum(axis=1, keepdims=True)
    table = Taps(np.ascontiguousarray(indices[:, 0]), weights.astype(np.float32))
    for array in table:
        array.setflags(write=False)  # the cache hands it out again
    return table


def gaussian(sigma: float) -> NDArray[np.float32]:
    """Return a Gaussian kernel.

    Parameters
    ----------
    sigma : float
        Its standard deviation in pixels; 0 is the kernel that changes nothing.

    Returns
    -------
    float32 array, (2 * radius + 1,)
        Symmetric weights that sum to one. The radius is four sigma, rounded, and at
        least one pixel.
    """
    if sigma == 0:
        return np.ones(1, np.float32)
    radius = max(1, int(_TRUNCATE * sigma + 0.5))
    with np.errstate(over="ignore"):  # an infinite exponent is a weight of zero
        weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    weights /= weights.sum()
    return weights.astype(np.float32)
