"""Every setting of a dream, as data."""

from .files import MOST_BYTES, decode, descriptions, to_json, to_toml
from .presets import DEFAULT_PRESET, PRESETS, Preset, recipe_from
from .record import FORMS, Form, Layers, Recipe
from .settings import Settings

__all__ = [
    "DEFAULT_PRESET",
    "FORMS",
    "MOST_BYTES",
    "PRESETS",
    "Form",
    "Layers",
    "Preset",
    "Recipe",
    "Settings",
    "decode",
    "descriptions",
    "recipe_from",
    "to_json",
    "to_toml",
]
