"""libtiff's own voice, which prints what it thinks of damaged files on standard error."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

__all__ = ["silent_libtiff"]


@contextmanager
def silent_libtiff() -> Iterator[None]:
    """Let the libtiff that Pillow brings print nothing; what it fails at is raised all the same.

    Its handlers are those of the whole process: they are put back afterwards. Where
    Pillow holds libtiff inside itself, as on Windows, they cannot be reached.
    """
    setters = _setters()
    before = [setter(None) for setter in setters]
    try:
        yield
    finally:
        for setter, handler in zip(setters, before, strict=True):
            setter(handler)


@cache
def _setters() -> tuple[Callable[[int | None], int | None], ...]:
    try:
        from PIL import _imaging

        library = ctypes.CDLL(_imaging.__file__)
        setters = library.TIFFSetErrorHandler, library.TIFFSetWarningHandler
    except (AttributeError, ImportError, OSError, TypeError):
        return ()
    for setter in setters:
        setter.restype, setter.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    return setters
