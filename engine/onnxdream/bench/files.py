"""Files that a benchmark leaves behind."""

from __future__ import annotations

import os

from .. import files
from ..errors import BenchmarkError

__all__ = ["check_target", "save"]


def check_target(path: str | os.PathLike[str]) -> None:
    """Raise now what `save` would raise after a long benchmark."""
    files.check_target(path, BenchmarkError)


def save(content: bytes, path: str | os.PathLike[str]) -> None:
    """Write a file: all of it or nothing.

    Raises
    ------
    BenchmarkError
        If it cannot be written.
    """
    files.save(content, path, BenchmarkError)
