"""Odd settings: recipes, weights of layers, and what a network says of itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

import small_networks
from onnxdream import PRESETS, Dreamer, Preprocessing, Recipe
from onnxdream.graph import read_card
from onnxdream.octaves import octave_sizes
from onnxdream.recipe import recipe_from

from ..odd_values import odd, odd_json, value_of
from ..target import BrokenError, Outcome, Plan, Target, check_finite

__all__ = ["TARGET"]

_CARD = "format title mean std channels value_range least_size layers default_layers source hash"
_PICTURE = np.random.default_rng(0).random((19, 26, 3), np.float32)


@cache
def _dreamer() -> Dreamer:
    network = small_networks.network_of(small_networks.convnet())
    return Dreamer(network, "second", threads=1, provider="cpu")


def _said(names: list[str], random: Random) -> dict[str, Any]:
    return {random.choice(names): odd(random) for _ in range(random.choice((1, 1, 2, 4)))}


def _values(spelled: dict[str, Any]) -> dict[str, Any]:
    return {name: value_of(value) for name, value in spelled.items()}


def _draw_recipe(random: Random) -> Plan:
    names = [*(f.name for f in fields(Recipe)), *(f.name for f in fields(Recipe)), "octavs", ""]
    preset = random.choice((*PRESETS, *PRESETS, "none"))
    return {"preset": preset, "settings": _said(names, random), "dream": random.random() < 0.5}


def _try_recipe(plan: Plan) -> str:
    recipe = recipe_from(plan["preset"], _values(plan["settings"]))
    for field in fields(Recipe):
        if not isinstance(getattr(recipe, field.name), type(field.default)):
            raise BrokenError("promise", f"{field.name} is {getattr(recipe, field.name)!r}")
    sizes = octave_sizes(480, 640, recipe.octaves, recipe.octave_scale, 16)
    if not sizes or sizes[-1] != (480, 640) or min(map(min, sizes)) < 16:
        raise BrokenError("promise", f"the octaves are {sizes}")
    if not plan["dream"]:
        return "a recipe"
    # All of it but the effort.
    dreamt = _dreamer().dream_array(_PICTURE, replace(recipe, steps=min(recipe.steps, 2)))
    check_finite("A dream", dreamt)
    if dreamt.shape != _PICTURE.shape or dreamt.min() < 0 or dreamt.max() > 1:
        raise BrokenError("promise", f"a dream of {dreamt.shape}, {dreamt.min()} to {dreamt.max()}")
    return "a dream"


def _draw_card(random: Random) -> Plan:
    names = _CARD.split()
    said = {random.choice(names): json.dumps(odd_json(random)) for _ in range(random.randint(1, 4))}
    if random.random() < 0.3:
        said[random.choice(names)] = random.choice(
            ("", "{", "[" * 9999, "nan", "1e999", '"\\ud800"')
        )
    return {"card": {"format": "1"} | said}


def _try_card(plan: Plan) -> str:
    card = read_card({f"onnxdream.{name}": value for name, value in plan["card"].items()})
    if card is None:
        raise BrokenError("promise", "the card was not seen")
    preprocessing = card.preprocessing
    network = replace_card(card)
    weights = network.weights(None) if card.default_layers else {}
    check_finite("A card", *weights.values(), preprocessing.unit_mean, preprocessing.unit_std)
    return "a card"


def replace_card(card: Any) -> Any:
    return small_networks.network_of(small_networks.convnet(), card)


def _draw_preprocessing(random: Random) -> Plan:
    return {"fed": _said([f.name for f in fields(Preprocessing)], random)}


def _try_preprocessing(plan: Plan) -> str:
    fed = Preprocessing(**_values(plan["fed"]))
    check_finite("What is subtracted and divided by", fed.unit_mean, fed.unit_std)
    if fed.unit_std.min() <= 0:
        raise BrokenError("promise", f"pixels are divided by {fed.unit_std}")
    return "a preprocessing"


def _draw_layers(random: Random) -> Plan:
    names = ["second", "first", "pool", "@1", "@99", "@", "", "second/conv", "image", "nothing"]
    return {"layers": _said(names, random), "alone": random.random() < 0.3}


def _try_layers(plan: Plan) -> str:
    layers: Any = _values(plan["layers"])
    if plan["alone"]:
        layers = next(iter(layers.values()))
    weights = _dreamer().network.weights(layers)
    check_finite("The weights", *weights.values())
    with Dreamer(_dreamer().network, layers, threads=1, provider="cpu") as dreamer:
        loss, gradient = dreamer.gradient(_PICTURE)
    check_finite("A gradient", loss, gradient)
    return "a gradient"


_KINDS: dict[str, tuple[Callable[[Random], Plan], Callable[[Plan], str]]] = {
    "settings": (_draw_recipe, _try_recipe),
    "card": (_draw_card, _try_card),
    "preprocessing": (_draw_preprocessing, _try_preprocessing),
    "layers": (_draw_layers, _try_layers),
    # Recipes that are decoded from TOML, JSON and pictures: an entry each, when they come.
}
"""What strangers may say, how that is drawn, and what is done with it."""


def plan(random: Random) -> Plan:
    kind = random.choice(("settings", *_KINDS))
    return {"kind": kind} | _KINDS[kind][0](random)


def attack(plan: Plan, folder: Path, content: bytes) -> Outcome:
    return Outcome(_KINDS[plan["kind"]][1](plan))


TARGET = Target("settings of odd types and sizes", plan, attack)
