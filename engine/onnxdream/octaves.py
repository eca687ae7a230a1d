"""How large the octaves of a dream are, and a picture that is large enough for one."""

from __future__ import annotations

import logging
import math

import numpy as np

__all__ = ["octave_count", "octave_sizes", "reflected", "working_size"]

log = logging.getLogger(__name__)


_SMALLEST = 70
"""The least shorter side of the smallest octave, in pixels, where their number follows
the picture: forms that fill it are as large as the picture in the end."""


def working_size(height: int, width: int, size: int | str) -> tuple[int, int]:
    """The height and width at which a picture is dreamed.

    Parameters
    ----------
    height, width : int
        Of the picture, in pixels.
    size : int or "full"
        The longer side in pixels, unless the picture is smaller.
    """
    longer = max(height, width)
    if isinstance(size, str) or longer <= size:
        return height, width
    return max(1, round(height * size / longer)), max(1, round(width * size / longer))


def octave_count(height: int, width: int, octaves: int | str, scale: float, least: int) -> int:
    """How many octaves a picture has.

    Parameters
    ----------
    height, width : int
        At which is dreamed, in pixels.
    octaves : int or "auto"
        How many there are; "auto" counts them down to a shorter side of 70 pixels.
    scale : float
        The ratio of an octave's sides to those of the one before, above 1.
    least : int
        The least height and width that the network takes, in pixels.
    """
    if not isinstance(octaves, str):
        return octaves
    ratio = min(height, width) / max(_SMALLEST, least)
    return 1 + max(0, math.floor(math.log(ratio, scale) + 1e-9))


def octave_sizes(
    height: int, width: int, octaves: int, scale: float, least: int
) -> list[tuple[int, int]]:
    """The height and width of each octave, from small to large.

    Parameters
    ----------
    height, width : int
        Of the picture, in pixels, which are those of the last octave.
    octaves : int
        How many there are, at least 1; those below the least size are left out.
    scale : float
        The ratio of an octave's sides to those of the one before, above 1.
    least : int
        The least height and width that the network takes, in pixels.
    """
    scales = [scale**k for k in reversed(range(octaves))]
    sizes = [(round(height / each), round(width / each)) for each in scales]
    kept = [size for size in sizes if min(size) >= least]
    if len(kept) < octaves:
        log.info(
            "Left out %d of %d octaves: the network needs at least %d pixels each way.",
            octaves - len(kept),
            octaves,
            least,
        )
    return kept


def reflected(pixels: np.ndarray, least: int) -> tuple[np.ndarray, tuple[slice, slice]]:
    """A picture of at least so many pixels each way, and where in it the original lies.

    Parameters
    ----------
    pixels : ndarray, shape (H, W, 3)
        A picture of any size; it is mirrored at its edges where it is too small.
    least : int
        The least height and width, in pixels.
    """
    height, width = pixels.shape[:2]
    top, left = max(0, least - height) // 2, max(0, least - width) // 2
    crop = slice(top, top + height), slice(left, left + width)
    bottom, right = max(0, least - height - top), max(0, least - width - left)
    if any((top, bottom, left, right)):
        pixels = np.pad(pixels, [(top, bottom), (left, right), (0, 0)], mode="symmetric")
    return pixels, crop
