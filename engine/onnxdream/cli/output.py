"""Where pictures come from and go to, on the command line."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from io import BytesIO
from pathlib import Path
from typing import TextIO

import numpy as np

from .. import images
from ..errors import ImageError

__all__ = ["PIPE", "source", "target", "write"]

PIPE = "-"
"""What names standard input or standard output."""

_SPECK = images.Picture(np.zeros((1, 1, 3), np.float32))


def source(photo: str) -> images.Source:
    """Return what `onnxdream.images.read` reads.

    Raises
    ------
    ImageError
        If that is standard input, and it is closed.
    """
    return _opened(sys.stdin, "standard input").buffer if photo == PIPE else photo


def target(options: Namespace) -> Path | None:
    """Return where the dream goes, None for standard output, if it can go there.

    Raises
    ------
    ImageError
        If it cannot, so that nobody waits for a dream that is lost.
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
    if output is not None:
        path = Path(output)
    else:
        path = Path(photo).parent / f"{Path(photo).stem}.dream.png"
        if path.exists() and not options.force:
            raise ImageError(f"{path} exists already: say --force, or name a file with -o.")
    _check(path)
    return path


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


def _check(path: Path) -> None:
    """Raise now what `images.write` would raise after the dream."""
    images.write(_SPECK, BytesIO(), path.suffix or None)
    if path.is_dir():
        raise ImageError(f"{path} is a folder; name a file in it.")
    if not path.parent.is_dir():
        raise ImageError(f"There is no folder {path.parent}; make it first.")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ImageError(f"{path} cannot be written: you lack the permission.")
