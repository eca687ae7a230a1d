"""What a step may be made of beside the gradient: a table, in the order of the parts.

A part stands between the gradient with respect to the picture and the move. What a
recipe does not ask for is not in the graph. To add one: an entry here, a setting in
`Recipe`, and the operators that it appends in the tables of `lowering`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..graph import DOMAIN, PREFIX, Builder, Tensor
from ..kernels import gaussian
from ..recipe import Recipe

__all__ = ["BLUR", "PARTS", "Part", "parts_of", "values_of"]

BLUR = f"{PREFIX}step/blur"
"""Input: float32 [2r + 1], the filter that smooths the gradient along both axes."""


@dataclass(frozen=True)
class Part:
    """One part of a step.

    Parameters
    ----------
    asked : callable
        Whether a recipe asks for it.
    inputs : mapping of str to Tensor
        The graph inputs that it reads, which stay the same for an octave.
    values : callable
        What a recipe puts into these inputs.
    append : callable
        Appends its nodes: takes a builder and the gradient with respect to the
        picture, [H, W, 3], and returns what becomes of it.
    """

    asked: Callable[[Recipe], bool]
    inputs: Mapping[str, Tensor]
    values: Callable[[Recipe], Mapping[str, np.ndarray]]
    append: Callable[[Builder, str], str]


PARTS: Mapping[str, Part] = {
    "blur": Part(
        asked=lambda recipe: recipe.blur > 0,
        inputs={BLUR: Tensor(np.dtype(np.float32), ("taps",))},
        values=lambda recipe: {BLUR: gaussian(recipe.blur)},
        append=lambda b, gradient: b("Blur", gradient, BLUR, domain=DOMAIN),
    ),
}
"""Every part by its name, in the order in which they follow each other."""


def parts_of(recipe: Recipe) -> tuple[str, ...]:
    """The names of the parts that a recipe asks for, in order."""
    return tuple(name for name, part in PARTS.items() if part.asked(recipe))


def values_of(recipe: Recipe, parts: Sequence[str]) -> dict[str, np.ndarray]:
    """What a recipe puts into the inputs of some parts."""
    return {name: value for p in parts for name, value in PARTS[p].values(recipe).items()}
