"""The program: its table of commands, and what its exit codes mean.

====  =======================================================
code  meaning
====  =======================================================
0     done
1     it could not be done; one line on standard error says why
2     the command line is wrong
129   stopped by SIGHUP: the terminal was closed
130   stopped by Ctrl-C
141   whoever read the output went away
143   stopped by SIGTERM
====  =======================================================
"""

from __future__ import annotations

import difflib
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

from .. import __version__
from ..errors import OnnxdreamError
from . import bench, doctor, dream, layers, networks, presets, recipe, replay, show, sweep
from .door import abandon, say

__all__ = ["COMMANDS", "build_parser", "completed", "main"]

COMMANDS = {
    "dream": dream.COMMAND,
    "presets": presets.COMMAND,
    "show": show.COMMAND,
    "replay": replay.COMMAND,
    "recipe": recipe.COMMAND,
    "sweep": sweep.COMMAND,
    "networks": networks.COMMAND,
    "layers": layers.COMMAND,
    "doctor": doctor.COMMAND,
    "bench": bench.COMMAND,
}
"""Every command, by the name that it is called by."""

FAILED, UNREAD = 1, 141

_NO_MEMORY = "There is not enough memory."

_EXAMPLES = """\
examples:
  onnxdream photo.jpg                          writes photo.dream.png beside it
  onnxdream photo.jpg --preset eyes --strength 0.5 -o out.png
  onnxdream dream *.jpg -o dreams/             all of them, into a folder
  cat photo.jpg | onnxdream dream - > dream.png

`onnxdream COMMAND --help` lists the options of a command."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program, which `onnxdream.cli.main` attends; what stops it is raised."""
    try:
        code = _answer(arguments)
        # A reader that went away is noticed here, not in the interpreter's last moments.
        print(end="", flush=True)
    except BrokenPipeError:
        abandon(sys.stdout)
        return UNREAD
    except OSError as error:
        abandon(sys.stdout)
        return _fail(str(error), FAILED)
    return code


def build_parser() -> ArgumentParser:
    """Return the parser of the command line, with a parser for each command inside."""
    parser = ArgumentParser(
        prog="onnxdream",
        description="DeepDream: make larger in a photograph what a network sees in it.",
        epilog=_EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"onnxdream {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        own = commands.add_parser(
            name, help=command.summary, description=f"{command.summary}.", allow_abbrev=False
        )
        own.set_defaults(command=command, parser=own)
        command.add_options(own)
        own.add_argument(
            "-v", "--verbose", action="store_true", help="say on standard error what is being done"
        )
    return parser


def _answer(arguments: Sequence[str] | None) -> int:
    if isinstance(sys.stdout, TextIOWrapper):
        # Not every terminal has a × or a σ, and none of them is worth a failure.
        sys.stdout.reconfigure(errors="replace")
    try:
        parser = build_parser()
        options = parser.parse_args(completed(parser, arguments))
        with _spoken_log(options.verbose):
            return int(options.command.run(options))
    except SystemExit as answered:
        # argparse has shown its help, or what is wrong with the command line.
        return int(answered.code or 0)
    except (OnnxdreamError, MemoryError) as error:
        return _fail(str(error) or _NO_MEMORY, FAILED)
    except ImportError as error:
        from ..memory import tells_of_memory

        if not tells_of_memory(error):
            raise
        return _fail(_NO_MEMORY, FAILED)


def completed(parser: ArgumentParser, arguments: Sequence[str] | None) -> list[str]:
    """The command line with the command ``dream`` where it begins with a picture."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in COMMANDS or (given[0].startswith("-") and given[0] != "-"):
        return given
    first = given[0]
    if not _is_picture(first):
        close = difflib.get_close_matches(first, COMMANDS, n=1)
        known = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(COMMANDS)}"
        parser.error(f"{first!r} is neither a picture nor a command; {known}")
    return ["dream", *given]


def _is_picture(name: str) -> bool:
    """Whether something was meant as a picture: it is there, or looks like a path or a pattern."""
    return name == "-" or any(mark in name for mark in "./\\*?[") or Path(name).exists()


@contextmanager
def _spoken_log(verbose: bool) -> Iterator[None]:
    """Show the library's log on standard error, its warnings or all of it."""
    import logging

    log = logging.getLogger("onnxdream")
    handler, level = logging.StreamHandler(), log.level
    handler.setFormatter(logging.Formatter("onnxdream: %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO if verbose else logging.WARNING)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)


def _fail(message: str, code: int) -> int:
    """Say in one line why there is no result."""
    say(message)
    return code
