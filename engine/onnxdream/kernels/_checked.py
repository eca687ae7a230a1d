"""The kernels as the package calls them: arguments checked, results allocated.

What is common to the compiled kernels and their NumPy twin is here, once. The
loops behind it trust what they are given.
"""

from __future__ import annotations

import math
from operator import index
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from onnxdream.kernels._bands import over_bands
from onnxdream.kernels._weights import FILTERS, gaussian, resize_taps

__all__ = ["Kernels", "Loops"]

_Floats = NDArray[np.float32]

# How many values are added into one float64. Blocks do not depend on the number of
# threads, and their sums are added in order, so neither does the total.
_BLOCK = 4096


class Loops(Protocol):
    """What an implementation offers: each function fills rows [first, last) of out."""

    def resize(
        self,
        picture: _Floats,
        row_starts: NDArray[np.intp],
        row_weights: _Floats,
        column_starts: NDArray[np.intp],
        column_weights: _Floats,
        columns_first: bool,
        out: _Floats,
        first: int,
        last: int,
    ) -> None:
        """Resize a picture by two tables of taps (see ``_weights.Taps``)."""

    def jitter_normalize(
        self,
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
        """Roll and normalize; the shifts lie in [0, height) and [0, width)."""

    def unjitter_blur(
        self,
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
        """Roll back and blur by a kernel; the shifts as in `jitter_normalize`."""

    def absolute_block_sums(
        self, values: _Floats, size: int, out: NDArray[np.float64], first: int, last: int
    ) -> None:
        """Sum |values| over blocks of size values; the last one may be short."""

    def ascend(
        self,
        picture: _Floats,
        gradient: _Floats,
        step_size: float,
        mean_abs: float,
        out: _Floats,
        first: int,
        last: int,
    ) -> None:
        """Move a picture along a gradient whose mean absolute value is given."""


class Kernels:
    """The kernels over one implementation of their loops.

    Arrays must be C-contiguous float32, with at least one pixel; nothing is
    converted or copied behind the caller's back. Results are new arrays. They do not
    depend on the number of threads, which counts the calling one.

    Parameters
    ----------
    loops : Loops
        The module that does the work.
    """

    def __init__(self, loops: Loops) -> None:
        self._loops = loops

    def resize(
        self,
        picture: _Floats,
        height: int,
        width: int,
        filter: str = "bilinear",
        threads: int = 1,
        rows: tuple[int, int] | None = None,
    ) -> _Floats:
        """Return a picture at another size.

        The conventions are those of Pillow's ``Image.resize``: pixel centres at one
        half, and filters that widen when shrinking, so that nothing aliases.

        Parameters
        ----------
        picture : float32 array, (H, W, 1 to 4)
            Any range of values.
        height, width : int
            The new size in pixels, at least 1.
        filter : str
            ``"bilinear"``; ``"bicubic"``, which is Catmull-Rom (a = -0.5) and may leave
            the range of the values; or ``"area"``, the mean of what a pixel covers,
            which repeats pixels when enlarging.
        threads : int
            How many threads may work at once.
        rows : two ints, optional
            Which rows of the result are wanted, [first, last); all if not given.

        Returns
        -------
        float32 array, (height, width, C)
            Of fewer rows, where fewer are wanted.

        Raises
        ------
        ValueError
            An array, a size, the filter, the rows or the number of threads is impossible.
        """
        _check("picture", picture, (None, None, None))
        source_height, source_width, channels = picture.shape
        if channels > 4:
            raise ValueError(f"picture must have 1 to 4 channels, not {channels}")
        if index(height) < 1 or index(width) < 1:
            raise ValueError(f"the new size must be at least 1 x 1 pixels, not {height} x {width}")
        if filter not in FILTERS:
            raise ValueError(f"filter must be one of {', '.join(FILTERS)}, not {filter!r}")
        top, bottom = (0, height) if rows is None else map(index, rows)
        if not 0 <= top < bottom <= height:
            raise ValueError(f"rows must be some of 0 to {height}, not {top} to {bottom}")
        starts, weights = resize_taps(source_height, height, filter)
        columns = resize_taps(source_width, width, filter)
        # Blending columns takes longer: it is done for the fewer rows. That the whole
        # decides, so that its rows are the same bytes, however many are wanted.
        columns_first = height > source_height
        out = np.empty((bottom - top, width, channels), np.float32)

        def fill(first: int, last: int) -> None:
            wanted = starts[top:bottom], weights[top:bottom]
            self._loops.resize(picture, *wanted, *columns, columns_first, out, first, last)

        over_bands(fill, bottom - top, threads)
        return out

    def jitter_normalize(
        self,
        picture: _Floats,
        shift_y: int,
        shift_x: int,
        mean: _Floats,
        std: _Floats,
        bgr: bool,
        threads: int = 1,
    ) -> _Floats:
        """Return what a network is fed: a picture rolled, normalized, channels first.

        Parameters
        ----------
        picture : float32 array, (H, W, 3)
            RGB, 0 to 1.
        shift_y, shift_x : int
            How far the picture is rolled down and to the right, in pixels; any integer.
        mean, std : float32 array, (3,)
            Subtracted, then divided by; in the network's channel order, on the scale
            0 to 1.
        bgr : bool
            Whether the network's channel order is BGR.
        threads : int
            How many threads may work at once.

        Returns
        -------
        float32 array, (1, 3, H, W)

        Raises
        ------
        ValueError
            An array or the number of threads is impossible.
        """
        _check("picture", picture, (None, None, 3))
        _check("mean", mean, (3,))
        _check("std", std, (3,))
        height, width, _ = picture.shape
        down, right = index(shift_y) % height, index(shift_x) % width
        out = np.empty((1, 3, height, width), np.float32)

        def fill(first: int, last: int) -> None:
            self._loops.jitter_normalize(
                picture, down, right, mean, std, bool(bgr), out, first, last
            )

        over_bands(fill, height, threads)
        return out

    def unjitter_blur(
        self,
        gradient: _Floats,
        shift_y: int,
        shift_x: int,
        std: _Floats,
        bgr: bool,
        sigma: float,
        threads: int = 1,
    ) -> _Floats:
        """Return a network's gradient as one of the picture, blurred.

        This is the chain rule back through `jitter_normalize`, then a Gaussian blur
        that sees the edge of the picture repeated (as ``mode="nearest"`` in
        ``scipy.ndimage.gaussian_filter``, whose radius of four sigma it has, too).

        Parameters
        ----------
        gradient : float32 array, (1, 3, H, W)
            With respect to what `jitter_normalize` returned.
        shift_y, shift_x : int
            What was given to `jitter_normalize`.
        std : float32 array, (3,)
            What was given to `jitter_normalize`.
        bgr : bool
            What was given to `jitter_normalize`.
        sigma : float
            Standard deviation of the blur in pixels, at least 0, which is none.
        threads : int
            How many threads may work at once.

        Returns
        -------
        float32 array, (H, W, 3)
            RGB, with respect to values of 0 to 1.

        Raises
        ------
        ValueError
            An array, sigma or the number of threads is impossible.
        """
        _check("gradient", gradient, (1, 3, None, None))
        _check("std", std, (3,))
        if not (math.isfinite(sigma) and sigma >= 0):
            raise ValueError(f"sigma must be a number of pixels, at least 0, not {sigma}")
        _, _, height, width = gradient.shape
        down, right = index(shift_y) % height, index(shift_x) % width
        weights = gaussian(sigma)
        out = np.empty((height, width, 3), np.float32)

        def fill(first: int, last: int) -> None:
            self._loops.unjitter_blur(
                gradient, down, right, std, bool(bgr), weights, out, first, last
            )

        over_bands(fill, height, threads)
        return out

    def mean_abs(self, gradient: _Floats, threads: int = 1) -> float:
        """Return the mean absolute value of an array.

        Parameters
        ----------
        gradient : float32 array, any shape
        threads : int
            How many threads may work at once.

        Raises
        ------
        ValueError
            The array or the number of threads is impossible.
        """
        _check("gradient", gradient, (None,) * np.ndim(gradient))
        values = gradient.reshape(-1)
        sums = np.empty(-(-values.size // _BLOCK))

        def fill(first: int, last: int) -> None:
            self._loops.absolute_block_sums(values, _BLOCK, sums, first, last)

        over_bands(fill, sums.size, threads)
        # accumulate adds one after the other, sum would not.
        return float(np.add.accumulate(sums)[-1]) / values.size

    def ascend(
        self, picture: _Floats, gradient: _Floats, step_size: float, threads: int = 1
    ) -> tuple[_Floats, float]:
        """Return a picture one step up a gradient, and the mean |gradient|.

        The gradient is divided by its mean absolute value over all pixels and
        channels, as google/deepdream did in 2015: picture + step_size / 255 * gradient
        / mean |gradient|, clipped to 0..1. There is no epsilon in it, for gradients
        around 1e-8 are the rule.

        Parameters
        ----------
        picture : float32 array, (H, W, 3)
            RGB, 0 to 1.
        gradient : float32 array, (H, W, 3)
            With respect to the picture.
        step_size : float
            How far the mean value moves, in 8-bit grey levels; negative is down.
        threads : int
            How many threads may work at once.

        Returns
        -------
        picture : float32 array, (H, W, 3)
            RGB, 0 to 1; a copy of the old one where the mean is zero or not finite.
        mean_abs : float
            The mean |gradient|, for the caller to test.

        Raises
        ------
        ValueError
            An array, step_size or the number of threads is impossible.
        """
        _check("picture", picture, (None, None, 3))
        _check("gradient", gradient, picture.shape)
        if not math.isfinite(step_size):
            raise ValueError(f"step_size must be a number of grey levels, not {step_size}")
        mean = self.mean_abs(gradient, threads)
        if mean == 0 or not math.isfinite(mean):
            return picture.copy(), mean
        out = np.empty_like(picture)

        def fill(first: int, last: int) -> None:
            self._loops.ascend(picture, gradient, step_size, mean, out, first, last)

        over_bands(fill, len(picture), threads)
        return out, mean


def _check(name: str, array: _Floats, shape: tuple[int | None, ...]) -> None:
    """Raise ValueError unless the array is one a loop can run over; None is any side."""
    if not isinstance(array, np.ndarray) or array.dtype != np.float32:
        kind = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        raise ValueError(f"{name} must be a float32 array, not {kind}")
    fits = array.ndim == len(shape) and all(
        side in (None, actual) for side, actual in zip(shape, array.shape, strict=True)
    )
    if not fits or array.size == 0:
        expected = ", ".join("any" if side is None else str(side) for side in shape)
        raise ValueError(f"{name} must be of shape ({expected}) and not empty, not {array.shape}")
    if not array.flags.c_contiguous:
        raise ValueError(f"{name} must be C-contiguous; numpy.ascontiguousarray makes it so")
