"""The same picture under many conditions."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import StringIO
from itertools import product
from typing import Any, NamedTuple

from .dreamer import Dreamer, dreamer_for
from .errors import RecipeError
from .images import Picture
from .progress import Progress
from .provenance import Provenance
from .recipe import FORMS, PRESETS, Recipe, recipe_from
from .runtime import Machine

__all__ = ["Condition", "Dreamt", "conditions", "manifest", "sweep"]

_MOST = 10_000
_PRESET = "preset"


class Condition(NamedTuple):
    """One of the recipes of a sweep.

    Parameters
    ----------
    label : str
        What sets it apart: ``"steps=5, preset=eyes"``.
    settings : mapping of str to str
        The same, by the name of what varies.
    recipe : Recipe
        All its settings.
    """

    label: str
    settings: Mapping[str, str]
    recipe: Recipe


class Dreamt(NamedTuple):
    """A dream of a sweep.

    Parameters
    ----------
    condition : Condition
        How it was dreamed.
    picture : Picture
        The dream.
    provenance : Provenance
        The record that it carries.
    """

    condition: Condition
    picture: Picture
    provenance: Provenance

    def row(self) -> dict[str, object]:
        """What a manifest says of it: the condition, seed, hashes and difference."""
        record = self.provenance
        return {
            **self.condition.settings,
            "seed": record.recipe.seed,
            "rms": round(record.rms, 4),
            "strength": round(record.strength, 6),
            "input_sha256": record.input.sha256,
            "network_sha256": record.used.network,
            "dream_sha256": self.picture.sha256(),
        }


def conditions(
    varied: Sequence[str], recipe: Recipe | str, settings: Mapping[str, Any]
) -> list[Condition]:
    """Every combination of what varies.

    Parameters
    ----------
    varied : sequence of str
        ``"steps=5,10,20"`` or ``"preset=animals,eyes"``: a setting, and its values.
    recipe : Recipe or str
        What does not vary, or the name of a preset.
    settings : mapping of str to object
        What is changed of it.

    Returns
    -------
    list of Condition
        The last setting varies fastest.

    Raises
    ------
    RecipeError
        If there is no such setting, a value is impossible, or there are too many.
    """
    axes = dict(_axis(text) for text in varied)
    if len(axes) < len(varied):
        raise RecipeError("A setting varies twice: name each once, with all its values.")
    count = math.prod(len(values) for values in axes.values())
    if count > _MOST:
        raise RecipeError(f"{count} conditions are too many: at most {_MOST} are dreamed.")
    found = []
    for combination in product(*axes.values()):
        chosen = dict(zip(axes, combination, strict=True))
        base = chosen.get(_PRESET, recipe)
        changed = {n: _value(n, text) for n, text in chosen.items() if n != _PRESET}
        label = ", ".join(f"{name}={text}" for name, text in chosen.items())
        found.append(Condition(label, chosen, recipe_from(base, {**settings, **changed})))
    return found


def sweep(
    picture: Picture,
    conditions: Iterable[Condition],
    machine: Machine | None = None,
    progress: Callable[[Progress], object] | None = None,
) -> Iterator[Dreamt]:
    """Dream a picture under each condition; a network is loaded once.

    Parameters
    ----------
    picture : Picture
        What `onnxdream.images.read` returned.
    conditions : iterable of Condition
        What `conditions` returned.
    machine : Machine, optional
        Where to run, and how.
    progress : callable, optional
        Called after every step.
    """
    dreamers: dict[Any, Dreamer] = {}
    try:
        for condition in conditions:
            recipe = condition.recipe
            key = recipe.network, recipe.preprocessing
            if key not in dreamers:
                dreamers[key] = dreamer_for(recipe, machine)
            layers = recipe.layers or dreamers[key].network.weights(None)
            dreamt = dreamers[key].dream_picture(picture, recipe, progress=progress, layers=layers)
            yield Dreamt(condition, dreamt, Provenance.of(dreamt.texts, condition.label))
    finally:
        for dreamer in dreamers.values():
            dreamer.close()


def manifest(rows: Sequence[Mapping[str, object]]) -> str:
    """A table of what was dreamed, as CSV with a header.

    Parameters
    ----------
    rows : sequence of mapping of str to object
        Of the same names.
    """
    text = StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _axis(text: str) -> tuple[str, list[str]]:
    name, found, values = text.partition("=")
    name = name.strip().replace("-", "_")
    if not found or not values:
        raise RecipeError(f"{text!r} is not of the form steps=5,10,20.")
    known = (_PRESET, "network", "layers", *(n for n in FORMS if n != "preprocessing"))
    if name not in known:
        names = ", ".join(dict.fromkeys(known))
        raise RecipeError(f"There is no setting {name!r} that could vary; there are {names}.")
    chosen = [value.strip() for value in values.split(",")]
    if name == _PRESET and (missing := [v for v in chosen if v not in PRESETS]):
        raise RecipeError(
            f"There is no preset {missing[0]!r}; choose some of {', '.join(PRESETS)}."
        )
    return name, list(dict.fromkeys(chosen))


def _value(name: str, text: str) -> Any:
    """A setting's value from its spelling on a command line."""
    form = FORMS[name]
    if form.number is None or text in form.words:
        return text
    try:
        return form.number(text)
    except ValueError as error:
        raise RecipeError(f"{name} cannot be {text!r}.") from error
