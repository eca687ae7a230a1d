"""``onnxdream dream``: a photograph in, a dream out."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from contextlib import nullcontext
from typing import TYPE_CHECKING

from .command import Command
from .options import add_feeding_options, add_recipe_options, chosen_recipe, load_network

if TYPE_CHECKING:
    from ..network import Network

__all__ = ["COMMAND"]

_MACHINE = ("provider", "device", "threads", "lowering")
"""The settings of a `Dreamer` that are options of the same name."""


def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument("photo", metavar="PHOTO", help="a picture, or - for standard input")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="where the dream is written, in the format that its suffix names, or - for PNG on "
        "standard output; an existing file is overwritten (default: photo.dream.png beside "
        "photo.jpg, and standard output for a picture from standard input)",
    )
    parser.add_argument(
        "--force", action="store_true", help="overwrite the default output if it exists"
    )
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="show no progress bar and print no path"
    )

    network = parser.add_argument_group("network")
    network.add_argument(
        "--network",
        metavar="NAME|FILE",
        help="an embedded network or an ONNX file (default: the embedded one that "
        "`onnxdream networks` marks)",
    )
    network.add_argument(
        "--layer",
        action="append",
        default=[],
        metavar="NAME[=WEIGHT]",
        dest="layers",
        help="what to make larger, as `onnxdream layers` names it; several add up, each with its "
        "weight, 1 if not given (default: what the network suggests)",
    )
    add_feeding_options(parser)
    add_recipe_options(parser)

    machine = parser.add_argument_group("machine")
    machine.add_argument(
        "--provider",
        default="auto",
        metavar="auto|cpu|cuda",
        help="where to dream (default: auto, which is cuda where ONNX Runtime has it)",
    )
    machine.add_argument(
        "--device", type=int, default=0, metavar="N", help="which GPU, from 0 (default: 0)"
    )
    machine.add_argument(
        "--threads",
        type=int,
        metavar="N",
        help="on how many threads, where that is the CPU (default: the cores that it may use)",
    )
    machine.add_argument(
        "--lowering",
        default="auto",
        metavar="auto|accelerated|portable",
        help="how the network's gradient is spelled (default: auto, the fastest that works here)",
    )


def _run(options: Namespace) -> int:
    from .. import images
    from ..dreamer import Dreamer
    from . import output
    from .bar import Bar

    recipe = chosen_recipe(options)
    target = output.target(options)
    picture = images.read(output.source(options.photo))
    network = load_network(options)
    machine = {name: getattr(options, name) for name in _MACHINE}
    with (
        Dreamer(network, _layers(network, options.layers), **machine) as dreamer,
        nullcontext() if options.quiet else Bar(recipe) as progress,
    ):
        dreamt = dreamer.dream_picture(picture, recipe, progress=progress)
    output.write(dreamt, target)
    if target is not None and not options.quiet:
        print(target)
    return 0


def _layers(network: Network, given: list[str]) -> dict[str, float] | None:
    """The weight of each tensor that the command line names."""
    weights: dict[str, float] = {}
    for text in given:
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


COMMAND = Command("Dream a photograph", _run, _add_options)
