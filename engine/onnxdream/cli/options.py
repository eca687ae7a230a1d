"""Options that are read off the library, or shared by commands."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from dataclasses import fields
from inspect import cleandoc
from typing import TYPE_CHECKING

from ..recipe import PRESETS, Recipe, recipe_from

if TYPE_CHECKING:
    from ..network import Network

__all__ = [
    "add_network_options",
    "add_preprocessing_options",
    "add_recipe_options",
    "chosen_layers",
    "chosen_recipe",
    "load_network",
]

_PARAMETER = re.compile(r"^(\w+) : (.+)\n((?: {4}.+\n?)+)", re.MULTILINE)


def add_recipe_options(parser: ArgumentParser) -> None:
    """Add ``--preset``, and an option for each field of `Recipe`.

    Their names, types and defaults are those of the fields; their help is what
    the docstring of `Recipe` says of them.
    """
    group = parser.add_argument_group("recipe")
    presets = "the recipe that the options below change"
    group.add_argument(
        "--preset", choices=PRESETS, default="default", help=f"{presets} (default: %(default)s)"
    )
    said = {name: rest for name, *rest in _PARAMETER.findall(cleandoc(Recipe.__doc__ or ""))}
    for field in fields(Recipe):
        kind, text = said.get(field.name, ("", ""))
        text = " ".join(text.split()).removesuffix(".").replace("%", "%%")
        group.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=type(field.default),
            choices=re.findall(r'"(\w+)"', kind) or None,
            metavar={int: "N", float: "X"}.get(type(field.default)),
            help=f"{text[:1].lower()}{text[1:]} (default: {field.default})",
        )


def chosen_recipe(options: Namespace) -> Recipe:
    """Return the preset with the settings that the command line changes."""
    given = {field.name: getattr(options, field.name) for field in fields(Recipe)}
    return recipe_from(options.preset, {k: v for k, v in given.items() if v is not None})


def add_preprocessing_options(parser: ArgumentParser) -> None:
    """Add the options that say how a network is fed which does not say so itself."""
    group = parser.add_argument_group(
        "preprocessing",
        "how pictures are fed to the network, for an ONNX file that does not say so itself",
    )
    triple, pair = _numbers(3), _numbers(2)
    group.add_argument(
        "--mean",
        type=triple,
        metavar="A,B,C",
        help="what is subtracted from the pixels, in the network's channel order "
        "(default: what the file says, or 0,0,0)",
    )
    group.add_argument(
        "--std",
        type=triple,
        metavar="A,B,C",
        help="what they are divided by then, in the network's channel order "
        "(default: what the file says, or 1,1,1)",
    )
    group.add_argument(
        "--channels",
        choices=("RGB", "BGR"),
        help="the network's channel order (default: what the file says, or RGB)",
    )
    group.add_argument(
        "--value-range",
        type=pair,
        metavar="LOW,HIGH",
        help="black and white on the scale of mean and std, 0,255 say; below zero with an equals "
        "sign, --value-range=-1,1 (default: what the file says, or 0,1)",
    )


def add_network_options(parser: ArgumentParser, default: str) -> None:
    """Add the options that name a network and its layers.

    Parameters
    ----------
    parser : ArgumentParser
        A command's parser.
    default : str
        What is said of the network that is taken if none is named.
    """
    group = parser.add_argument_group("network")
    group.add_argument(
        "--network",
        metavar="NAME|FILE",
        help=f"an embedded network or an ONNX file (default: {default})",
    )
    group.add_argument(
        "--layer",
        action="append",
        default=[],
        metavar="NAME[=WEIGHT]",
        dest="layers",
        help="what to make larger, as `onnxdream layers` names it; several add up, each with its "
        "weight, 1 if not given (default: what the network suggests)",
    )


def load_network(options: Namespace) -> Network:
    """Load the network that the command line names, or the default one, fed as it says."""
    from ..network import DEFAULT_NETWORK, load

    return load(
        DEFAULT_NETWORK if options.network is None else options.network,
        mean=options.mean,
        std=options.std,
        channels=options.channels,
        value_range=options.value_range,
    )


def chosen_layers(network: Network, options: Namespace) -> dict[str, float] | None:
    """Return the weight of each tensor that the command line names, or None if it names none."""
    weights: dict[str, float] = {}
    for text in options.layers:
        name, weight = _layer(network, text)
        tensor = network.resolve(name)
        weights[tensor] = weights.get(tensor, 0.0) + weight
    return weights or None


def _layer(network: Network, text: str) -> tuple[str, float]:
    """A layer's name and its weight; what is a name as it stands is never split."""
    from ..errors import LayerNotFoundError

    name, _, weight = text.rpartition("=")
    try:
        return network.resolve(text), 1.0
    except LayerNotFoundError:
        try:
            return name, float(weight)
        except ValueError:
            return text, 1.0


def _numbers(count: int) -> Callable[[str], tuple[float, ...]]:
    """Return what reads so many numbers with commas between them."""

    def read(text: str) -> tuple[float, ...]:
        try:
            found = tuple(float(number) for number in text.split(","))
        except ValueError:
            found = ()
        if len(found) != count:
            raise ArgumentTypeError(f"{text!r} is not {count} numbers with commas between them")
        return found

    return read
