"""Every setting of a dream, validated once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any

from .errors import RecipeError
from .ranges import among, number_within, said, whole_number_within

__all__ = ["PRESETS", "Recipe", "recipe_from"]


@dataclass(frozen=True)
class Recipe:
    """All settings of a dream; with the same input and provider they give the same bytes.

    The defaults are those of google/deepdream (2015), and a light blur of the
    gradient, which takes away coloured pixel noise and keeps the forms.

    Parameters
    ----------
    octaves : int
        How many scales of the image pyramid, at least 1.
    octave_scale : float
        The ratio of an octave's sides to those of the next smaller one, above 1.
    steps : int
        Gradient ascent steps an octave, at least 1.
    step_size : float
        How far the mean pixel moves in a step, in 8-bit grey levels, above 0.
    jitter : int
        The picture is rolled by up to so many pixels each way before a step.
    blur : float
        σ of the Gaussian blur of the gradient, in pixels; 0 for none.
    resize : {"bilinear", "bicubic", "area"}
        The filter that resizes octaves.
    seed : int
        The seed of the jitter's random numbers, at least 0.

    Raises
    ------
    RecipeError
        If a setting is impossible.
    """

    octaves: int = 4
    octave_scale: float = 1.4
    steps: int = 10
    step_size: float = 1.5
    jitter: int = 32
    blur: float = 0.7
    resize: str = "bilinear"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, (low, high) in _COUNTS.items():
            count = whole_number_within(name, getattr(self, name), low, high)
            object.__setattr__(self, name, count)
        for name, (least, most) in _MEASURES.items():
            measure = number_within(name, getattr(self, name), least, most)
            object.__setattr__(self, name, measure)
        if not among(self.resize, _FILTERS):
            raise RecipeError(
                f"resize must be one of {', '.join(_FILTERS)}, not {said(self.resize)}."
            )


_COUNTS = {
    "octaves": (1, 64),
    "steps": (1, 100_000),
    "jitter": (0, 100_000),
    "seed": (0, 2**63 - 1),
}

_MEASURES = {
    "octave_scale": (1.01, 16),
    "step_size": (1e-6, 255),
    "blur": (0, 100),
}

_FILTERS = ("bilinear", "bicubic", "area")

PRESETS: Mapping[str, Recipe] = MappingProxyType(
    {
        "default": Recipe(),
        "google2015": Recipe(blur=0.0),
    }
)
"""Recipes with a name."""


def recipe_from(recipe: Recipe | str, settings: Mapping[str, Any]) -> Recipe:
    """A recipe, or the preset of that name, with some settings changed.

    Raises
    ------
    RecipeError
        If there is no such preset or setting, or a setting is impossible.
    """
    if isinstance(recipe, str):
        if recipe not in PRESETS:
            raise RecipeError(
                f"There is no preset {said(recipe)}; choose one of {', '.join(PRESETS)}."
            )
        recipe = PRESETS[recipe]
    if not isinstance(recipe, Recipe):
        raise RecipeError(f"A recipe is a Recipe or the name of a preset, not {said(recipe)}.")
    known = {f.name for f in fields(Recipe)}
    unknown = sorted(set(settings) - known)
    if unknown:
        names = ", ".join(sorted(known))
        raise RecipeError(f"There is no setting {unknown[0]!r}; there are {names}.")
    return replace(recipe, **settings)
