"""Where pictures come from and go to, on the command line."""

from __future__ import annotations

import sys
from argparse import Namespace
from io import BytesIO
from pathlib import Path
from typing import TextIO

from .. import images
from ..errors import ImageError
from ..files import shown

__all__ = ["PIPE", "check", "source", "target", "write"]

PIPE = "-"
"""What names standard input or standard output."""


def source(photo: str) -> images.Source:
    """Return what `onnxdream.images.read` reads.

    Raises
    ------
    ImageError
        If that is standard input, and it is closed.
    """
    return _opened(sys.stdin, "standard input").buffer if photo == PIPE else photo


def target(options: Namespace) -> Path | None:
    """Return where the dream goes, None for standard output.

    Raises
    ------
    ImageError
        If it names what cannot be written.
    SystemExit
        If a terminal would be shown the bytes of a picture.
    """
    photo, output = options.photo, options.output
    if output is None and photo == PIPE:
        if _opened(sys.stdout, "standard output").isatty():
            options.parser.error("standard output is a terminal: name a file with -o")
        output = PIPE
    if output == PIPE:
        _opened(sys.stdout, "standard output")
        return None
    if output is None:
        return Path(photo).parent / f"{Path(photo).stem}.dream.png"
    images.check_target(output)
    return Path(output)


def check(options: Namespace, path: Path | None, picture: images.Picture) -> None:
    """Make sure that nobody waits for a dream that is lost.

    Raises
    ------
    ImageError
        If a picture like this one cannot be written there.
    """
    if path is None:
        return
    images.check_target(path, like=picture)
    if options.output is None and path.exists() and not options.force:
        raise ImageError(f"{shown(path)} exists already: say --force, or name a file with -o.")


def write(picture: images.Picture, path: Path | None) -> None:
    """Write a picture to a file, or as PNG to standard output if there is none.

    Raises
    ------
    ImageError
        If the file cannot be written.
    OSError
        If standard output cannot be written.
    """
    if path is not None:
        images.write(picture, path)
        return
    content = BytesIO()
    images.write(picture, content)
    _opened(sys.stdout, "standard output").buffer.write(content.getvalue())


def _opened(stream: TextIO | None, name: str) -> TextIO:
    """Return a stream of this process, if it was started with one."""
    if stream is None:
        raise ImageError(f"There is no {name}: it is closed.")
    return stream
