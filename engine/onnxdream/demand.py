"""How much memory a dream takes, known before it is taken."""

from __future__ import annotations

import math

import numpy as np

from .errors import NetworkFormatError, OutOfMemoryError
from .graph import Graph, infer

__all__ = ["activation_bytes", "check_memory"]

_SIDE = 512
"""So large an image tells what one of any size takes for a pixel."""

_SHARE = {"accelerated": 0.65, "portable": 1.25}
"""How much memory a step takes, as a share of the activations of the forward pass.

Measured on the embedded networks at 1024×1024: 0.35 and 0.61 accelerated, where expanded
tensors are not stored; 1.25 and 0.92 portable."""

_PICTURES = 6
"""How many pictures of the working size there are at once, in float32."""


def activation_bytes(graph: Graph, lowering: str) -> float:
    """About how many bytes a step takes for each pixel of an image.

    Parameters
    ----------
    graph : Graph
        A forward graph up to the layers that are amplified.
    lowering : str
        How its gradient is spelled.

    Returns
    -------
    float
        0 where the shapes are not known.
    """
    try:
        shapes = infer(graph, _SIDE, _SIDE)
    except NetworkFormatError:
        return 0.0
    made = {name for node in graph.nodes for name in node.outputs if name}
    elements = sum(math.prod(shapes[name]) for name in made if name in shapes)
    return np.dtype(np.float32).itemsize * _SHARE[lowering] * elements / _SIDE**2


def check_memory(
    usable: int | None, full: tuple[int, int], working: tuple[int, int], step: float, depth: int
) -> None:
    """Refuse a dream that does not fit into memory.

    Parameters
    ----------
    usable : int or None
        How many bytes it may take; None where nobody knows.
    full, working : pair of int
        The height and width of the picture, and of its dream.
    step : float
        What a step takes for each pixel, in bytes.
    depth : int
        Bytes of the picture and its dream together, for each pixel.

    Raises
    ------
    OutOfMemoryError
        If it would take more; the message names a size that fits.
    """
    if usable is None:
        return
    each = step + _PICTURES * 3 * np.dtype(np.float32).itemsize
    kept = depth * math.prod(full)
    needed = kept + each * math.prod(working)
    if needed <= usable:
        return
    told = f"The dream would take about {_spelled(needed)}, and {_spelled(usable)} may be used"
    side = int(max(working) * math.sqrt(max(0, usable - kept) / (each * math.prod(working))))
    if side < _LEAST:
        raise OutOfMemoryError(f"{told}: shrink the picture, or allow more memory.")
    raise OutOfMemoryError(f"{told}: dream at a size of {side} pixels, or allow more memory.")


_LEAST = 64


def _spelled(amount: float) -> str:
    return f"{amount / 1e9:.2f} GB" if amount >= 1e9 else f"{amount / 1e6:.0f} MB"
