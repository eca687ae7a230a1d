"""``onnxdream replay``: a dream once more, from what its file says of itself."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from .command import Command
from .door import say
from .machine import add_machine_options

__all__ = ["COMMAND"]


def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument("dream", metavar="DREAM", help="a picture that onnxdream wrote")
    parser.add_argument(
        "--input", required=True, metavar="PHOTO", help="the picture that was dreamed"
    )
    parser.add_argument(
        "-o", "--output", required=True, metavar="FILE", help="where the dream is written again"
    )
    parser.add_argument(
        "--assets",
        metavar="FOLDER",
        help="where the network's file is (default: the current folder)",
    )
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="show no progress bar and print no path"
    )
    add_machine_options(parser)


def _run(options: Namespace) -> int:
    from contextlib import nullcontext

    from .. import images
    from ..images.formats import known
    from ..replay import replay
    from .bar import Bar
    from .machine import given_machine

    images.check_target(options.output)
    with nullcontext() if options.quiet else Bar(1.4**2) as bar:
        if bar is not None:
            bar.begin(Path(options.dream).name)
        again = replay(
            options.dream,
            options.input,
            assets=options.assets,
            machine=given_machine(options),
            progress=bar,
        )
    written = again.output
    form = Path(options.output).suffix
    # Another format may not hold what the first one did.
    depth = written.depth if known(form) == known(written.format) else None
    images.write(again.picture, options.output, quality=written.quality or 95, depth=depth)
    if not options.quiet:
        print(options.output)
    for difference in again.differences:
        say(difference)
    if not again.same:
        say("the dream is not the same, pixel for pixel")
    return 0 if again.same else 1


COMMAND = Command("Dream a dream again, from what its file says", _run, _add_options)
