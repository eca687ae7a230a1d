"""Options that are read off the library, or shared by commands."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..preprocessing import Preprocessing
from ..recipe import DEFAULT_PRESET, FORMS, PRESETS, Form, Recipe, descriptions, recipe_from

if TYPE_CHECKING:
    from ..network import Network

__all__ = [
    "add_network_options",
    "add_preprocessing_options",
    "add_recipe_options",
    "chosen_layers",
    "chosen_recipe",
    "chosen_settings",
    "load_network",
]

_ELSEWHERE = ("network", "preprocessing", "layers")
"""The settings of a recipe that have options of another shape."""


def add_recipe_options(parser: ArgumentParser) -> None:
    """Add ``--preset``, and an option for each number and word of a `Recipe`.

    Their names, types and defaults are those of the fields; their help is what
    the docstring of `Recipe` says of them.
    """
    group = parser.add_argument_group("recipe")
    start = group.add_mutually_exclusive_group()
    start.add_argument(
        "--preset",
        choices=PRESETS,
        default=DEFAULT_PRESET,
        help="the recipe that the options below change; `onnxdream presets` says what "
        "each shows (default: %(default)s)",
    )
    start.add_argument(
        "--recipe",
        metavar="FILE",
        help="a recipe to change instead: TOML or JSON, as `onnxdream recipe` writes it, or "
        "a dream",
    )
    said, defaults = descriptions(), Recipe()
    for name, form in FORMS.items():
        if name in _ELSEWHERE:
            continue
        text = said[name][1].removesuffix(".").replace("%", "%%")
        default = getattr(defaults, name)
        group.add_argument(
            f"--{name.replace('_', '-')}",
            type=_value(form),
            choices=form.words if form.number is None else None,
            metavar=_metavar(form),
            help=f"{text[:1].lower()}{text[1:]}"
            + ("" if default is None else f" (default: {default})"),
        )


def _value(form: Form) -> Callable[[str], object]:
    """Return what reads a setting from a command line."""
    number = form.number
    if number is None:
        return str

    def read(text: str) -> object:
        return text if text in form.words else number(text)

    read.__name__ = " or ".join([number.__name__, *form.words])
    return read


def _metavar(form: Form) -> str | None:
    number = {int: "N", float: "X", None: None}[form.number]
    return number and "|".join([number, *form.words])


def chosen_recipe(options: Namespace) -> Recipe:
    """Return the recipe that the command line starts from, with the settings that it changes."""
    return recipe_from(*chosen_settings(options))


def chosen_settings(options: Namespace) -> tuple[Recipe | str, dict[str, object]]:
    """Return the recipe that the command line starts from, and the settings that it changes."""
    given = {name: getattr(options, name) for name in FORMS if name not in _ELSEWHERE}
    settings: dict[str, object] = {k: v for k, v in given.items() if v is not None}
    if options.network is not None:
        settings["network"] = options.network
    from ..network import DEFAULT_NETWORK

    start: Recipe | str = options.preset
    if options.recipe is not None:
        from ..provenance import read_recipe

        start = read_recipe(options.recipe)
    recipe = recipe_from(start, settings)
    options.loaded = None
    fed = any(getattr(options, name) is not None for name in Preprocessing.__struct_fields__)
    if fed or options.layers:
        # What it takes to read the options is not loaded a second time to dream.
        options.loaded = network = load_network(options, recipe.network or DEFAULT_NETWORK)
        if fed:
            settings["preprocessing"] = network.preprocessing
        if options.layers:
            settings["layers"] = chosen_layers(network, options)
    return start, settings


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


def load_network(options: Namespace, network: str) -> Network:
    """Load a network, fed as the command line says."""
    from ..network import load

    return load(
        network,
        mean=options.mean,
        std=options.std,
        channels=options.channels,
        value_range=options.value_range,
    )


def chosen_layers(network: Network, options: Namespace) -> dict[str, float]:
    """Return the weight of each tensor that the command line names."""
    weights: dict[str, float] = {}
    for text in options.layers:
        name, weight = _layer(network, text)
        tensor = network.resolve(name)
        weights[tensor] = weights.get(tensor, 0.0) + weight
    return weights


def _layer(network: Network, text: str) -> tuple[str, float]:
    """A layer's name and its weight; what is a name as it stands is never split."""
    from ..errors import LayerNotFoundError, RecipeError

    name, _, weight = text.rpartition("=")
    try:
        return network.resolve(text), 1.0
    except LayerNotFoundError:
        if not name:
            raise
        layer = network.resolve(name)
        try:
            return layer, float(weight)
        except ValueError as error:
            raise RecipeError(
                f"The weight of {name!r} must be a number, but is {weight!r}."
            ) from error


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
