"""Pillow behind a guard: no warning gets out, and every error is one of ours."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, UnidentifiedImageError

from ..errors import (
    ImageError,
    ImageFormatError,
    ImageTooLargeError,
    ImageTruncatedError,
    OnnxdreamError,
)
from .libtiff import silent_libtiff

__all__ = ["guarded"]

# What Pillow's readers say of a file that was cut; they share no exception class.
# The last is WebP's, which counts its chunks before it decodes any.
_CUT = (
    "truncated",
    "eof",
    "incomplete",
    "expected to read",
    "not enough image data",
    "could not create decoder object",
)

# Of some damage Pillow and tifffile tell their logs beside raising it, and where nobody
# has set one up that is printed.
for _log in ("PIL", "tifffile"):
    logging.getLogger(_log).addHandler(logging.NullHandler())

# The list of warning filters belongs to the whole process, and so does Pillow's limit:
# two threads that put them back in the wrong order would leave them changed.
_process = threading.RLock()


@contextmanager
def guarded(name: str, max_pixels: int = 0) -> Iterator[None]:
    """Read with Pillow, quietly, one thread at a time, its errors turned into ours.

    Parameters
    ----------
    name : str
        What is read, as the messages begin.
    max_pixels : int
        So many pixels are no bomb, whatever Pillow takes for one.

    Raises
    ------
    MemoryError
        If it does not fit into memory.
    ImageTooLargeError
        If Pillow takes it for a bomb.
    ImageTruncatedError
        If it ends too early.
    ImageFormatError
        If it is no picture, or damaged.
    """
    try:
        with _process, silent_libtiff(), warnings.catch_warnings(), _allowing(max_pixels):
            warnings.filterwarnings("ignore", module=r"PIL\.")
            yield
    except (OnnxdreamError, MemoryError):
        raise
    # Pillow's readers raise anything on damaged bytes, from SyntaxError to ZeroDivisionError.
    except Exception as error:
        raise _ours(name, error) from error


@contextmanager
def _allowing(pixels: int) -> Iterator[None]:
    """Let Pillow open so many pixels, if it would not: it refuses twice its limit."""
    before = Image.MAX_IMAGE_PIXELS
    if before is not None and pixels > 2 * before:
        Image.MAX_IMAGE_PIXELS = pixels
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _ours(name: str, error: Exception) -> ImageError:
    if isinstance(error, Image.DecompressionBombError):
        return ImageTooLargeError(f"{name} is too large to be read; shrink it first. ({error})")
    if isinstance(error, UnidentifiedImageError):
        return ImageFormatError(
            f"{name} is no picture, or of a kind that cannot be read; "
            "PNG, JPEG, WebP and most TIFF can."
        )
    if isinstance(error, EOFError) or any(words in str(error).lower() for words in _CUT):
        return ImageTruncatedError(f"{name} ends too early; fetch or save it again. ({error})")
    return ImageFormatError(f"{name} is damaged, or of a kind that cannot be read. ({error})")
