"""Recipes with a name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from ..errors import RecipeError
from .record import FORMS, Recipe

__all__ = ["DEFAULT_PRESET", "PRESETS", "Preset", "recipe_from"]

DEFAULT_PRESET = "animals"
"""The preset that is dreamed when none is named."""


class Preset(NamedTuple):
    """A recipe with a name.

    Parameters
    ----------
    recipe : Recipe
        Its settings.
    shows : str
        What one sees.
    """

    recipe: Recipe
    shows: str


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "animals": Preset(
            Recipe(network="efficientnet-lite0", layers={"block9": 1.0, "block11": 1.0}),
            "muzzles, eyes and whole animals: the look of 2015",
        ),
        "google2015": Preset(
            Recipe(
                network="efficientnet-lite0",
                layers={"block9": 1.0},
                size="full",
                octaves=4,
                steps=10,
                blur=0.0,
            ),
            "the numbers of google/deepdream, on an embedded network",
        ),
    }
)
"""Every preset, by its name."""


def recipe_from(recipe: Recipe | str, settings: Mapping[str, Any]) -> Recipe:
    """A recipe, or the preset of that name, with some settings changed.

    Layers belong to a network: where another one is named, the recipe's own are
    forgotten, with how its network is fed.

    Raises
    ------
    RecipeError
        If there is no such preset or setting, or a setting is impossible.
    """
    if isinstance(recipe, str):
        if recipe not in PRESETS:
            raise RecipeError(f"There is no preset {recipe!r}; choose one of {', '.join(PRESETS)}.")
        recipe = PRESETS[recipe].recipe
    if not isinstance(recipe, Recipe):
        raise RecipeError(f"A recipe is a Recipe or the name of a preset, not {recipe!r}.")
    unknown = sorted(set(settings) - set(FORMS))
    if unknown:
        names = ", ".join(sorted(FORMS))
        raise RecipeError(f"There is no setting {unknown[0]!r}; there are {names}.")
    changed = dict(settings)
    if changed.get("network", recipe.network) != recipe.network:
        changed = {"layers": {}, "preprocessing": None} | changed
    return msgspec.structs.replace(recipe, **changed)
