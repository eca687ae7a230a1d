"""Files that a benchmark leaves behind."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import BenchmarkError

__all__ = ["check_target", "save"]


def check_target(path: str | os.PathLike[str]) -> None:
    """Raise now what `save` would raise after a long benchmark."""
    target = Path(path)
    if target.is_dir():
        raise BenchmarkError(f"{target} is a folder; name a file in it.")
    if not target.parent.is_dir():
        raise BenchmarkError(f"There is no folder {target.parent}; make it first.")
    if not os.access(target.parent, os.W_OK):
        raise BenchmarkError(f"{target} cannot be written: you lack the permission.")


def save(content: bytes, path: str | os.PathLike[str]) -> None:
    """Write a file: all of it or nothing.

    Raises
    ------
    BenchmarkError
        If it cannot be written.
    """
    check_target(path)
    target = Path(path)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(target)
    except OSError as error:
        raise BenchmarkError(f"{target} cannot be written: {error.strerror}.") from error
    finally:
        unfinished.unlink(missing_ok=True)
