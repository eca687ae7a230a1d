"""``onnxdream recipe``: the settings of a dream as a file."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..recipe import to_json, to_toml
from .command import Command
from .options import (
    add_network_options,
    add_preprocessing_options,
    add_recipe_options,
    chosen_recipe,
)

__all__ = ["COMMAND"]


def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="write JSON (default: TOML)")
    add_network_options(parser, "that of the preset")
    add_preprocessing_options(parser)
    add_recipe_options(parser)


def _run(options: Namespace) -> int:
    recipe = chosen_recipe(options)
    print(to_json(recipe) + "\n" if options.json else to_toml(recipe), end="")
    return 0


COMMAND = Command("Write a recipe, for --recipe and for editing", _run, _add_options)
