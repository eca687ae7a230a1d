"""``onnxdream dream``: a photograph in, a dream out."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from contextlib import nullcontext

from .command import Command
from .machine import add_machine_options, chosen_machine
from .options import (
    add_network_options,
    add_preprocessing_options,
    add_recipe_options,
    chosen_recipe,
)

__all__ = ["COMMAND"]


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

    add_network_options(parser, "the embedded one that `onnxdream networks` marks")
    add_preprocessing_options(parser)
    add_recipe_options(parser)
    add_machine_options(parser)


def _run(options: Namespace) -> int:
    from .. import images
    from ..dreamer import dreamer_for
    from . import output
    from .bar import Bar

    recipe = chosen_recipe(options)
    target = output.target(options)
    picture = images.read(output.source(options.photo))
    output.check(options, target, picture)
    with (
        dreamer_for(recipe, chosen_machine(options)) as dreamer,
        nullcontext() if options.quiet else Bar(recipe) as progress,
    ):
        dreamt = dreamer.dream_picture(picture, recipe, progress=progress)
    output.write(dreamt, target)
    if target is not None and not options.quiet:
        print(target)
    return 0


COMMAND = Command("Dream a photograph", _run, _add_options)
