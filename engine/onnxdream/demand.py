"""How much memory a dream takes, known before it is taken."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from .errors import NetworkFormatError, OutOfMemoryError
from .graph import IMAGE, Graph, cut, infer
from .octaves import working_size

__all__ = ["Demand", "activation_bytes", "check_memory", "spelled"]

_SIDE = 512
"""So large an image tells what one of any size takes for a pixel."""

_SHARE = {"accelerated": 0.5, "portable": 1.25}
"""How much memory a step takes, as a share of the activations of the forward pass.

Measured on the embedded networks at 1024×1024: 0.25 to 0.35 and 0.47 to 0.61 accelerated,
where expanded tensors are not stored; 0.84 to 1.25 and 0.92 to 1.07 portable."""

_FLOATS = 3 * np.dtype(np.float32).itemsize

_PICTURES = 6
"""How many pictures of the working size there are at once, in float32."""

_LEAST = 64
"""No smaller size is advised."""


def activation_bytes(graph: Graph, layers: Iterable[str], lowering: str) -> float:
    """About how many bytes a step takes for each pixel of an image.

    Parameters
    ----------
    graph : Graph
        A network.
    layers : iterable of str
        The tensors that are amplified.
    lowering : str
        How its gradient is spelled.

    Returns
    -------
    float
        0 where the shapes are not known.
    """
    image = graph.inputs[IMAGE]
    part = cut(graph, dict.fromkeys(layers, replace(image, shape=None)))
    try:
        shapes = infer(part, _SIDE, _SIDE)
    except NetworkFormatError:
        return 0.0
    made = {name for node in part.nodes for name in node.outputs if name}
    elements = sum(math.prod(shapes[name]) for name in made if name in shapes)
    return np.dtype(np.float32).itemsize * _SHARE[lowering] * elements / _SIDE**2


@dataclass(frozen=True)
class Demand:
    """What a dream takes.

    Parameters
    ----------
    full : pair of int
        The height and width of the picture.
    step : float
        What a step takes for each pixel of the working size, in bytes.
    depth : int
        What is kept for each pixel of the picture, in bytes: it, its dream, and
        what its encoder makes of that.
    least : int
        The least height and width that the network takes.
    """

    full: tuple[int, int]
    step: float
    depth: int
    least: int = 1

    def bytes_at(self, size: int | str) -> float:
        """About how many bytes that is at a size, as a recipe names it."""
        working = working_size(*self.full, size)
        whole = math.prod(self.full)
        # A picture that is shrunken is all float32 first, which is gone when a step is taken.
        shrunken = 0 if working == self.full else _FLOATS * whole
        pixels = math.prod(max(side, self.least) for side in working)
        return self.depth * whole + max(shrunken, (self.step + _PICTURES * _FLOATS) * pixels)

    def fitting(self, usable: int) -> int | None:
        """The largest size that takes no more than so many bytes, if there is one."""
        low, high = _LEAST - 1, max(self.full)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.bytes_at(middle) <= usable else (low, middle - 1)
        return low if low >= _LEAST else None


def check_memory(usable: int | None, demand: Demand, size: int | str) -> None:
    """Refuse a dream that does not fit into memory.

    Parameters
    ----------
    usable : int or None
        How many bytes it may take; None where nothing limits it.
    demand : Demand
        What it takes.
    size : int or "full"
        The size of its recipe.

    Raises
    ------
    OutOfMemoryError
        If it would take more; the message names a size that fits.
    """
    needed = demand.bytes_at(size)
    if usable is None or needed <= usable:
        return
    fitting = demand.fitting(usable)
    advice = "shrink the picture" if fitting is None else f"dream at a size of {fitting} pixels"
    raise OutOfMemoryError(
        f"There is not enough memory: the dream would take about {spelled(needed)}, "
        f"and {spelled(usable)} may be used; {advice}, or allow more memory."
    )


def spelled(amount: float) -> str:
    """An amount of memory as messages show it."""
    return f"{amount / 1e9:.2f} GB" if amount >= 1e9 else f"{amount / 1e6:.0f} MB"
