"""Recipes with a name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from ..errors import RecipeError
from ..ranges import said
from .record import FORMS, Layers, Recipe

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


_ANIMALS = {"block9": 1.0, "block10": 1.0, "block11": 1.0}


def _lite(layers: Layers, **settings: Any) -> Recipe:
    return Recipe(network="efficientnet-lite0", layers=layers, **settings)  # type: ignore[arg-type]


def _squeeze(layers: Layers, **settings: Any) -> Recipe:
    return Recipe(network="squeezenet", layers=layers, **settings)  # type: ignore[arg-type]


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "animals": Preset(
            _lite(_ANIMALS),
            "dogs' heads, muzzles and eyes, whole animals in the sky: the look of 2015",
        ),
        "hints": Preset(
            _lite(_ANIMALS, steps=10, step_size=0.7),
            "the photograph as it is, with animals hidden in its bushes and clouds",
        ),
        "eyes": Preset(
            _squeeze("fire6", steps=15, step_size=1.5),
            "hundreds of staring, ringed eyes, in blue and orange",
        ),
        "swirls": Preset(
            _squeeze("fire5", steps=10, step_size=1.5),
            "thick brush strokes that curl around small eyes",
        ),
        "spirals": Preset(
            _lite("block7/add", steps=15),
            "rows of beads in arcs, loops and coils around every outline",
        ),
        "patchwork": Preset(
            _lite("block4", steps=10, blur=0.7),
            "pastel patches with ribs and seams, like a quilt",
        ),
        "strokes": Preset(
            _lite("block3", steps=10, step_size=1.5, blur=0.7),
            "short carved strokes, like a coloured woodcut; faces stay themselves",
        ),
        "beads": Preset(
            _lite("block11/project", step_size=1.5),
            "berries, corn and jewels: clusters of round things",
        ),
        "google2015": Preset(
            _lite("block9", size="full", octaves=4, steps=10, step_size=1.5, blur=0.0),
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
            raise RecipeError(
                f"There is no preset {said(recipe)}; choose one of {', '.join(PRESETS)}."
            )
        recipe = PRESETS[recipe].recipe
    if not isinstance(recipe, Recipe):
        raise RecipeError(f"A recipe is a Recipe or the name of a preset, not {said(recipe)}.")
    unknown = sorted(set(settings) - set(FORMS))
    if unknown:
        names = ", ".join(sorted(FORMS))
        raise RecipeError(f"There is no setting {unknown[0]!r}; there are {names}.")
    changed = dict(settings)
    network = changed.get("network", recipe.network)
    if isinstance(network, str) and network != recipe.network:
        changed = {"layers": {}, "preprocessing": None} | changed
    return msgspec.structs.replace(recipe, **changed)
