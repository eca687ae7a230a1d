"""Odd settings: recipes, weights of layers, and what a network says of itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import numpy as np

import small_networks
from onnxdream import PRESETS, Dreamer, Machine, Preprocessing, Recipe
from onnxdream.graph import read_card
from onnxdream.octaves import octave_count, octave_sizes, working_size
from onnxdream.provenance import Input, Provenance, Used
from onnxdream.recipe import FORMS, decode, recipe_from, to_json, to_toml

from ..damage import DAMAGES, damaged, seeds
from ..odd_values import odd, odd_json, value_of
from ..target import BrokenError, Outcome, Plan, Target, check_finite

__all__ = ["TARGET"]

_CARD = "format title mean std channels value_range least_size layers default_layers source hash"
_PICTURE = np.random.default_rng(0).random((19, 26, 3), np.float32)


@cache
def _dreamer() -> Dreamer:
    network = small_networks.network_of(small_networks.convnet())
    return Dreamer(network, "second", machine=Machine("cpu", threads=1))


def _said(names: list[str], random: Random) -> dict[str, Any]:
    return {random.choice(names): odd(random) for _ in range(random.choice((1, 1, 2, 4)))}


def _values(spelled: dict[str, Any]) -> dict[str, Any]:
    return {name: value_of(value) for name, value in spelled.items()}


def _draw_recipe(random: Random) -> Plan:
    names = [*FORMS, *FORMS, "octavs", ""]
    preset = random.choice((*PRESETS, *PRESETS, "none"))
    return {"preset": preset, "settings": _said(names, random), "dream": random.random() < 0.5}


def _try_recipe(plan: Plan) -> str:
    recipe = recipe_from(plan["preset"], _values(plan["settings"]))
    _check(recipe)
    if not plan["dream"]:
        return "a recipe"
    # All of it but the effort, and on the network that is at hand.
    steps = min(recipe.steps, 2)
    mild = msgspec.structs.replace(recipe, steps=steps, network=None, layers={}, preprocessing=None)
    dreamt = _dreamer().dream_array(_PICTURE, mild)
    check_finite("A dream", dreamt)
    if dreamt.shape != _PICTURE.shape or dreamt.min() < 0 or dreamt.max() > 1:
        raise BrokenError("promise", f"a dream of {dreamt.shape}, {dreamt.min()} to {dreamt.max()}")
    return "a dream"


def _check(recipe: Recipe) -> None:
    """What every recipe promises."""
    for name, form in FORMS.items():
        if name in ("network", "preprocessing", "layers"):
            continue
        value = getattr(recipe, name)
        if form.checked(name, value) != value:
            raise BrokenError("promise", f"{name} is {value!r}")
    if (
        decode(to_toml(recipe), "it", True) != recipe
        or decode(to_json(recipe), "it", False) != recipe
    ):
        raise BrokenError("promise", f"it is written otherwise than it is read: {recipe}")
    scale = recipe.octave_scale
    height, width = working_size(480, 640, recipe.size)
    if min(height, width) >= 16:
        count = octave_count(height, width, recipe.octaves, scale, 16)
        sizes = octave_sizes(height, width, count, scale, 16)
        if not sizes or sizes[-1] != (height, width) or min(map(min, sizes)) < 16:
            raise BrokenError("promise", f"the octaves are {sizes}")


def _draw_file(random: Random) -> Plan:
    values = {random.choice(list(FORMS)): odd_json(random) for _ in range(random.choice((0, 1, 3)))}
    toml = random.random() < 0.5
    return {
        "values": values,
        "toml": toml,
        "damage": seeds(random, 4) if random.random() < 0.7 else [],
    }


def _try_file(plan: Plan) -> str:
    recipe = PRESETS["animals"].recipe
    text = (
        to_toml(recipe)
        if plan["toml"]
        else json.dumps(json.loads(to_json(recipe)) | plan["values"])
    )
    if plan["toml"]:
        # A second key of one name is damage enough: the others are in front of the tables.
        lines = [f"{name} = {json.dumps(value)}" for name, value in plan["values"].items()]
        text = "\n".join([*lines, text])
    content = damaged(text.encode("utf-8", "surrogatepass"), plan["damage"], DAMAGES)
    _check(decode(content, "it", plan["toml"]))
    return "a recipe from a file"


def _draw_record(random: Random) -> Plan:
    return {
        "values": {
            random.choice(_RECORD): odd_json(random) for _ in range(random.choice((0, 1, 2)))
        },
        "damage": seeds(random, 4) if random.random() < 0.7 else [],
    }


_RECORD = Provenance.__struct_fields__


def _try_record(plan: Plan) -> str:
    used = Used.here("0" * 64, "cpu", "portable", "fp32", 1)
    record = Provenance(
        recipe=PRESETS["animals"].recipe,
        input=Input(width=26, height=19, sha256="0" * 64),
        used=used,
        octaves=[(26, 19)],
        strength=1.0,
        rms=2.0,
    )
    text = json.dumps(json.loads(record.texts()["onnxdream"]) | plan["values"])
    content = damaged(text.encode("utf-8", "surrogatepass"), plan["damage"], DAMAGES)
    found = Provenance.of({"onnxdream": content.decode("utf-8", "replace")}, "it")
    _check(found.recipe)
    str(found)
    found.used.differences(used)
    return "a record of a dream"


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
    return {"fed": _said(list(Preprocessing.__struct_fields__), random)}


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
    with Dreamer(_dreamer().network, layers, machine=Machine("cpu", threads=1)) as dreamer:
        loss, gradient = dreamer.gradient(_PICTURE)
    check_finite("A gradient", loss, gradient)
    return "a gradient"


_KINDS: dict[str, tuple[Callable[[Random], Plan], Callable[[Plan], str]]] = {
    "settings": (_draw_recipe, _try_recipe),
    "card": (_draw_card, _try_card),
    "preprocessing": (_draw_preprocessing, _try_preprocessing),
    "layers": (_draw_layers, _try_layers),
    "file": (_draw_file, _try_file),
    "record": (_draw_record, _try_record),
}
"""What strangers may say, how that is drawn, and what is done with it."""


def plan(random: Random) -> Plan:
    kind = random.choice(("settings", *_KINDS))
    return {"kind": kind} | _KINDS[kind][0](random)


def attack(plan: Plan, folder: Path, content: bytes) -> Outcome:
    return Outcome(_KINDS[plan["kind"]][1](plan))


TARGET = Target("settings of odd types and sizes", plan, attack)
