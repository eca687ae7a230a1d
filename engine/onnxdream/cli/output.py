"""Where pictures come from and go to, on the command line."""

from __future__ import annotations

import sys
from argparse import Namespace
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TextIO

import msgspec

from .. import images
from ..errors import ImageError
from ..files import shown
from ..provenance import Output, Provenance
from .batch import PIPE, Job

__all__ = ["check", "source", "write"]


def source(photo: str) -> images.Source:
    """Return what `onnxdream.images.read` reads.

    Raises
    ------
    ImageError
        If that is standard input, and it is closed.
    """
    return _opened(sys.stdin, "standard input").buffer if photo == PIPE else photo


def check(job: Job, options: Namespace, like: images.Picture | None = None) -> None:
    """Make sure that nobody waits for a dream that is lost.

    Parameters
    ----------
    job : Job
        Where the dream goes.
    options : Namespace
        The command line.
    like : Picture, optional
        A picture like the one that will be written, where it is known.

    Raises
    ------
    ImageError
        If it cannot be written there.
    SystemExit
        If a terminal would be shown the bytes of a picture.
    """
    if job.target is None:
        if _opened(sys.stdout, "standard output").isatty() and options.output is None:
            options.parser.error("standard output is a terminal: name a file with -o")
        return
    if not job.named and job.photo != PIPE and not Path(job.photo).exists():
        # That is worse, and said when it is read.
        return
    if not (job.target.suffix or options.format):
        raise ImageError(
            f"{shown(job.target)} has no suffix that names a format: add one, or say --format."
        )
    if not job.named and job.target.exists() and not options.force:
        raise ImageError(
            f"{shown(job.target)} exists already: say --force, or name a file with -o."
        )
    likeness = {} if like is None else {"like": like}
    images.check_target(job.target, options.format, depth=options.depth, **likeness)


def write(picture: images.Picture, job: Job, options: Namespace) -> None:
    """Write a dream, and what it says of itself, to its file or to standard output.

    Raises
    ------
    ImageError
        If the file cannot be written.
    OSError
        If standard output cannot be written.
    """
    form = options.format or ("png" if job.target is None else job.target.suffix)
    how = form, options.quality, images.written_depth(picture, form, options.depth)
    picture = replace(picture, texts={} if options.no_metadata else _told(picture, *how))
    if job.target is not None:
        images.write(picture, job.target, *how)
        return
    content = BytesIO()
    images.write(picture, content, *how)
    _opened(sys.stdout, "standard output").buffer.write(content.getvalue())


def _told(picture: images.Picture, form: str, quality: int, depth: int) -> dict[str, str]:
    """The texts of a dream, with how it is written."""
    if not picture.texts:
        # What is there of a dream that was stopped.
        return {}
    record = Provenance.of(picture.texts, "The dream")
    written = Output(format=form.removeprefix(".").lower(), quality=quality, depth=depth)
    return msgspec.structs.replace(record, output=written).texts()


def _opened(stream: TextIO | None, name: str) -> TextIO:
    """Return a stream of this process, if it was started with one."""
    if stream is None:
        raise ImageError(f"There is no {name}: it is closed.")
    return stream
