"""Recipes as TOML and JSON, which may come from strangers."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from inspect import cleandoc
from typing import Any

import msgspec

from ..errors import RecipeError
from ..preprocessing import Preprocessing
from .record import Recipe

__all__ = ["MOST_BYTES", "decode", "descriptions", "to_json", "to_toml"]

MOST_BYTES = 1 << 20
"""What is longer is not read."""

_PARAMETER = re.compile(r"^(\w+) : (.+)\n((?: {4}.+\n?)+)", re.MULTILINE)


def descriptions() -> dict[str, tuple[str, str]]:
    """What the docstring of `Recipe` says of each setting: its type, and its meaning."""
    found = _PARAMETER.findall(cleandoc(Recipe.__doc__ or ""))
    return {name: (kind, " ".join(text.split())) for name, kind, text in found}


def decode(content: bytes | str, name: str, toml: bool) -> Recipe:
    """Read a recipe.

    Parameters
    ----------
    content : bytes or str
        TOML or JSON, in UTF-8.
    name : str
        Where it was found, for messages.
    toml : bool
        Whether it is TOML.

    Raises
    ------
    RecipeError
        If it is too long, no TOML or JSON, or no recipe.
    """
    if len(content) > MOST_BYTES:
        raise RecipeError(f"{name} is longer than the {MOST_BYTES >> 20} MiB that are read.")
    try:
        if toml:
            text = content.decode() if isinstance(content, bytes) else content
            return from_data(tomllib.loads(text), name)
        return from_data(msgspec.json.decode(content), name)
    except (ValueError, RecursionError) as error:
        if isinstance(error, RecipeError):
            raise
        raise RecipeError(f"{name} is no {'TOML' if toml else 'JSON'}: {error}.") from error


def from_data(data: Any, name: str) -> Recipe:
    """A recipe from the objects that a decoder made.

    Raises
    ------
    RecipeError
        If they are none; the message names the setting.
    """
    try:
        return msgspec.convert(data, Recipe)
    except msgspec.ValidationError as error:
        raise RecipeError(f"{name} is no recipe: {str(error).removesuffix('.')}.") from error


def to_json(recipe: Recipe) -> str:
    """A recipe as JSON of one line."""
    return msgspec.json.encode(recipe).decode()


def to_toml(recipe: Recipe) -> str:
    """A recipe as TOML, every setting with what it means."""
    said = descriptions()
    tables: dict[str, Mapping[str, Any]] = {}
    lines = ["# A recipe of onnxdream."]
    for name, value in msgspec.structs.asdict(recipe).items():
        if isinstance(value, Preprocessing):
            value = msgspec.to_builtins(value)
        if isinstance(value, Mapping):
            tables[name] = value
            continue
        lines += ["", f"# {said[name][1]}"]
        lines.append(f"# {name} is not set" if value is None else f"{name} = {_spelled(value)}")
    for name, table in tables.items():
        lines += ["", f"# {said[name][1]}", f"[{name}]"]
        lines += [f"{_spelled(key)} = {_spelled(value)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"


def _spelled(value: Any) -> str:
    """A value in TOML, whose strings, numbers and lists are spelled as in JSON."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
